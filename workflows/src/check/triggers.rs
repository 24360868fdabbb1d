//! What may start a run.

pub(super) mod cron;
pub(super) mod event;
pub(super) mod webhook;

use std::collections::{BTreeMap, HashMap};

use super::conditions::condition;
use super::expressions::{Reads, Site, TRIGGER_ROOTS};
use super::fields::Fields;
use super::{Facts, Finding, Report, templates, values};
use crate::source::Span;
use crate::suggest::{closest, listed};
use crate::tree::{Entry, Node};
use crate::{Input, Template, Trigger, TriggerKind};

pub(crate) const TRIGGERS_MAX: usize = 20;
pub(crate) const ID_MAX: usize = 50;
pub(crate) const TYPES: [&str; 4] = ["cron", "webhook", "event", "manual"];
pub(crate) const TRIGGER_FIELDS: [&str; 7] = ["id", "type", "config", "enabled", "if", "inputs", "idempotency_key"];

/// `workflow` is the id, which is the default endpoint.
pub(super) fn read(
    node: &Node,
    workflow: &str,
    inputs: &BTreeMap<String, Input>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Vec<Trigger> {
    let Some(items) = values::list("triggers", node, report) else { return Vec::new() };
    if let Some(extra) = items.get(TRIGGERS_MAX) {
        report.add(
            Finding::error("E115", extra.span, format!("a document has at most {TRIGGERS_MAX} triggers"))
                .label(format!("this one has {}", items.len())),
        );
    }
    let mut ids: HashMap<String, Span> = HashMap::new();
    let mut endpoints: HashMap<String, Span> = HashMap::new();
    let mut triggers = Vec::new();
    for item in items.iter().take(TRIGGERS_MAX) {
        let Some(trigger) = trigger(item, workflow, facts, report) else { continue };
        if let TriggerKind::Webhook(webhook) = &trigger.kind
            && let Some(other) = endpoints.insert(webhook.endpoint.clone(), item.span)
        {
            report.add(
                Finding::error("E104", item.span, format!("two webhooks have the endpoint `{}`", webhook.endpoint))
                    .label("a call could start either")
                    .related(other, "the other one"),
            );
        }
        let id = id(item, &trigger.kind, &mut ids, report);
        let trigger = Trigger { id, ..trigger };
        check_inputs(&trigger, item, inputs, report);
        triggers.push(trigger);
    }
    triggers
}

fn trigger(node: &Node, workflow: &str, facts: &Facts<'_>, report: &mut Report) -> Option<Trigger> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("triggers", node, "a list of maps, one for each trigger"));
        return None;
    };
    let Some(type_node) = node.field("type") else {
        report.add(
            Finding::error(
                "E103",
                entries.first().map_or(node.span, |entry| entry.key_span),
                "a trigger has no `type`",
            )
            .label(format!("it is {}", listed(TYPES))),
        );
        return None;
    };
    let trigger_type = values::text("type", type_node, report)?;
    let known: &[&str] = match trigger_type {
        "cron" => &cron::FIELDS,
        "webhook" => &webhook::FIELDS,
        "event" => &event::FIELDS,
        "manual" => &[],
        _ => {
            report.add(unknown_type(trigger_type, type_node));
            return None;
        }
    };
    let place = format!("in a `{trigger_type}` trigger");
    Fields { place: &place, known: &TRIGGER_FIELDS }
        .check(entries, facts, report, |entry| belongs_in_config(entry, trigger_type, known));
    let enabled = node.field("enabled").and_then(|enabled| values::boolean("enabled", enabled, report)).unwrap_or(true);
    let config = node.field("config");
    let settings = match config.map(Node::as_map) {
        None => &[],
        Some(Some(settings)) => settings,
        Some(None) => {
            report.findings.extend(config.map(|config| values::wrong_kind("config", config, "a map")));
            return None;
        }
    };
    let place = format!("in `config` of a `{trigger_type}` trigger");
    Fields { place: &place, known }.check(settings, facts, report, belongs_beside);
    let kind = match trigger_type {
        "cron" => TriggerKind::Cron(cron::read(config, type_node, facts, report)?),
        "webhook" => TriggerKind::Webhook(webhook::read(config, workflow, facts, report)?),
        "event" => TriggerKind::Event(event::read(config, type_node, report)?),
        _ => TriggerKind::Manual,
    };
    let site = Site { roots: &TRIGGER_ROOTS, reads: Reads::NoStep, calls: false };
    let condition = node.field("if").and_then(|when| condition("if", when, site, facts, report));
    let inputs = node.field("inputs").and_then(|inputs| mapping(inputs, site, facts, report));
    let key_roots = ["trigger", "env", "workflow", "inputs"];
    let idempotency_key = node.field("idempotency_key").and_then(|key| {
        values::text("idempotency_key", key, report)?;
        Some(templates::build(key, Site { roots: &key_roots, ..site }, facts, report))
    });
    Some(Trigger { enabled, condition, inputs, idempotency_key, ..Trigger::new("", kind) })
}

