//! One step: its fields, apart from what its body wants.

use super::attempts::{self, Effort, Place};
use super::conditions::condition;
use super::expressions::{Reads, Site, roots};
use super::fields::{Fields, PLACEMENT_HELP};
use super::limits::{self, Of};
use super::outline::{ListAt, ListKind, StepAt};
use super::{Facts, Finding, Report, body, loops, placement, shared, templates, undo, values};
use crate::tree::{Entry, Kind, Node};
use crate::{Cache, OnError, Step};

pub(crate) const STEP_FIELDS: [&str; 24] = [
    "id",
    "name",
    "type",
    "config",
    "steps",
    "parallel",
    "switch",
    "needs",
    "if",
    "foreach",
    "retry",
    "retries",
    "timeout",
    "expect",
    "output",
    "cache",
    "idempotency_key",
    "concurrency",
    "rate_limit",
    "queue",
    "priority",
    "on_error",
    "finally",
    "compensate",
];
pub(crate) const NAME_MAX: usize = 100;

/// The steps of a list of the outline.
pub(super) fn read_list(nodes: &[Node], list: ListAt, facts: &Facts<'_>, report: &mut Report) -> Vec<Step> {
    let outlined = &facts.outline.lists[list].steps;
    nodes.iter().zip(outlined).filter_map(|(node, index)| read(node, *index, facts, report)).collect()
}

/// The steps of a list inside a step; none if there is no such list.
pub(super) fn read_inner(
    nodes: &[Node],
    owner: StepAt,
    kind: ListKind,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Vec<Step> {
    match facts.outline.list(Some(owner), kind) {
        Some(list) => read_list(nodes, list, facts, report),
        None => Vec::new(),
    }
}

/// Reads one step; `index` is its place in the outline. None when there is no body to run.
fn read(node: &Node, index: StepAt, facts: &Facts<'_>, report: &mut Report) -> Option<Step> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("steps", node, "a list of maps, one for each step"));
        return None;
    };
    let outlined = &facts.outline.steps[index];
    let id = if outlined.id.is_empty() { format!("#{}", outlined.place + 1) } else { outlined.id.clone() };
    let step_type = node.field("type").and_then(|step_type| step_type.as_str());
    let place = format!("in step `{id}`");
    Fields { place: &place, known: &STEP_FIELDS }
        .check(entries, facts, report, |entry| belongs_in_config(entry, step_type, facts));

    let item_roots = roots(&facts.outline, index, true, &[]);
    let site = Site { roots: &item_roots, reads: Reads::AsStep(index), calls: true };
    let output_roots = roots(&facts.outline, index, true, &["output"]);
    let after = Site { roots: &output_roots, reads: Reads::After(index), calls: true };
    let name = node
        .field("name")
        .and_then(|name| values::short_text("name", name, NAME_MAX, report))
        .map_or_else(|| outlined.id.clone(), str::to_owned);
    let foreach = node.field("foreach").map(|node| loops::read(node, index, facts, report));
    let condition_ = node.field("if").and_then(|when| condition("if", when, site, facts, report));
    let body = body::read(node, index, &id, site, facts, report);
    let effort = effort(node, step_type, facts);
    let undoes = facts.outline.list_of(index).kind == ListKind::Undo;
    let attempts_at = Place { id: &id, roots: &item_roots, reads: Reads::AsStep(index), undoes };
    let attempts = attempts::read(node, effort, &attempts_at, facts, report);
    let expect = node
        .field("expect")
        .and_then(|expect| condition("expect", expect, Site { calls: false, ..after }, facts, report));
    let output = node.field("output").map(|output| templates::build(output, after, facts, report));
    let cache = node.field("cache").and_then(|cache| cache_of(cache, effort, site, facts, report));
    let text = |field: &str, report: &mut Report| {
        let node = node.field(field)?;
        values::text(field, node, report)?;
        Some(templates::build(node, site, facts, report))
    };
    let idempotency_key = text("idempotency_key", report);
    let concurrency =
        node.field("concurrency").and_then(|node| limits::concurrency(node, Of::Steps, site, facts, report));
    let rate_limit = node.field("rate_limit").and_then(|node| limits::rate_limit(node, site, facts, report));
    shared::note(node, facts);
    let default_queue = facts.defaults.filter(|_| effort == Effort::Work).and_then(|defaults| defaults.field("queue"));
    let queue = match node.field("queue") {
        Some(queue) => limits::queue(queue, site, facts, report),
        // Reported once, where it stands.
        None => default_queue.and_then(|queue| limits::queue(queue, site, facts, &mut Report::default())),
    };
    let priority = node.field("priority").and_then(|node| limits::priority(node, site, facts, report));
    only_for_work(entries, effort, report);
    let on_error = node.field("on_error").map_or(OnError::Fail, |handler| on_error(handler, index, facts, report));
    let finally = node
        .field("finally")
        .and_then(|node| values::list("finally", node, report))
        .map(|nodes| read_inner(nodes, index, ListKind::StepFinally, facts, report))
        .unwrap_or_default();
    let compensate = node.field("compensate").and_then(|node| undo::read(node, index, &id, facts, report));
    placement::check(node, index, facts, report);
    Some(Step {
        name,
        needs: outlined.needs.clone(),
        condition: condition_,
        foreach: foreach.flatten(),
        retry: attempts.retry,
        timeout: attempts.timeout,
        expect,
        output,
        cache,
        idempotency_key,
        concurrency,
        rate_limit,
        queue,
        priority,
        on_error,
        finally,
        compensate,
        ..Step::new(outlined.id.clone(), body?)
    })
}

