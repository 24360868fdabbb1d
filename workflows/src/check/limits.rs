//! `concurrency`, `rate_limit`, `queue` and `priority`, of runs and of steps.

use super::expressions::Site;
use super::fields::Fields;
use super::{Facts, Finding, Report, attempts, templates, values};
use crate::slug::is_queue_name;
use crate::tree::{Entry, Node};
use crate::{Concurrency, Overflow, Priority, RateLimit, Template};

pub(crate) const AT_ONCE_MAX: u32 = 10_000;
pub(crate) const PER_TIME_MAX: u32 = 1_000_000;
pub(crate) const OVERFLOWS: [&str; 4] = ["queue", "skip", "replace", "latest"];

/// Of runs `overflow` says what happens to one too many; a step just waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Runs,
    Steps,
}

pub(super) fn concurrency(
    node: &Node,
    of: Of,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Concurrency> {
    let entries = map("concurrency", node, "{ \"limit\": 3 }", report)?;
    let known: &[&str] = if of == Of::Runs { &["limit", "key", "overflow"] } else { &["limit", "key"] };
    Fields { place: "in `concurrency`", known }.check(entries, facts, report, |_| None);
    let overflow = node.field("overflow").filter(|_| of == Of::Runs);
    let overflow = match overflow.and_then(|node| values::word("overflow", node, &OVERFLOWS, report)) {
        Some("skip") => Overflow::Skip,
        Some("replace") => Overflow::Replace,
        Some("latest") => Overflow::Latest,
        _ => Overflow::Queue,
    };
    let key = key(node, site, facts, report);
    let limit = limit("concurrency", node, AT_ONCE_MAX, report)?;
    Some(Concurrency { limit, key, overflow })
}

pub(super) fn rate_limit(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<RateLimit> {
    let entries = map("rate_limit", node, "{ \"limit\": 80, \"per\": \"1s\" }", report)?;
    Fields { place: "in `rate_limit`", known: &["limit", "per", "key"] }.check(entries, facts, report, |_| None);
    let key = key(node, site, facts, report);
    let limit = limit("rate_limit", node, PER_TIME_MAX, report);
    let Some(per) = node.field("per") else {
        report.add(
            Finding::error("E103", node.span, "`rate_limit.per` is missing")
                .label("so many per what time?")
                .help("{ \"limit\": 80, \"per\": \"1s\" }"),
        );
        return None;
    };
    let per = attempts::positive("rate_limit.per", per, report)?;
    Some(RateLimit { limit: limit?, per, key })
}

fn map<'n>(field: &str, node: &'n Node, example: &str, report: &mut Report) -> Option<&'n [Entry]> {
    let entries = node.as_map();
    if entries.is_none() {
        report.add(values::wrong_kind(field, node, "a map").help(format!("write {example}")));
    }
    entries
}

fn limit(field: &str, node: &Node, max: u32, report: &mut Report) -> Option<u32> {
    let Some(limit) = node.field("limit") else {
        report.add(Finding::error("E103", node.span, format!("`{field}.limit` is missing")).label("how many?"));
        return None;
    };
    let value = values::count("limit", limit, max, report)?;
    if value == 0 {
        report.add(Finding::error("E105", limit.span, "`limit` must be at least 1").label("nothing would ever run"));
        return None;
    }
    Some(value)
}

fn key(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Template> {
    let key = node.field("key")?;
    values::text("key", key, report)?;
    Some(templates::build(key, site, facts, report))
}

/// A queue's name, or a template for one.
pub(super) fn queue(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Template> {
    let text = values::text("queue", node, report)?;
    if !text.contains("{{") && !is_queue_name(text) {
        report.add(
            Finding::error("E112", node.span, format!("`{text}` cannot be the name of a queue"))
                .label("lower-case letters, digits, `_`, `-` and `.`, at most 64"),
        );
        return None;
    }
    Some(templates::build(node, site, facts, report))
}

pub(super) fn priority(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Template> {
    let text = values::text("priority", node, report)?;
    if !text.contains("{{") {
        values::word("priority", node, &Priority::WORDS, report)?;
    }
    Some(templates::build(node, site, facts, report))
}
