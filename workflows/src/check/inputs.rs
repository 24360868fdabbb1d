//! Declared inputs: every schema has to be one, every default has to fit.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Finding, Report, values};
use crate::Input;
use crate::inputs::compile_schema;
use crate::suggest::closest;
use crate::tree::{Kind, Node};

pub(crate) const INPUTS_MAX: usize = 100;
/// Of JSON Schema.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];

/// The types that make sense as a schema's short form, for the message only.
const EXAMPLE: &str = "write { \"type\": \"string\" }, for example";

pub(super) fn read(node: &Node, report: &mut Report) -> BTreeMap<String, Input> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("inputs", node, "a map from names to JSON Schemas").help(EXAMPLE));
        return BTreeMap::new();
    };
    if let Some(extra) = entries.get(INPUTS_MAX) {
        report.add(
            Finding::error("E115", extra.key_span, format!("a document has at most {INPUTS_MAX} inputs"))
                .label(format!("this one has {}", entries.len())),
        );
    }
    let mut inputs = BTreeMap::new();
    for entry in entries.iter().take(INPUTS_MAX) {
        let schema = entry.value.to_value();
        let default = match &entry.value.kind {
            Kind::Map(_) => entry.value.field("default"),
            Kind::Bool(_) => None,
            _ => {
                report.add(
                    values::wrong_kind(&format!("inputs.{}", entry.key), &entry.value, "a JSON Schema").help(EXAMPLE),
                );
                None
            }
        };
        if matches!(entry.value.kind, Kind::Map(_) | Kind::Bool(_)) {
            check_schema(&entry.key, &schema, &entry.value, default, report);
        }
        inputs.insert(entry.key.clone(), Input { schema, default: default.map(Node::to_value) });
    }
    inputs
}

fn check_schema(name: &str, schema: &Value, node: &Node, default: Option<&Node>, report: &mut Report) {
    let validator = match compile_schema(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let at = pointed(node, error.instance_path().as_str());
            let finding = Finding::error("E120", at.span, format!("the schema of input `{name}` is not a JSON Schema"));
            report.add(match error.instance_path().as_str().ends_with("/type").then(|| at.as_str()).flatten() {
                Some(word) => of_no_type(finding, word),
                None => finding.label(error.to_string()),
            });
            return;
        }
    };
    let Some(default) = default else { return };
    if let Err(error) = validator.validate(&default.to_value()) {
        let at = pointed(default, error.instance_path().as_str());
        report.add(
            Finding::error("E120", at.span, format!("the default of input `{name}` does not fit its schema"))
                .label(error.to_string()),
        );
    }
}

fn of_no_type(finding: Finding, word: &str) -> Finding {
    let meant = match word.to_ascii_lowercase().as_str() {
        "float" | "double" | "decimal" => Some("number"),
        "int" | "long" => Some("integer"),
        "bool" => Some("boolean"),
        "list" => Some("array"),
        "map" | "dict" => Some("object"),
        "text" | "str" => Some("string"),
        other => closest(other, TYPES),
    };
    let finding = match meant {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")),
        None => finding.label("there is no such type"),
    };
    finding.help(format!("the types are {}", TYPES.join(", ")))
}

/// The node at a JSON Pointer, or the last one on the way that exists.
fn pointed<'n>(node: &'n Node, pointer: &str) -> &'n Node {
    let mut node = node;
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let inner = match &node.kind {
            Kind::List(items) => key.parse::<usize>().ok().and_then(|place| items.get(place)),
            _ => node.field(&key),
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The JSON type that a schema gives, when it is a single one.
pub(super) fn json_type(schema: &Value) -> Option<String> {
    schema.get("type")?.as_str().filter(|word| TYPES.contains(word)).map(str::to_owned)
}
