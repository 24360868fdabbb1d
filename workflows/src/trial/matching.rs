//! Whether a value is what a test expects: a subset, and every difference at its place.

use serde_json::Value;

use super::code;
use crate::check::Finding;
use crate::source::Span;
use crate::suggest::{closest, listed};
use crate::tree::{Kind, Node};

/// Characters of a value in a message.
const SHOWN_MAX: usize = 160;

/// Maps may have more than what is expected of them; lists are compared item by item.
pub(super) fn differences(expected: &Node, found: &Value, place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    compare(expected, found, place, &mut findings);
    findings
}

fn compare(expected: &Node, found: &Value, place: &str, findings: &mut Vec<Finding>) {
    match (&expected.kind, found) {
        (Kind::Map(entries), Value::Object(values)) => {
            for entry in entries {
                let inside = format!("{place}.{}", entry.key);
                let Some(value) = values.get(&entry.key) else {
                    let names = || values.keys().map(String::as_str);
                    let label = match closest(&entry.key, names()) {
                        Some(meant) => format!("found `{meant}` instead"),
                        None => format!("found {}", listed(names())),
                    };
                    findings.push(different(entry.key_span, format!("`{inside}` is not there"), label));
                    continue;
                };
                compare(&entry.value, value, &inside, findings);
            }
        }
        (Kind::List(items), Value::Array(values)) => {
            if items.len() != values.len() {
                let message = format!("`{place}` has {} items, not {}", values.len(), items.len());
                findings.push(different(expected.span, message, format!("found {}", shown(found))));
                return;
            }
            for (index, (item, value)) in items.iter().zip(values).enumerate() {
                compare(item, value, &format!("{place}[{index}]"), findings);
            }
        }
        _ if is_equal(&expected.to_value(), found) => {}
        _ => {
            let message = format!("`{place}` is {}, not {}", shown(found), shown(&expected.to_value()));
            findings.push(different(expected.span, message, format!("found {}", shown(found))));
        }
    }
}

/// `1` and `1.0` are one number.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

pub(super) fn different(span: Span, message: impl Into<String>, label: impl Into<String>) -> Finding {
    Finding::error(code::DIFFERENT, span, message).label(label)
}

/// "once", "twice", "3 times".
pub(super) fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX { text } else { text.chars().take(SHOWN_MAX).chain(['…']).collect() }
}
