//! Steps: one body, and what the engine does around it.

use serde_json::{Value, json};

use super::document::{concurrency, priority, rate_limit};
use super::shape::{any_of, boolean, defined, id, map, name, queue, requiring, short_text, text, whole, words};
use crate::check::vocabulary::{
    ARMS_MAX, BATCH_MAX, FOREACH_FIELDS, ITEM_NAME_MAX, PARALLEL_MAX, RETRIES_MAX, RETRY_FIELDS, ROUNDS_AT_ONCE_MAX,
    STEP_FIELDS, STEP_ID_MAX, STEP_NAME_MAX, STEPS_IN_LIST_MAX, UNDO_FIELDS,
};

pub(super) fn step() -> Value {
    let mut schema = requiring(map(&STEP_FIELDS, "step", field), &["id"]);
    schema["oneOf"] = json!([{ "required": ["type"] }, { "required": ["steps"] }, { "required": ["switch"] }]);
    schema["dependentRequired"] = json!({ "config": ["type"], "parallel": ["steps"] });
    schema["not"] = json!({ "required": ["retry", "retries"] });
    let waits = json!({
        "if": { "properties": { "type": { "const": "wait_for_event" } }, "required": ["type"] },
        "then": { "required": ["timeout"] },
    });
    schema["allOf"] = json!([defined("by_type"), waits]);
    schema
}

pub(super) fn list() -> Value {
    json!({ "type": "array", "items": defined("step"), "maxItems": STEPS_IN_LIST_MAX })
}

fn field(field: &str) -> Value {
    match field {
        "id" => id(STEP_ID_MAX),
        "name" => short_text(STEP_NAME_MAX),
        "type" => defined("step_type"),
        "steps" => json!({ "allOf": [defined("steps"), { "minItems": 1 }] }),
        "finally" => defined("steps"),
        "parallel" => any_of(&[boolean(), whole(1, PARALLEL_MAX)]),
        "switch" => json!({ "type": "array", "items": arm(), "minItems": 1, "maxItems": ARMS_MAX }),
        "needs" => json!({ "type": "array", "items": text() }),
        "if" | "expect" => defined("expression"),
        "foreach" => defined("foreach"),
        "retry" => defined("retry"),
        "retries" => whole(0, RETRIES_MAX),
        "timeout" => defined("duration"),
        "cache" => any_of(&[defined("duration"), cache()]),
        "idempotency_key" => text(),
        "concurrency" => concurrency(&["limit", "key"]),
        "rate_limit" => rate_limit(),
        "queue" => queue(),
        "priority" => priority(),
        "on_error" => any_of(&[words(&["fail", "continue"]), defined("steps")]),
        "compensate" => defined("compensate"),
        // `config`, which the type decides, `output`, and what this list does not know yet.
        _ => json!({}),
    }
}

fn arm() -> Value {
    let shape = |field: &str| if field == "if" { defined("expression") } else { defined("steps") };
    requiring(map(&["if", "steps"], "switch", shape), &["steps"])
}

fn cache() -> Value {
    let shape = |field: &str| if field == "ttl" { defined("duration") } else { text() };
    requiring(map(&["ttl", "key"], "cache", shape), &["ttl"])
}

pub(super) fn foreach() -> Value {
    let list = || any_of(&[text(), json!({ "type": "array" })]);
    let full = map(&FOREACH_FIELDS, "foreach", |field| match field {
        "in" => list(),
        "as" => name(ITEM_NAME_MAX),
        "concurrency" => whole(1, ROUNDS_AT_ONCE_MAX),
        "batch" => whole(1, BATCH_MAX),
        _ => json!({}),
    });
    any_of(&[list(), requiring(full, &["in"])])
}

pub(super) fn retry() -> Value {
    let full = map(&RETRY_FIELDS, "retry", |field| match field {
        "max" => whole(0, RETRIES_MAX),
        "delay" | "max_delay" | "within" => defined("duration"),
        "backoff" => words(&["exponential", "linear", "constant"]),
        "jitter" => boolean(),
        "if" => defined("expression"),
        _ => json!({}),
    });
    any_of(&[whole(0, RETRIES_MAX), full])
}

pub(super) fn compensate() -> Value {
    let mut single = requiring(map(&UNDO_FIELDS, "compensate", field), &["type"]);
    single["not"] = json!({ "required": ["retry", "retries"] });
    single["allOf"] = json!([defined("by_type")]);
    any_of(&[defined("steps"), single])
}
