//! What makes two tasks the same, and the ids that follow from it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use onward_workflows::RunId;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Builder;

/// What a task's JSON comes to: the same for equal tasks, whatever order their fields were written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskId(pub [u8; 32]);

impl TaskId {
    pub fn of(task: &Value) -> Self {
        Self::of_canonical(&canonical_json(task))
    }

    pub(super) fn of_canonical(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// JSON with the keys of every object sorted. A map keeps them sorted or as they came, depending on a feature of
/// `serde_json` that any crate of a program may switch on; a key must not change with that.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            text.push('{');
            let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
            for (place, (key, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::from(key.as_str()));
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// The run of a task that another one enqueues: a repeated attempt of the parent finds it there. `nth` counts equal
/// tasks of one attempt, so that what an attempt enqueues in another order, or anew, is not taken for something else.
pub fn derived_task_run(parent: RunId, path: &str, task: TaskId, nth: u32) -> RunId {
    let mut hash = Sha256::new();
    hash.update(parent.0);
    hash.update(path);
    hash.update([0]);
    hash.update(task.0);
    hash.update(nth.to_be_bytes());
    let digest = hash.finalize();
    // The parent's own time: its partition is there for as long as the parent may be repeated.
    let (millis, random) = (parent.0.as_u128() >> 80, &digest[..10]);
    let millis = u64::try_from(millis).expect("48 bits");
    let random: &[u8; 10] = random.try_into().expect("ten bytes were taken");
    RunId(Builder::from_unix_timestamp_millis(millis, random).into_uuid())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let texts = [
            r#"{"type":"Mail","to":{"b":1,"a":[1,{"y":2,"x":"\"ü"}]}}"#,
            r#"{"to":{"a":[1,{"x":"\"ü","y":2}],"b":1},"type":"Mail"}"#,
        ];
        let [one, two] = texts.map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(canonical_json(&one), texts[1]);
        assert_eq!(TaskId::of(&one), TaskId::of(&two));
        for other in [json!({"type": "Mail"}), json!({"type": "Mail", "to": {"b": 1, "a": [{"x": "\"ü", "y": 2}, 1]}})]
        {
            assert_ne!(TaskId::of(&one), TaskId::of(&other));
        }
    }

    #[test]
    fn a_child_has_one_id_for_each_place_and_lies_beside_its_parent() {
        let parent = RunId(Uuid::try_parse("0193655a-7c3e-7a52-9d1e-6f0c2b1a9e01").unwrap());
        let (mail, bill) = (TaskId::of(&json!({"type": "Mail"})), TaskId::of(&json!({"type": "Bill"})));
        let first = derived_task_run(parent, "task", mail, 0);
        assert_eq!(first, derived_task_run(parent, "task", mail, 0));
        for other in [
            derived_task_run(parent, "task", mail, 1),
            derived_task_run(parent, "task", bill, 0),
            derived_task_run(parent, "other", mail, 0),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!((first.0.get_version_num(), first.0.as_u128() >> 80), (7, parent.0.as_u128() >> 80));
    }
}
