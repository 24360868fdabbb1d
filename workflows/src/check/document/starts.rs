//! What decides whether, when and where a run starts.

use std::time::Duration;

use crate::check::expressions::{Reads, Site};
use crate::check::limits::{self, Of};
use crate::check::{Facts, Finding, Report, attempts, templates, values};
use crate::tree::Node;
use crate::{Concurrency, RateLimit, Template};

const IDEMPOTENCY_TTL_MAX: Duration = Duration::from_hours(90 * 24);
/// What can be read before a run has begun.
const START_ROOTS: [&str; 3] = ["inputs", "trigger", "env"];

pub(super) struct Starts {
    pub concurrency: Option<Concurrency>,
    pub rate_limit: Option<RateLimit>,
    pub idempotency_key: Option<Template>,
    pub idempotency_ttl: Option<Duration>,
    pub queue: Option<Template>,
    pub priority: Option<Template>,
}

pub(super) fn read(tree: &Node, facts: &Facts<'_>, report: &mut Report) -> Starts {
    let site = Site { roots: &START_ROOTS, reads: Reads::NoStep, calls: false };
    let field = |name: &str| tree.field(name);
    Starts {
        concurrency: field("concurrency").and_then(|node| limits::concurrency(node, Of::Runs, site, facts, report)),
        rate_limit: field("rate_limit").and_then(|node| limits::rate_limit(node, site, facts, report)),
        idempotency_key: field("idempotency_key").and_then(|node| {
            values::text("idempotency_key", node, report)?;
            Some(templates::build(node, site, facts, report))
        }),
        idempotency_ttl: ttl(tree, report),
        queue: field("queue").and_then(|node| limits::queue(node, site, facts, report)),
        priority: field("priority").and_then(|node| limits::priority(node, site, facts, report)),
    }
}

fn ttl(tree: &Node, report: &mut Report) -> Option<Duration> {
    let node = tree.field("idempotency_ttl")?;
    let ttl = attempts::positive("idempotency_ttl", node, report)?;
    if ttl > IDEMPOTENCY_TTL_MAX {
        report.add(
            Finding::error("E115", node.span, "`idempotency_ttl` is longer than 90 days")
                .label("keys are not kept longer"),
        );
        return None;
    }
    let key = tree.as_map().into_iter().flatten().find(|entry| entry.key == "idempotency_ttl");
    if let (Some(entry), None) = (key, tree.field("idempotency_key")) {
        report.add(
            Finding::warning("W102", entry.key_span, "`idempotency_ttl` has no effect without `idempotency_key`")
                .label("nothing has a key"),
        );
    }
    Some(ttl)
}
