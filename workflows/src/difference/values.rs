//! Values field by field, after short forms have been written out.

use serde_json::{Map, Value, json};

use super::shown::shown;
use super::{Change, ChangeKind};
use crate::{format_duration, parse_duration};

/// Fields that are durations wherever they stand.
const DURATIONS: [&str; 12] = [
    "timeout",
    "delay",
    "max_delay",
    "within",
    "per",
    "ttl",
    "jitter",
    "idempotency_ttl",
    "catch_up_window",
    "respond_timeout",
    "tolerance",
    "cache",
];

/// Fields with names of the author's own inside.
const KEPT: [&str; 6] = ["config", "variables", "output", "inputs", "labels", "respond"];

/// The fields of a document, step or trigger in their long forms, so that two ways to write the same are the same.
pub(super) fn normal(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    if let Some(retries) = fields.remove("retries") {
        fields.entry("retry").or_insert(json!({ "max": retries }));
    }
    lengthen(&mut fields, "retry", "max", Value::is_number);
    lengthen(&mut fields, "foreach", "in", |value| !value.is_object());
    lengthen(&mut fields, "cache", "ttl", |value| !value.is_object());
    // What people name themselves is no duration, whatever it is called.
    let kept = KEPT.map(|name| fields.remove(name).map(|value| (name.to_owned(), value)));
    let mut value = durations(Value::Object(fields), "");
    if let Some(fields) = value.as_object_mut() {
        fields.extend(kept.into_iter().flatten());
    }
    value
}

fn lengthen(fields: &mut Map<String, Value>, name: &str, part: &str, is_short: impl Fn(&Value) -> bool) {
    if let Some(short) = fields.get(name).filter(|value| is_short(value)).cloned() {
        fields.insert(name.to_owned(), json!({ part: short }));
    }
}

/// Every duration as the shortest text that means it.
fn durations(value: Value, name: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let value = durations(value, &key);
                (key, value)
            });
            Value::Object(fields.collect())
        }
        Value::Number(millis) if DURATIONS.contains(&name) => {
            let text = millis.as_u64().map(|millis| format_duration(std::time::Duration::from_millis(millis)));
            text.map_or(Value::Number(millis), Value::String)
        }
        Value::String(text) if DURATIONS.contains(&name) => {
            Value::String(parse_duration(&text).map_or(text, format_duration))
        }
        value => value,
    }
}

pub(super) fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, value) in new {
                compare(&below(path, key), old.get(key), Some(value), changes);
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                compare(&below(path, key), Some(value), None, changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if has_parts(old) && has_parts(new) => {
            for place in 0..old.len().max(new.len()) {
                compare(&format!("{path}[{place}]"), old.get(place), new.get(place), changes);
            }
        }
        (old, new) => changes.push(change(path, old, new)),
    }
}

/// Maps in a list are compared one by one; a list of names is one thing.
fn has_parts(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn change(path: &str, old: Option<&Value>, new: Option<&Value>) -> Change {
    let show = |value: &Value| shown(path, value);
    let kind = match (old.map(show), new.map(show)) {
        (Some(from), Some(to)) => ChangeKind::Changed { from, to },
        (Some(from), None) => ChangeKind::Removed { from },
        (None, to) => ChangeKind::Added { to: to.unwrap_or_default() },
    };
    Change { path: path.to_owned(), kind }
}
