//! The document's own fields.

use serde_json::{Value, json};

use super::shape::{
    any_of, boolean, defined, map, name, or_template, pattern, queue, requiring, short_text, text, whole, words,
};
use crate::Priority;
use crate::check::vocabulary::{
    AT_ONCE_MAX, DEFAULTS_FIELDS, DESCRIPTION_MAX, DOCUMENT_FIELDS, INPUTS_MAX, LABELS_MAX, NAME_MAX, OVERFLOWS,
    PER_TIME_MAX, SECRET_NAME_MAX, SECRETS_MAX, TRIGGERS_MAX,
};
use crate::slug::SLUG_MAX;

/// Of a document that says its version: nothing unknown may stand in it.
pub(super) fn document() -> Value {
    let mut schema = requiring(map(&DOCUMENT_FIELDS, "document", field), &["version", "name", "steps"]);
    schema["patternProperties"] = json!({ "^x-": {} });
    schema
}

pub(super) fn field(field: &str) -> Value {
    match field {
        "version" => json!({ "const": 1 }),
        "name" => json!({ "type": "string", "pattern": r"\S", "maxLength": NAME_MAX }),
        "id" => id(),
        "description" => short_text(DESCRIPTION_MAX),
        "owner" => short_text(NAME_MAX),
        "labels" => json!({ "type": "object", "additionalProperties": text(), "maxProperties": LABELS_MAX }),
        "enabled" => boolean(),
        "triggers" => json!({ "type": "array", "items": defined("trigger"), "maxItems": TRIGGERS_MAX }),
        "inputs" => json!({ "type": "object", "additionalProperties": input(), "maxProperties": INPUTS_MAX }),
        "secrets" => {
            json!({ "type": "array", "items": name(SECRET_NAME_MAX), "maxItems": SECRETS_MAX, "uniqueItems": true })
        }
        "steps" => json!({ "allOf": [defined("steps"), { "minItems": 1 }] }),
        "on_error" | "finally" => defined("steps"),
        "timeout" | "idempotency_ttl" => defined("duration"),
        "defaults" => map(&DEFAULTS_FIELDS, "defaults", |field| match field {
            "retry" => defined("retry"),
            "timeout" => defined("duration"),
            _ => queue(),
        }),
        "concurrency" => concurrency(&["limit", "key", "overflow"]),
        "rate_limit" => rate_limit(),
        "idempotency_key" | "$schema" => text(),
        "queue" => queue(),
        "priority" => priority(),
        // `variables`, `output`, and what this list does not know yet.
        _ => json!({}),
    }
}

fn id() -> Value {
    let slug = pattern(&format!("^[a-z0-9][a-z0-9_-]{{0,{}}}$", SLUG_MAX - 1));
    any_of(&[slug, pattern("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")])
}

/// A JSON Schema, whose own mistakes the checker finds.
fn input() -> Value {
    let types = ["string", "number", "integer", "boolean", "object", "array", "null"];
    json!({
        "type": ["object", "boolean"],
        "description": "A JSON Schema. Without a `default` the input is required.",
        "properties": {
            "type": any_of(&[words(&types), json!({ "type": "array", "items": words(&types) })]),
            "description": text(),
            "default": { "description": "What the input is when nobody gives it." },
            "enum": { "type": "array", "description": "The only values that are accepted." },
        },
    })
}

pub(super) fn concurrency(fields: &[&str]) -> Value {
    let schema = map(fields, "concurrency", |field| match field {
        "limit" => whole(1, AT_ONCE_MAX),
        "overflow" => words(&OVERFLOWS),
        _ => text(),
    });
    requiring(schema, &["limit"])
}

pub(super) fn rate_limit() -> Value {
    let schema = map(&["limit", "per", "key"], "rate_limit", |field| match field {
        "limit" => whole(1, PER_TIME_MAX),
        "per" => defined("duration"),
        _ => text(),
    });
    requiring(schema, &["limit", "per"])
}

pub(super) fn priority() -> Value {
    or_template(&words(&Priority::WORDS))
}
