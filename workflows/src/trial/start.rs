//! From a case to the facts of a run, or to the reason why there is no run.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::code;
use super::file::{Case, Setting};
use crate::check::Finding;
use crate::inputs::check_inputs;
use crate::tree::Node;
use crate::{Definition, RunFacts, RunId, Scope, Template, Trigger, TriggerKind, evaluate_variables};

/// Of every run of a test, so that nothing that is derived from it changes from one day to the next.
const RUN: u128 = 0x0194_1f29_7c00_7000_8000_0000_0000_0001;
/// 2026-01-01T09:00:00Z, for cases that name no instant.
const NOW: i64 = 1_767_258_000;

pub(super) enum Start {
    Run(Arc<RunFacts>),
    /// The trigger's `if` is false.
    Filtered,
    /// The inputs do not fit, or cannot be made.
    Refused(String),
}

pub(super) fn start(case: &Case<'_>, shared: &Setting, definition: &Definition) -> Result<Start, Box<Finding>> {
    let now = case.setting.now.or(shared.now).or_else(|| DateTime::from_timestamp(NOW, 0)).unwrap_or_default();
    let (trigger, inputs) = match case.trigger {
        None => {
            let inputs = case.inputs.map_or_else(|| json!({}), Node::to_value);
            (json!({ "type": "manual", "id": "manual", "time": instant(now) }), inputs)
        }
        Some(node) => {
            let found = find(node, definition)?;
            let trigger = complete(node, found, now);
            let scope = Scope::new().with("trigger", &trigger).at(&now, String::new());
            match found.condition.as_ref().map(|condition| condition.test(&scope)) {
                Some(Ok(false)) => return Ok(Start::Filtered),
                Some(Err(error)) => return Ok(Start::Refused(format!("the trigger's `if`: {error}"))),
                Some(Ok(true)) | None => {}
            }
            let inputs = inputs_of(found, &trigger, &scope, definition);
            (trigger, inputs)
        }
    };
    let inputs = match check_inputs(definition, inputs) {
        Ok(inputs) => inputs,
        Err(problems) => {
            let problems: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            return Ok(Start::Refused(problems.join("; ")));
        }
    };
    let scheduled_at = trigger.get("scheduled_at").and_then(Value::as_str);
    let mut facts = RunFacts {
        run: RunId(uuid::Uuid::from_u128(RUN)),
        workflow: definition.id.clone(),
        workflow_name: definition.name.clone(),
        version: 1,
        inputs,
        variables: json!({}),
        env: Value::Object(merged(&shared.env, &case.setting.env)),
        labels: json!(definition.labels),
        secrets: secrets(case, shared, definition),
        depth: 0,
        created_at: now,
        admitted_at: None,
        scheduled_at: scheduled_at
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .map(|instant| instant.to_utc()),
        trigger,
    };
    match evaluate_variables(definition, &facts) {
        Ok(variables) => facts.variables = variables,
        Err(error) => return Ok(Start::Refused(format!("`variables`: {error}"))),
    }
    Ok(Start::Run(Arc::new(facts)))
}

/// By its id, else the first of its type, else the only one.
fn find<'d>(node: &Node, definition: &'d Definition) -> Result<&'d Trigger, Box<Finding>> {
    let field = |name| node.field(name).and_then(Node::as_str);
    let (id, kind) = (field("id"), field("type"));
    let mut fitting = definition
        .triggers
        .iter()
        .filter(|trigger| id.is_none_or(|id| trigger.id == id) && kind.is_none_or(|kind| type_of(trigger) == kind));
    match (fitting.next(), fitting.next()) {
        (Some(found), other) if id.is_some() || kind.is_some() || other.is_none() => Ok(found),
        (found, _) => {
            let ids = definition.triggers.iter().map(|trigger| trigger.id.as_str());
            let help = format!("name one by its `id`: {}", crate::suggest::listed(ids));
            let label = if found.is_some() { "which one of several?" } else { "the document has no such trigger" };
            Err(Box::new(Finding::error(code::NO_STEP, node.span, "this names no trigger").label(label).help(help)))
        }
    }
}

fn type_of(trigger: &Trigger) -> &'static str {
    match trigger.kind {
        TriggerKind::Cron(_) => "cron",
        TriggerKind::Webhook(_) => "webhook",
        TriggerKind::Event(_) => "event",
        TriggerKind::Manual => "manual",
    }
}

/// What the document reads as `trigger`: what is written, and what a server would add.
fn complete(node: &Node, trigger: &Trigger, now: DateTime<Utc>) -> Value {
    let mut value = json!({ "type": type_of(trigger), "id": trigger.id, "time": instant(now) });
    let known = value.as_object_mut().expect("just made");
    match &trigger.kind {
        TriggerKind::Cron(_) => {
            known.insert("scheduled_at".to_owned(), json!(instant(now)));
        }
        TriggerKind::Webhook(_) => {
            known.extend(
                [("body", json!({})), ("headers", json!({})), ("query", json!({})), ("method", json!("POST"))]
                    .map(|(name, value)| (name.to_owned(), value)),
            );
        }
        TriggerKind::Event(event) => {
            known.insert("event".to_owned(), json!(event.event));
            known.insert("key".to_owned(), Value::Null);
            known.insert("data".to_owned(), Value::Null);
        }
        TriggerKind::Manual => {}
    }
    if let Value::Object(written) = node.to_value() {
        known.extend(written);
    }
    value
}

fn inputs_of(found: &Trigger, trigger: &Value, scope: &Scope, definition: &Definition) -> Value {
    if let Some(templates) = &found.inputs {
        // What a template cannot find counts as absent.
        let rendered = |(name, template): &(String, Template)| Some((name.clone(), template.render(scope).ok()?));
        return Value::Object(templates.iter().filter_map(rendered).collect());
    }
    let payload = match found.kind {
        TriggerKind::Webhook(_) => "body",
        TriggerKind::Event(_) => "data",
        TriggerKind::Manual => "inputs",
        TriggerKind::Cron(_) => return json!({}),
    };
    if definition.inputs.is_empty() {
        return json!({});
    }
    trigger.get(payload).cloned().unwrap_or_else(|| json!({}))
}

/// A secret without a value is read as its name in angle brackets.
fn secrets(case: &Case<'_>, shared: &Setting, definition: &Definition) -> Value {
    let given = merged(&shared.secrets, &case.setting.secrets);
    let value = |name: &String| given.get(name).cloned().unwrap_or_else(|| json!(format!("<{name}>")));
    Value::Object(definition.secrets.iter().map(|name| (name.clone(), value(name))).collect())
}

fn merged(shared: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    shared.iter().chain(own).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
