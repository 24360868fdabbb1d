//! One step: its fields, apart from what its type wants.

use super::expressions::{ERROR_ROOTS, Reads, STEP_ROOTS, Site, condition};
use super::fields::{Fields, PLACEMENT_HELP, not_yet};
use super::outline::List;
use super::{Facts, Finding, Report, attempts, body, values};
use crate::tree::{Entry, Kind, Node};
use crate::{OnError, Step};

pub(super) const STEP_FIELDS: [&str; 10] =
    ["id", "name", "type", "config", "if", "needs", "retry", "retries", "timeout", "on_error"];
pub(super) const LATER_STEP_FIELDS: [&str; 14] = [
    "steps",
    "parallel",
    "switch",
    "foreach",
    "expect",
    "output",
    "cache",
    "concurrency",
    "rate_limit",
    "queue",
    "priority",
    "finally",
    "compensate",
    "idempotency_key",
];
const NAME_MAX: usize = 100;

/// Reads one step; `index` is its place in the outline. None when there is no body to run.
pub(super) fn read(node: &Node, index: usize, facts: &Facts<'_>, report: &mut Report) -> Option<Step> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("steps", node, "a list of maps, one for each step"));
        return None;
    };
    let outlined = &facts.outline.steps[index];
    let id = if outlined.id.is_empty() { format!("#{}", outlined.place + 1) } else { outlined.id.clone() };
    let step_type = node.field("type").and_then(|step_type| step_type.as_str());
    let place = format!("in step `{id}`");
    Fields { place: &place, known: &STEP_FIELDS, later: &LATER_STEP_FIELDS }
        .check(entries, facts, report, |entry| belongs_in_config(entry, step_type, facts));

    // Such a step brings names and steps of its own; what stands in it would be reported for the wrong reasons.
    if ["foreach", "steps", "switch"].iter().any(|field| node.field(field).is_some()) {
        return None;
    }
    let roots: &[&str] = if outlined.list == List::OnError { &ERROR_ROOTS } else { &STEP_ROOTS };
    let reads = Reads::AsStep(index);
    let site = Site { roots, reads, calls: true };
    let name = node
        .field("name")
        .and_then(|name| values::short_text("name", name, NAME_MAX, report))
        .map_or_else(|| outlined.id.clone(), str::to_owned);
    let condition = node.field("if").and_then(|when| condition("if", when, site, facts, report));
    let on_error = node.field("on_error").map_or(OnError::Fail, |handler| on_error(handler, report));
    let body = body::read(node, &id, site, facts, report);
    let does_work =
        step_type.is_none_or(|step_type| step_type.contains('.') || facts.catalog.find(step_type).is_none());
    let attempts = attempts::read(node, &id, does_work, reads, facts, report);
    Some(Step {
        id: outlined.id.clone(),
        name,
        body: body?,
        needs: outlined.needs.clone(),
        condition,
        retry: attempts.retry,
        timeout: attempts.timeout,
        on_error,
    })
}

fn on_error(node: &Node, report: &mut Report) -> OnError {
    if let Kind::List(_) = node.kind {
        report.add(not_yet("on_error with steps", node.span));
        return OnError::Fail;
    }
    match values::word("on_error", node, &["fail", "continue"], report) {
        Some("continue") => OnError::Continue,
        _ => OnError::Fail,
    }
}

/// A field beside `config` that the step's type reads from inside it.
fn belongs_in_config(entry: &Entry, step_type: Option<&str>, facts: &Facts<'_>) -> Option<Finding> {
    let step_type = facts.catalog.find(step_type?)?;
    step_type.fields.iter().find(|field| field.name == entry.key)?;
    Some(
        Finding::error("E102", entry.key_span, format!("`{}` belongs inside `config`", entry.key))
            .label(format!("`{}` reads it from `config.{}`", step_type.name, entry.key))
            .help(PLACEMENT_HELP),
    )
}