/// What the attempts of a step are, as far as its type is known.
fn effort(node: &Node, step_type: Option<&str>, facts: &Facts<'_>) -> Effort {
    match step_type {
        _ if node.field("steps").is_some() || node.field("switch").is_some() => Effort::Block,
        Some("wait_for_event" | "call" | "emit") => Effort::Engine,
        Some(name) if !name.contains('.') && facts.catalog.find(name).is_some() => Effort::None,
        Some(_) | None => Effort::Work,
    }
}

/// Fields that mean something for requests to others only.
fn only_for_work(entries: &[Entry], effort: Effort, report: &mut Report) {
    if effort == Effort::Work {
        return;
    }
    for entry in entries {
        let why = match entry.key.as_str() {
            "cache" => "only the output of a step that does work can be reused",
            "idempotency_key" => "only a step that does work sends one",
            "queue" | "priority" => "the engine carries this step out itself",
            "concurrency" | "rate_limit" if effort != Effort::Block => "the engine carries this step out itself",
            "concurrency" | "rate_limit" => "put it on the steps inside that do the work",
            _ => continue,
        };
        report.add(
            Finding::warning("W102", entry.key_span, format!("`{}` has no effect on this step", entry.key)).label(why),
        );
    }
}

fn cache_of(node: &Node, effort: Effort, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Cache> {
    let (ttl, key) = match &node.kind {
        Kind::Map(entries) => {
            Fields { place: "in `cache`", known: &["ttl", "key"] }.check(entries, facts, report, |_| None);
            let Some(ttl) = node.field("ttl") else {
                report.add(Finding::error("E103", node.span, "`cache.ttl` is missing").label("for how long?"));
                return None;
            };
            (ttl, node.field("key"))
        }
        _ => (node, None),
    };
    let ttl = attempts::positive("cache", ttl, report)?;
    let key = key.and_then(|key| {
        values::text("cache.key", key, report)?;
        Some(templates::build(key, site, facts, report))
    });
    (effort == Effort::Work).then_some(Cache { ttl, key })
}

fn on_error(node: &Node, index: StepAt, facts: &Facts<'_>, report: &mut Report) -> OnError {
    if let Kind::List(nodes) = &node.kind {
        return OnError::Steps(read_inner(nodes, index, ListKind::Handler, facts, report));
    }
    if node.as_str().is_none() {
        report.add(values::wrong_kind("on_error", node, "\"fail\", \"continue\" or a list of steps"));
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
