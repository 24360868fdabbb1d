//! Documents that do not say their version. Unknown fields are only warnings in them, so hardly anything is refused.

use serde_json::{Value, json};

use super::document::field;
use super::shape::{defined, id, properties, text};
use crate::check::vocabulary::{DOCUMENT_FIELDS, STEP_FIELDS, STEP_ID_MAX, STEPS_IN_LIST_MAX, WRAPPED_FIELDS};

pub(super) fn document() -> Value {
    json!({
        "type": "object",
        "properties": properties(&DOCUMENT_FIELDS, "document", old_field),
        "required": ["name"],
        "anyOf": [
            { "required": ["steps"] },
            { "required": ["schema"], "properties": { "schema": {
                "description": "How the API of the replaced system wrapped a workflow.",
                "type": "object",
                "properties": properties(&WRAPPED_FIELDS, "document", old_field),
                "required": ["steps"],
            } } },
        ],
    })
}

fn old_field(name: &str) -> Value {
    match name {
        "steps" => {
            json!({ "type": "array", "items": defined("old_step"), "minItems": 1, "maxItems": STEPS_IN_LIST_MAX })
        }
        "triggers" => json!({ "type": "array", "items": {
            "type": "object", "properties": { "type": text(), "config": { "type": "object" } }, "required": ["type"],
        } }),
        "name" | "id" | "description" | "enabled" | "version" | "owner" | "timeout" => field(name),
        _ => json!({}),
    }
}

pub(super) fn step() -> Value {
    let shape = |field: &str| match field {
        "id" => id(STEP_ID_MAX),
        "type" => text(),
        _ => json!({}),
    };
    json!({
        "type": "object",
        "properties": properties(&STEP_FIELDS, "step", shape),
        "required": ["id"],
        "anyOf": [{ "required": ["type"] }, { "required": ["steps"] }, { "required": ["switch"] }],
    })
}
