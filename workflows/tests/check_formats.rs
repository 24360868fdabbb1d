//! A document means the same in both formats.

#[path = "kit/checking.rs"]
mod checking;

use std::fmt::Write as _;

use checking::{catalog, without_positions};
use onward_workflows::{Format, Source, check};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A block map or list, strings in whichever quoting fits.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                write!(out, "\n{margin}{}:", Value::String(key.clone())).expect("strings take everything");
                yaml(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                write!(out, "\n{margin}-").expect("strings take everything");
                yaml(item, indent + 2, out);
            }
        }
        Value::String(text) => write!(out, " {}", scalar(text, indent)).expect("strings take everything"),
        other => write!(out, " {other}").expect("strings take everything"),
    }
}

fn scalar(text: &str, indent: usize) -> String {
    let is_printable = text.chars().all(|letter| !letter.is_control() && letter != '\u{feff}');
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_word && !matches!(text, "true" | "false" | "null") {
        return text.to_owned();
    }
    if is_printable && !text.is_empty() && !text.starts_with(' ') && text.len().is_multiple_of(3) {
        return format!("|-\n{}{text}", " ".repeat(indent));
    }
    if is_printable && text.len() % 3 == 1 {
        return format!("'{}'", text.replace('\'', "''"));
    }
    Value::String(text.to_owned()).to_string()
}

/// The definition and what was found, without positions.
fn shape(text: &str, format: Format) -> String {
    let file = format!("w.{}", format.as_str());
    let checked = check(&Source::new(file, text, format), &catalog());
    let mut problems: Vec<(&str, &str, &str)> =
        checked.diagnostics.iter().map(|found| (found.code, found.message.as_str(), found.path.as_str())).collect();
    problems.sort_unstable();
    format!("{}\n{problems:?}", without_positions(&checked))
}

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

fn document() -> impl Strategy<Value = Value> {
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

proptest! {
    #[test]
    fn json_and_yaml_give_the_same_definition(document in document()) {
        let as_json = serde_json::to_string_pretty(&document).expect("a tree of values prints");
        let mut as_yaml = String::new();
        yaml(&document, 0, &mut as_yaml);
        prop_assert_eq!(shape(&as_json, Format::Json), shape(&as_yaml, Format::Yaml), "{}", as_yaml);
    }

    /// Whatever the bytes are, there is an answer, and every position is inside the text.
    #[test]
    fn any_text_gets_an_answer(text in "[\\PC\n\t{}\\[\\]:,\"'#&*!|>-]{0,120}", is_yaml in any::<bool>()) {
        let format = if is_yaml { Format::Yaml } else { Format::Json };
        let source = Source::new("w", text, format);
        let checked = check(&source, &catalog());
        prop_assert!(checked.definition.is_some() || !checked.diagnostics.is_empty());
        for found in &checked.diagnostics {
            prop_assert!(found.range.start <= found.range.end);
            prop_assert!(found.range.end.offset as usize <= source.text.len());
        }
        onward_workflows::render(&checked.diagnostics, &source, onward_workflows::Style::default());
    }

    /// A right document with one character changed is the most common wrong one.
    #[test]
    fn a_document_with_one_changed_character_gets_an_answer(at in any::<prop::sample::Index>(), letter in "[\\PC\n{}\"':,]", is_yaml in any::<bool>()) {
        let (text, format) = if is_yaml {
            (include_str!("valid/old-flat.yaml"), Format::Yaml)
        } else {
            (include_str!("valid/old-flat.json"), Format::Json)
        };
        let place = at.index(text.chars().count());
        let changed: String = text.chars().enumerate().map(|(n, old)| if n == place { letter.clone() } else { old.to_string() }).collect();
        let source = Source::new("w", changed, format);
        let checked = check(&source, &catalog());
        prop_assert!(checked.definition.is_some() || !checked.diagnostics.is_empty());
        onward_workflows::render(&checked.diagnostics, &source, onward_workflows::Style::default());
    }
}
