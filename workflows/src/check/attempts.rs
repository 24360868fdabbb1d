//! `retry`, `retries` and `timeout` of a step.

use std::time::Duration;

use super::conditions::condition;
use super::expressions::{Reads, Site};
use super::fields::Fields;
use super::{Facts, Finding, Report, limits, values};
use crate::tree::{Kind, Node};
use crate::{Backoff, Retry};

/// Of one attempt of a step that does work.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
const RETRIES_DEFAULT: u32 = 3;
pub(crate) const RETRIES_MAX: u32 = 100;

pub(crate) const DEFAULTS_FIELDS: [&str; 3] = ["retry", "timeout", "queue"];
pub(crate) const RETRY_FIELDS: [&str; 7] = ["max", "delay", "backoff", "max_delay", "jitter", "within", "if"];

/// What holds for every step cannot read one of them.
const DEFAULTS_ROOTS: [&str; 6] = ["inputs", "variables", "env", "trigger", "run", "workflow"];

/// How a failed undo is repeated.
const UNDO_RETRIES_DEFAULT: u32 = 10;

pub(super) struct Attempts {
    pub retry: Retry,
    pub timeout: Option<Duration>,
}

/// What the attempts of a step are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Requests to somebody else.
    Work,
    /// A block, repeated as a whole.
    Block,
    /// `wait_for_event`, `call` and `emit`: the engine's own, and they can fail.
    Engine,
    /// Computed, or only a matter of time.
    None,
}

/// Where `retry.if` stands.
pub(super) struct Place<'a> {
    pub id: &'a str,
    pub roots: &'a [&'a str],
    pub reads: Reads,
    /// What undoes a step is tried longer.
    pub undoes: bool,
}

pub(super) fn read(step: &Node, effort: Effort, place: &Place<'_>, facts: &Facts<'_>, report: &mut Report) -> Attempts {
    if effort == Effort::None {
        for field in ["retry", "retries", "timeout"] {
            if let Some(entry) = step.as_map().into_iter().flatten().find(|entry| entry.key == field) {
                report.add(
                    Finding::warning("W102", entry.key_span, format!("`{field}` has no effect on this step"))
                        .label("only steps that do work have attempts"),
                );
            }
        }
        return Attempts { retry: Retry::NONE, timeout: None };
    }
    let is_work = effort == Effort::Work;
    let default = |field: &str| facts.defaults.filter(|_| is_work).and_then(|defaults| defaults.field(field));
    let timeout = match (step.field("timeout"), default("timeout")) {
        (Some(node), _) => positive("timeout", node, report),
        // Reported once, where it stands.
        (None, Some(node)) => positive("timeout", node, &mut Report::default()),
        (None, None) => None,
    };
    let mut retry = Retry { max: if is_work { RETRIES_DEFAULT } else { 0 }, ..Retry::NONE };
    if place.undoes {
        retry.max = UNDO_RETRIES_DEFAULT;
    }
    let retry = match default("retry") {
        Some(node) if step.field("retry").is_none() && step.field("retries").is_none() && !place.undoes => {
            written(node, place, retry, facts, &mut Report::default())
        }
        _ => own(step, place, retry, facts, report),
    };
    Attempts { retry, timeout: timeout.or(is_work.then_some(TIMEOUT_DEFAULT)) }
}

/// `defaults` of the document, for its own mistakes.
pub(super) fn check_defaults(node: &Node, facts: &Facts<'_>, report: &mut Report) {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("defaults", node, "a map"));
        return;
    };
    Fields { place: "in `defaults`", known: &DEFAULTS_FIELDS }.check(entries, facts, report, |_| None);
    if let Some(timeout) = node.field("timeout") {
        positive("timeout", timeout, report);
    }
    if let Some(retry) = node.field("retry") {
        let place = Place { id: "defaults", roots: &DEFAULTS_ROOTS, reads: Reads::NoStep, undoes: false };
        written(retry, &place, Retry::NONE, facts, report);
    }
    if let Some(queue) = node.field("queue") {
        let site = Site { roots: &DEFAULTS_ROOTS, reads: Reads::NoStep, calls: true };
        limits::queue(queue, site, facts, report);
    }
}

