//! Triggers: four types, each with a config of its own.

use serde_json::{Value, json};

use super::shape::{any_of, boolean, defined, id, map, pattern, requiring, short_text, text, whole, words};
use crate::SignatureScheme;
use crate::check::vocabulary::{
    BODY_MAX, CRON_FIELDS, ENDPOINT_MAX, EVENT_FIELDS, EVENT_NAME_MAX, METHODS, SIGNATURE_FIELDS, TRIGGER_FIELDS,
    TRIGGER_ID_MAX, TRIGGER_TYPES, WEBHOOK_FIELDS,
};

pub(super) fn trigger() -> Value {
    let schema = map(&TRIGGER_FIELDS, "trigger", |field| match field {
        "id" => id(TRIGGER_ID_MAX),
        "type" => words(&TRIGGER_TYPES),
        "enabled" => boolean(),
        "if" => defined("expression"),
        "config" | "inputs" => json!({ "type": "object" }),
        "idempotency_key" => text(),
        _ => json!({}),
    });
    let mut schema = requiring(schema, &["type"]);
    let by_type = TRIGGER_TYPES.map(|name| {
        let mut then = json!({ "properties": { "config": defined(&format!("trigger.{name}")) } });
        if matches!(name, "cron" | "event") {
            then["required"] = json!(["config"]);
        }
        json!({ "if": { "properties": { "type": { "const": name } }, "required": ["type"] }, "then": then })
    });
    schema["allOf"] = json!(by_type);
    schema
}

/// The config of each type, under the name of its definition.
pub(super) fn configs() -> Vec<(String, Value)> {
    TRIGGER_TYPES.iter().map(|name| (format!("trigger.{name}"), config(name))).collect()
}

fn config(trigger_type: &str) -> Value {
    match trigger_type {
        "cron" => requiring(map(&CRON_FIELDS, "cron", cron), &["schedule"]),
        "webhook" => webhook(),
        "event" => {
            let shape = |_: &str| {
                let mut name = short_text(EVENT_NAME_MAX);
                name["pattern"] = r"^([^*]+\*?|\*)$".into();
                name["description"] = "The event's name; only its end may be `*`.".into();
                name
            };
            requiring(map(&EVENT_FIELDS, "event", shape), &["event"])
        }
        _ => map(&[], "manual", |_| json!({})),
    }
}

fn cron(field: &str) -> Value {
    match field {
        "schedule" | "timezone" => text(),
        "jitter" | "catch_up_window" => defined("duration"),
        "overlap" => words(&["skip", "queue", "replace", "allow"]),
        "catch_up" => words(&["latest", "none", "all"]),
        "starts_at" | "ends_at" => json!({ "type": "string", "format": "date-time" }),
        _ => json!({}),
    }
}

fn webhook() -> Value {
    let mut schema = map(&WEBHOOK_FIELDS, "webhook", |field| match field {
        "endpoint" | "key" | "path" => {
            let mut endpoint = pattern("^/*[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*/*$");
            endpoint["maxLength"] = ENDPOINT_MAX.into();
            if field != "endpoint" {
                endpoint["description"] = "An older name for `endpoint`.".into();
            }
            endpoint
        }
        "auth" => words(&["api_key", "signature", "none"]),
        "signature" => signature(),
        "respond" => any_of(&[words(&["accepted", "result"]), fixed()]),
        "respond_timeout" => defined("duration"),
        "methods" => any_of(&[words(&METHODS), json!({ "type": "array", "items": words(&METHODS) })]),
        "max_body" => whole(0, BODY_MAX),
        _ => json!({}),
    });
    schema["if"] = json!({ "properties": { "auth": { "const": "signature" } }, "required": ["auth"] });
    schema["then"] = json!({ "required": ["signature"] });
    schema["else"] = json!({ "not": { "required": ["auth", "signature"] } });
    schema
}

fn signature() -> Value {
    let secret = || pattern(r"^\s*\{\{\s*secrets\.[A-Za-z_][A-Za-z0-9_]*\s*\}\}\s*$");
    let schema = map(&SIGNATURE_FIELDS, "signature", |field| match field {
        "scheme" => words(&SignatureScheme::WORDS),
        "secret" | "verify_token" => secret(),
        "tolerance" => defined("duration"),
        _ => text(),
    });
    requiring(schema, &["scheme", "secret"])
}

/// Always the same answer.
fn fixed() -> Value {
    map(&["status", "body", "headers"], "respond", |field| match field {
        "status" => whole(200, 599),
        "headers" => json!({ "type": "object", "additionalProperties": text() }),
        _ => json!({}),
    })
}
