//! `retry`, `retries` and `timeout` of a step.

use std::time::Duration;

use super::expressions::{ERROR_ROOTS, Reads, Site, condition};
use super::fields::Fields;
use super::{Facts, Finding, Report, values};
use crate::tree::{Kind, Node};
use crate::{Backoff, Retry};

/// Of one attempt of a step that does work.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
const RETRIES_DEFAULT: u32 = 3;
const RETRIES_MAX: u32 = 100;
const DELAY_DEFAULT: Duration = Duration::from_secs(1);
const DELAY_MAX_DEFAULT: Duration = Duration::from_mins(5);

const RETRY_FIELDS: [&str; 7] = ["max", "delay", "backoff", "max_delay", "jitter", "within", "if"];

pub(super) struct Attempts {
    pub retry: Retry,
    pub timeout: Option<Duration>,
}

/// `does_work` is false for steering types, which the engine carries out itself and never repeats.
pub(super) fn read(
    step: &Node,
    id: &str,
    does_work: bool,
    reads: Reads,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Attempts {
    if !does_work {
        for field in ["retry", "retries", "timeout"] {
            if let Some(entry) = step.as_map().into_iter().flatten().find(|entry| entry.key == field) {
                report.add(
                    Finding::warning("W102", entry.key_span, format!("`{field}` has no effect on this step"))
                        .label("only steps that do work have attempts"),
                );
            }
        }
        return Attempts { retry: retry_of(0), timeout: None };
    }
    let timeout = step.field("timeout").and_then(|node| positive("timeout", node, report));
    Attempts { retry: retry(step, id, reads, facts, report), timeout: Some(timeout.unwrap_or(TIMEOUT_DEFAULT)) }
}

fn retry_of(max: u32) -> Retry {
    Retry {
        max,
        delay: DELAY_DEFAULT,
        backoff: Backoff::default(),
        max_delay: DELAY_MAX_DEFAULT,
        jitter: true,
        within: None,
        condition: None,
    }
}

fn retry(step: &Node, id: &str, reads: Reads, facts: &Facts<'_>, report: &mut Report) -> Retry {
    let mut retry = retry_of(RETRIES_DEFAULT);
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
    let Some(node) = step.field("retry") else { return retry };
    match &node.kind {
        Kind::Number(_) => {
            if let Some(max) = values::count("retry", node, RETRIES_MAX, report) {
                retry.max = max;
            }
        }
        Kind::Map(_) => full(node, id, &mut retry, reads, facts, report),
        _ => report.add(
            values::wrong_kind("retry", node, "a number of repetitions or a map")
                .help("{ \"max\": 3, \"delay\": \"1s\", \"backoff\": \"exponential\" } is the default"),
        ),
    }
    retry
}

fn full(node: &Node, id: &str, retry: &mut Retry, reads: Reads, facts: &Facts<'_>, report: &mut Report) {
    let place = format!("in `retry` of step `{id}`");
    Fields { place: &place, known: &RETRY_FIELDS, later: &[] }.check(
        node.as_map().unwrap_or_default(),
        facts,
        report,
        |_| None,
    );
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
        let site = Site { roots: &ERROR_ROOTS, reads, calls: false };
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
