//! What differs from one test run to the next, taken out of a body so that the rest can be compared.

use chrono::DateTime;
use serde_json::Value;

const ID_LEN: usize = 26;
const PREFIXES: [&str; 4] = ["run_", "key_", "req_", "wrk_"];
const MEASURED: &str = "duration_ms";

/// Ids keep their prefix; times and durations become their kind.
pub fn redacted(mut body: Value) -> Value {
    redact(&mut body);
    body
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) if is_time(text) => "(time)".clone_into(text),
        Value::String(text) => {
            for prefix in PREFIXES {
                *text = without_ids(text, prefix);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, member) in members {
                if name == MEASURED && member.is_number() {
                    *member = Value::String("(measured)".to_owned());
                }
                redact(member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// As JSON has it, or as an HTTP header has it.
fn is_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || DateTime::parse_from_rfc2822(text).is_ok()
}

fn without_ids(text: &str, prefix: &str) -> String {
    let mut parts = text.split(prefix);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str(prefix);
        let id = part.get(..ID_LEN).filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        clean.push_str(if id.is_some() { "(id)" } else { "" });
        clean.push_str(id.map_or(part, |id| &part[id.len()..]));
    }
    clean
}
