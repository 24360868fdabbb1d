//! Documents with a few steps of any config, most of them right.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -z|~אבג\u{1f600}]{0,12}",
        Just("{{ inputs.city }}".to_owned()),
        Just("to {{ inputs.city ~ \"'\" }} and {{ steps.first.output }}".to_owned()),
        Just("{{ inputs.nowhere }}".to_owned()),
        Just("{{ 1 + }}".to_owned()),
        Just("line\nline\t\"quoted\" \\ 012".to_owned()),
        "0[0-9]{3}|yes|null|1e5|~",
    ]
}

fn config() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z _:#-]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A field that steps or documents may have, right or nearly so.
fn extra(fields: &[Value]) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let fields: Vec<Map<String, Value>> = fields.iter().filter_map(|field| field.as_object().cloned()).collect();
    prop::collection::vec(prop::sample::select(fields), 0..3).prop_map(|chosen| chosen.into_iter().flatten().collect())
}

fn step_fields() -> impl Strategy<Value = Map<String, Value>> {
    extra(&[
        json!({ "foreach": ["a", "b"] }),
        json!({ "foreach": { "in": "{{ steps.first.output }}", "as": "row", "concurrency": 5, "batch": 10 } }),
        json!({ "foreach": { "as": "steps" } }),
        json!({ "if": "inputs.city == 'x'" }),
        json!({ "if": "{{ inputs.city }} == 'x'" }),
        json!({ "retry": { "max": 2, "delay": "1s", "within": "1h", "if": "error.retryable" } }),
        json!({ "expect": "output != null" }),
        json!({ "output": { "made": "{{ output }}" } }),
        json!({ "cache": { "ttl": "12h", "key": "{{ inputs.city }}" } }),
        json!({ "idempotency_key": "{{ run.id }}" }),
        json!({ "concurrency": { "limit": 3, "key": "shop" } }),
        json!({ "rate_limit": { "limit": 80, "per": "1s", "key": "shop" } }),
        json!({ "queue": "pdf", "priority": "high" }),
        json!({ "on_error": "continue" }),
        json!({ "compensate": { "type": "value", "config": "{{ output }}", "retry": 3 } }),
        json!({ "timeout": "90s", "needs": [] }),
        json!({ "paralel": true }),
    ])
}

fn document_fields() -> impl Strategy<Value = Map<String, Value>> {
    extra(&[
        json!({ "secrets": ["KEY", "OTHER"] }),
        json!({ "defaults": { "timeout": "5s", "retry": 2, "queue": "slow" } }),
        json!({ "concurrency": { "limit": 1, "key": "{{ inputs.city }}", "overflow": "latest" } }),
        json!({ "rate_limit": { "limit": 10, "per": "1m" } }),
        json!({ "idempotency_key": "{{ inputs.city }}", "idempotency_ttl": "7d" }),
        json!({ "on_error": [{ "id": "alert", "type": "log", "config": { "message": "{{ error.message }}" } }] }),
        json!({ "finally": [{ "id": "audit", "type": "emit", "config": { "event": "done", "data": "{{ run.status }}" } }] }),
        json!({ "triggers": [{ "type": "webhook", "inputs": { "city": "{{ trigger.body.city }}" } }] }),
        json!({ "triggers": [{ "type": "event", "config": { "event": "a.*" }, "if": "trigger.data.ok" }] }),
        json!({ "triggers": [{ "type": "cron", "config": { "schedule": "@daily" } }] }),
        json!({ "output": "{{ steps.first.output }}", "labels": { "tier": "high" } }),
    ])
}

fn leaf(step_type: &str, config: Value) -> Value {
    let config = match step_type {
        "log" => json!({ "message": config }),
        "emit" => json!({ "event": "made", "data": config }),
        "call" => json!({ "workflow": "other", "input": config }),
        "wait_for_event" => json!({ "event": "made", "key": config, "where": "event.data.ok" }),
        "slack.send" => json!({ "channel": "#ops", "blocks": config }),
        _ => config,
    };
    json!({ "type": step_type, "config": config })
}

fn body() -> impl Strategy<Value = Value> {
    let types = ["value", "log", "emit", "call", "wait_for_event", "slack.send", "nothing.here"];
    (prop::sample::select(types.to_vec()), config()).prop_map(|(step_type, config)| leaf(step_type, config))
}

/// A step without an id; blocks, choices and handlers have more of them inside.
fn step() -> impl Strategy<Value = Value> {
    let with_fields = |body: Value, fields: Map<String, Value>| {
        let mut step = body;
        step.as_object_mut().expect("a body is a map").extend(fields);
        step
    };
    let simple = (body(), step_fields()).prop_map(move |(body, fields)| with_fields(body, fields));
    simple.prop_recursive(3, 12, 3, move |inner| {
        let list = prop::collection::vec(inner, 1..3);
        let body = prop_oneof![
            list.clone().prop_map(|steps| json!({ "steps": steps })),
            (list.clone(), 1..4).prop_map(|(steps, most)| json!({ "steps": steps, "parallel": most })),
            (list.clone(), list.clone()).prop_map(
                |(one, other)| json!({ "switch": [{ "if": "inputs.city", "steps": one }, { "steps": other }] })
            ),
            (list.clone(), list.clone()).prop_map(|(steps, handler)| json!({ "steps": steps, "on_error": handler })),
            (list.clone(), list)
                .prop_map(|(last, undo)| json!({ "type": "value", "finally": last, "compensate": undo })),
        ];
        (body, step_fields()).prop_map(move |(body, fields)| with_fields(body, fields))
    })
}

/// The step and everything inside it, each with an id of its own.
fn numbered(mut step: Value, count: &mut usize) -> Value {
    *count += 1;
    step["id"] = format!("s{count}").into();
    let fields = step.as_object_mut().expect("a step is a map");
    for (_, value) in fields.iter_mut().filter(|(key, _)| LISTS.contains(&key.as_str())) {
        number_all(value, count);
    }
    for arm in fields.get_mut("switch").and_then(Value::as_array_mut).into_iter().flatten() {
        number_all(&mut arm["steps"], count);
    }
    step
}

fn number_all(steps: &mut Value, count: &mut usize) {
    for step in steps.as_array_mut().into_iter().flatten() {
        *step = numbered(step.take(), count);
    }
}

const LISTS: [&str; 4] = ["steps", "on_error", "finally", "compensate"];

pub fn document() -> impl Strategy<Value = Value> {
    (prop::collection::vec(step(), 0..4), document_fields()).prop_map(|(steps, fields)| {
        let mut list = vec![json!({ "id": "first", "type": "value", "config": [1] })];
        let mut count = 0;
        list.extend(steps.into_iter().map(|step| numbered(step, &mut count)));
        let mut document =
            json!({ "version": 1, "name": "a", "inputs": { "city": { "type": "string" } }, "steps": list });
        document.as_object_mut().expect("it is a map").extend(fields);
        document
    })
}
