//! The `config` of each step type.

use serde_json::{Map, Value, json};

use super::shape::{TEMPLATE, any_of, boolean, defined, or_template, pattern, text, words};
use crate::{Catalog, ConfigField, FieldKind, StepType};

/// For each type: if a step is of this type, its config is such a one.
pub(super) fn by_type(catalog: &Catalog) -> Value {
    let typed = catalog.types().iter().filter(|step_type| has_config(step_type));
    json!({ "allOf": typed.map(for_type).collect::<Vec<_>>() })
}

/// All types, with a sentence about each.
pub(super) fn types(catalog: &Catalog) -> Value {
    let types = catalog.types().iter().map(|known| json!({ "const": known.name, "description": known.summary }));
    json!({ "anyOf": types.collect::<Vec<_>>() })
}

/// The config of each type, under the name of its definition.
pub(super) fn configs(catalog: &Catalog) -> Vec<(String, Value)> {
    let typed = catalog.types().iter().filter(|step_type| has_config(step_type));
    typed.map(|step_type| (definition(step_type), config(step_type))).collect()
}

/// `value` takes anything.
fn has_config(step_type: &StepType) -> bool {
    step_type.name != "value"
}

fn definition(step_type: &StepType) -> String {
    format!("config.{}", step_type.name)
}

fn for_type(step_type: &StepType) -> Value {
    let mut then = json!({ "properties": { "config": defined(&definition(step_type)) } });
    // Inside a handler a bare `fail` raises the same error again.
    if step_type.name != "fail" && (step_type.name == "wait" || step_type.fields.iter().any(|field| field.required)) {
        then["required"] = json!(["config"]);
    }
    json!({
        "if": { "properties": { "type": { "const": step_type.name } }, "required": ["type"] },
        "then": then,
    })
}

fn config(step_type: &StepType) -> Value {
    let properties: Map<String, Value> =
        step_type.fields.iter().map(|field| (field.name.to_owned(), described(step_type, field))).collect();
    let required: Vec<&str> = step_type.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({
        "description": step_type.summary,
        "type": "object",
        "properties": properties,
        "required": required,
    });
    // A type that declares nothing takes anything.
    schema["additionalProperties"] = (step_type.fields.is_empty() && !step_type.built_in).into();
    if step_type.name == "wait" {
        schema["oneOf"] = json!([{ "required": ["for"] }, { "required": ["until"] }]);
    }
    schema
}

fn described(step_type: &StepType, field: &ConfigField) -> Value {
    let mut schema = match (step_type.name, field.name) {
        ("wait_for_event", "where") => defined("expression"),
        ("wait_for_event", "event") => any_of(&[text(), json!({ "type": "array", "items": text(), "minItems": 1 })]),
        _ => literal(field.kind),
    };
    let mut summary = field.summary.to_owned();
    if step_type.has_own_templates(field.name) {
        summary.push_str(" (a Handlebars template, rendered over `data`)");
    }
    schema["description"] = summary.into();
    schema
}

fn literal(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Any => json!({}),
        FieldKind::Text => text(),
        FieldKind::Url => pattern(&format!(r"{TEMPLATE}|^\s*[hH][tT][tT][pP][sS]?://[\s\S]")),
        FieldKind::Boolean => or_template(&boolean()),
        FieldKind::Integer => or_template(&json!({ "type": "integer" })),
        FieldKind::Object => or_template(&json!({ "type": "object" })),
        FieldKind::Duration => or_template(&defined("duration")),
        FieldKind::OneOf(allowed) => or_template(&words(allowed)),
    }
}
