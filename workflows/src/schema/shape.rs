//! Small pieces that many fields have in common.

use serde_json::{Map, Value, json};

use super::describe;
use crate::check::vocabulary::DURATION_MAX;
use crate::slug::SLUG_MAX;

/// A string with a hole somewhere.
pub(super) const TEMPLATE: &str = r"\{\{";

/// A reference to a definition; fields such as `description` may stand beside it.
pub(super) fn defined(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn short_text(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max })
}

pub(super) fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

pub(super) fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn whole(min: u32, max: u32) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(super) fn any_of(options: &[Value]) -> Value {
    json!({ "anyOf": options })
}

/// What a literal has to be; with a hole it is known at run time only.
pub(super) fn or_template(schema: &Value) -> Value {
    any_of(&[schema.clone(), pattern(TEMPLATE)])
}

/// Text with units from large to small, or milliseconds.
pub(super) fn duration() -> Value {
    let most = u64::try_from(DURATION_MAX.as_millis()).unwrap_or(u64::MAX);
    let sum = r"^\s*(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?\s*$";
    json!({
        "description": "A duration: 500ms, 30s, 5m, 24h, 7d or a sum such as 1h30m; a number is milliseconds.",
        "anyOf": [pattern(sum), { "type": "integer", "minimum": 0, "maximum": most }],
    })
}

/// A field that is an expression as it stands.
pub(super) fn expression() -> Value {
    json!({ "description": "An expression, without braces around it.", "type": ["string", "boolean"] })
}

pub(super) fn queue() -> Value {
    or_template(&pattern(&format!("^[a-z0-9][a-z0-9_.-]{{0,{}}}$", SLUG_MAX - 1)))
}

/// The ids of steps and of triggers.
pub(super) fn id(max: usize) -> Value {
    pattern(&format!("^[a-zA-Z0-9_-]{{1,{max}}}$"))
}

/// A name that expressions read: of an item, of a secret.
pub(super) fn name(max: usize) -> Value {
    pattern(&format!("^[a-zA-Z_][a-zA-Z0-9_]{{0,{}}}$", max - 1))
}

/// A map with these fields and no others, each described by the page of `explain` about it.
pub(super) fn map(fields: &[&str], place: &str, shape: impl Fn(&str) -> Value) -> Value {
    json!({ "type": "object", "properties": properties(fields, place, shape), "additionalProperties": false })
}

pub(super) fn properties(fields: &[&str], place: &str, shape: impl Fn(&str) -> Value) -> Map<String, Value> {
    let described = fields.iter().map(|field| {
        let mut schema = shape(field);
        if let (Some(text), Some(schema)) = (describe::field(place, field), schema.as_object_mut()) {
            schema.entry("description").or_insert(text.into());
        }
        ((*field).to_owned(), schema)
    });
    described.collect()
}

/// The same with fields that have to be there.
pub(super) fn requiring(mut schema: Value, fields: &[&str]) -> Value {
    schema["required"] = json!(fields);
    schema
}
