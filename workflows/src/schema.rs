//! The JSON Schema (2020-12) of documents, from which editors complete and underline.
//!
//! It is made of the checker's own field names and limits, the catalog and the pages of `explain`. It says less than the
//! checker, and never the opposite: what the checker accepts fits the schema. Diagnostics never come from it.

mod config;
mod describe;
mod document;
mod old;
mod shape;
mod step;
mod trigger;

use serde_json::{Map, Value, json};

use crate::Catalog;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema for documents whose step types are those of `catalog`.
pub fn schema(catalog: &Catalog) -> Value {
    let mut definitions = Map::new();
    let mut define = |name: &str, schema: Value| definitions.insert(name.to_owned(), schema);
    define("document", document::document());
    define("old_document", old::document());
    define("old_step", old::step());
    define("step", step::step());
    define("step_type", config::types(catalog));
    define("by_type", config::by_type(catalog));
    define("steps", step::list());
    define("foreach", step::foreach());
    define("retry", step::retry());
    define("compensate", step::compensate());
    define("trigger", trigger::trigger());
    define("duration", shape::duration());
    define("expression", shape::expression());
    for (name, schema) in trigger::configs().into_iter().chain(config::configs(catalog)) {
        define(&name, schema);
    }
    json!({
        "$schema": DIALECT,
        "title": "A workflow of Onward",
        "type": "object",
        // Without a version a document may be one of the replaced system, where unknown fields are no errors.
        "if": { "required": ["version"], "not": { "required": ["schema"] } },
        "then": { "$ref": "#/$defs/document" },
        "else": { "$ref": "#/$defs/old_document" },
        "$defs": definitions,
    })
}