/// Which input gets what of the trigger.
fn mapping(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Vec<(String, Template)>> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("inputs", node, "a map from inputs to values"));
        return None;
    };
    let mut inputs = Vec::with_capacity(entries.len());
    for entry in entries {
        if !facts.inputs.contains_key(&entry.key) && (facts.versioned || !facts.inputs.is_empty()) {
            let finding = Finding::error("E108", entry.key_span, format!("there is no input called `{}`", entry.key));
            report.add(match report.closest(&entry.key, facts.inputs.keys().map(String::as_str)) {
                Some(meant) => finding.label(format!("did you mean `{meant}`?")),
                None => finding.label(format!("there is {}", listed(facts.inputs.keys().map(String::as_str)))),
            });
        }
        inputs.push((entry.key.clone(), templates::build(&entry.value, site, facts, report)));
    }
    Some(inputs)
}

/// Inputs that a trigger can never supply: its runs would all be refused.
fn check_inputs(trigger: &Trigger, node: &Node, inputs: &BTreeMap<String, Input>, report: &mut Report) {
    let given: Vec<&str> = match (&trigger.inputs, &trigger.kind) {
        (Some(given), _) => given.iter().map(|(name, _)| name.as_str()).collect(),
        (None, TriggerKind::Cron(_)) => Vec::new(),
        // The request, or the event, may bring them.
        (None, TriggerKind::Webhook(_) | TriggerKind::Event(_) | TriggerKind::Manual) => return,
    };
    let missing: Vec<&str> = inputs
        .iter()
        .filter(|(name, input)| input.default.is_none() && !given.contains(&name.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    if missing.is_empty() {
        return;
    }
    let entries = node.as_map().unwrap_or_default();
    let (first, key) = (entries.first(), entries.iter().find(|entry| entry.key == "inputs"));
    let span = key.or(first).map_or(node.span, |entry| entry.key_span);
    let help = if missing.len() == 1 { "give it a `default`, or map it" } else { "give them a `default`, or map them" };
    report.add(
        Finding::warning("W205", span, format!("the trigger `{}` cannot supply {}", trigger.id, listed(missing)))
            .label("its runs would be refused")
            .help(format!("{help} with `inputs` of the trigger")),
    );
}

fn unknown_type(name: &str, node: &Node) -> Finding {
    let finding = Finding::error("E114", node.span, format!("unknown trigger type `{name}`"));
    match closest(name, TYPES) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(node.span, format!("\"{meant}\""))],
        ),
        None => finding.label(format!("the types are {}", listed(TYPES))),
    }
}

fn belongs_in_config(entry: &Entry, trigger_type: &str, known: &[&str]) -> Option<Finding> {
    known.contains(&entry.key.as_str()).then(|| {
        Finding::error("E102", entry.key_span, format!("`{}` belongs inside `config`", entry.key))
            .label(format!("`{trigger_type}` reads it from `config.{}`", entry.key))
    })
}

fn belongs_beside(entry: &Entry) -> Option<Finding> {
    let key = entry.key.as_str();
    TRIGGER_FIELDS.contains(&key).then(|| {
        Finding::error("E102", entry.key_span, format!("`{key}` is in `config`, where the engine does not look"))
            .label("move it up one level, beside `config`")
    })
}

/// The written id, or the type, numbered where there are several.
fn id(node: &Node, kind: &TriggerKind, ids: &mut HashMap<String, Span>, report: &mut Report) -> String {
    if let Some(id_node) = node.field("id")
        && let Some(id) = values::text("id", id_node, report)
    {
        let is_valid = !id.is_empty()
            && id.len() <= ID_MAX
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_valid {
            report.add(
                Finding::error("E112", id_node.span, format!("`{id}` cannot be the id of a trigger"))
                    .label(format!("letters, digits, `_` and `-`, at most {ID_MAX}")),
            );
        }
        if let Some(other) = ids.insert(id.to_owned(), id_node.span) {
            report.add(
                Finding::error("E104", id_node.span, format!("two triggers are called `{id}`"))
                    .label("an id is unique in its document")
                    .related(other, "the other one"),
            );
        }
        return id.to_owned();
    }
    let base = match kind {
        TriggerKind::Cron(_) => "cron",
        TriggerKind::Webhook(_) => "webhook",
        TriggerKind::Event(_) => "event",
        TriggerKind::Manual => "manual",
    };
    let mut id = base.to_owned();
    let mut number = 1;
    while ids.contains_key(&id) {
        number += 1;
        id = format!("{base}-{number}");
    }
    ids.insert(id.clone(), node.span);
    id
}