fn own(step: &Node, place: &Place<'_>, mut retry: Retry, facts: &Facts<'_>, report: &mut Report) -> Retry {
    let id = place.id;
    if let Some(retries) = step.field("retries") {
        if let Some(max) = values::count("retries", retries, RETRIES_MAX, report) {
            retry.max = max;
        }
        if let Some(other) = step.field("retry") {
            report.add(
                Finding::error("E119", retries.span, format!("step `{id}` has both `retry` and `retries`"))
                    .label("`retries` is the short form of `retry.max`")
                    .related(other.span, "`retry` is here")
                    .help("keep one of them"),
            );
            return retry;
        }
    }
    match step.field("retry") {
        Some(node) => written(node, place, retry, facts, report),
        None => retry,
    }
}

fn written(node: &Node, place: &Place<'_>, mut retry: Retry, facts: &Facts<'_>, report: &mut Report) -> Retry {
    match &node.kind {
        Kind::Number(_) => {
            if let Some(max) = values::count("retry", node, RETRIES_MAX, report) {
                retry.max = max;
            }
        }
        Kind::Map(_) => {
            // Whoever writes how to repeat wants to repeat.
            if retry.max == 0 {
                retry.max = RETRIES_DEFAULT;
            }
            full(node, place, &mut retry, facts, report);
        }
        _ => report.add(
            values::wrong_kind("retry", node, "a number of repetitions or a map")
                .help("{ \"max\": 3, \"delay\": \"1s\", \"backoff\": \"exponential\" } is the default"),
        ),
    }
    retry
}

fn full(node: &Node, place: &Place<'_>, retry: &mut Retry, facts: &Facts<'_>, report: &mut Report) {
    let title = format!("in `retry` of step `{}`", place.id);
    Fields { place: &title, known: &RETRY_FIELDS }.check(node.as_map().unwrap_or_default(), facts, report, |_| None);
    if let Some(max) = node.field("max").and_then(|max| values::count("max", max, RETRIES_MAX, report)) {
        retry.max = max;
    }
    if let Some(delay) = node.field("delay").and_then(|delay| values::duration("delay", delay, report)) {
        retry.delay = delay;
    }
    if let Some(longest) = node.field("max_delay").and_then(|longest| values::duration("max_delay", longest, report)) {
        retry.max_delay = longest;
    } else {
        retry.max_delay = retry.max_delay.max(retry.delay);
    }
    if let Some(word) = node
        .field("backoff")
        .and_then(|backoff| values::word("backoff", backoff, &["exponential", "linear", "constant"], report))
    {
        retry.backoff = match word {
            "linear" => Backoff::Linear,
            "constant" => Backoff::Constant,
            _ => Backoff::Exponential,
        };
    }
    if let Some(jitter) = node.field("jitter").and_then(|jitter| values::boolean("jitter", jitter, report)) {
        retry.jitter = jitter;
    }
    retry.within = node.field("within").and_then(|within| positive("within", within, report));
    if let Some(when) = node.field("if") {
        let roots: Vec<&str> = place.roots.iter().copied().chain(["error"]).collect();
        let site = Site { roots: &roots, reads: place.reads, calls: false };
        retry.condition = condition("retry.if", when, site, facts, report);
    }
}

/// A duration above zero.
pub(super) fn positive(field: &str, node: &Node, report: &mut Report) -> Option<Duration> {
    let duration = values::duration(field, node, report)?;
    if duration.is_zero() {
        report.add(
            Finding::error("E110", node.span, format!("`{field}` must be longer than zero"))
                .label("nothing is that fast"),
        );
        return None;
    }
    Some(duration)
}
