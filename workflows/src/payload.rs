//! What a JSON value may hold before it is stored: no NUL, and shallow and small enough to be walked anywhere.

use serde_json::Value;

/// Levels of lists and objects inside each other.
pub const PAYLOAD_DEPTH_MAX: usize = 64;
/// Values of any kind in one payload.
pub const PAYLOAD_NODES_MAX: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadProblem {
    /// Postgres cannot store this character in text.
    #[error("a text or a key holds the character U+0000")]
    Nul,
    #[error("it is nested deeper than {PAYLOAD_DEPTH_MAX} levels")]
    TooDeep,
    #[error("it holds more than {PAYLOAD_NODES_MAX} values")]
    TooManyNodes,
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
}

/// Guards what comes from outside: inputs, bodies, what an operator fills in.
pub fn check_payload(payload: &Value) -> Result<(), PayloadProblem> {
    Walk { nodes: PAYLOAD_NODES_MAX, bytes: usize::MAX, bytes_max: usize::MAX }.visit(payload, 0)
}

/// Guards what a step or a run yields: any number of values, but at most `max` bytes of compact JSON, roughly.
pub(crate) fn check_output(output: &Value, max: usize) -> Result<(), PayloadProblem> {
    Walk { nodes: usize::MAX, bytes: max, bytes_max: max }.visit(output, 0)
}

/// What may still be spent.
struct Walk {
    nodes: usize,
    bytes: usize,
    bytes_max: usize,
}

impl Walk {
    fn visit(&mut self, value: &Value, depth: usize) -> Result<(), PayloadProblem> {
        if depth > PAYLOAD_DEPTH_MAX {
            return Err(PayloadProblem::TooDeep);
        }
        self.nodes = self.nodes.checked_sub(1).ok_or(PayloadProblem::TooManyNodes)?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(4),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.spend(2)?;
                items.iter().try_for_each(|item| self.visit(item, depth + 1))
            }
            Value::Object(entries) => {
                self.spend(2)?;
                entries.iter().try_for_each(|(key, item)| {
                    self.text(key)?;
                    self.visit(item, depth + 1)
                })
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), PayloadProblem> {
        self.spend(text.len() + 3)?;
        if text.as_bytes().contains(&0) { Err(PayloadProblem::Nul) } else { Ok(()) }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), PayloadProblem> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(PayloadProblem::TooLarge(self.bytes_max))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn ordinary_payloads_pass() {
        for payload in [json!(null), json!({"a": [1, "x", {"b": null}]}), nested(64), json!(vec![0; 49_999])] {
            assert_eq!(check_payload(&payload), Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_stored_or_walked_is_refused() {
        for (payload, problem) in [
            (json!("a\0b"), PayloadProblem::Nul),
            (json!([{"a\0": 1}]), PayloadProblem::Nul),
            (nested(65), PayloadProblem::TooDeep),
            (json!(vec![0; 50_000]), PayloadProblem::TooManyNodes),
        ] {
            assert_eq!(check_payload(&payload), Err(problem));
        }
    }

    #[test]
    fn an_output_is_measured_in_bytes() {
        assert_eq!(check_output(&json!("x".repeat(90)), 100), Ok(()));
        assert_eq!(check_output(&json!("x".repeat(100)), 100), Err(PayloadProblem::TooLarge(100)));
        assert_eq!(check_output(&json!({"a": ["b\0"]}), 100), Err(PayloadProblem::Nul));
    }
}
