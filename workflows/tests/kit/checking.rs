//! The step types that tests of the checker know, and a short way to ask it.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use onward_workflows::{Catalog, Checked, ConfigField, FieldKind, Source, StepType, check};

const HTTP_REQUEST: StepType = StepType {
    name: "http.request",
    summary: "Sends an HTTP request.",
    fields: &[
        ConfigField { name: "url", kind: FieldKind::Url, required: true, summary: "where to" },
        ConfigField {
            name: "method",
            kind: FieldKind::OneOf(&["GET", "PUT", "POST", "PATCH", "DELETE"]),
            required: false,
            summary: "GET by default",
        },
        ConfigField { name: "headers", kind: FieldKind::Object, required: false, summary: "names and values" },
        ConfigField { name: "body", kind: FieldKind::Any, required: false, summary: "sent as JSON" },
        ConfigField {
            name: "follow_redirects",
            kind: FieldKind::Boolean,
            required: false,
            summary: "false by default",
        },
    ],
    built_in: true,
};

pub fn catalog() -> Catalog {
    Catalog::new([HTTP_REQUEST])
}

/// A text that starts with `{` is JSON; anything else is YAML.
pub fn checked(text: &str) -> Checked {
    let file = if text.trim_start().starts_with('{') { "w.json" } else { "w.yaml" };
    check(&Source::from_file(file, text), &catalog())
}

/// `code line:column` of everything that was found.
pub fn found(text: &str) -> Vec<String> {
    checked(text)
        .diagnostics
        .iter()
        .map(|found| format!("{} {}:{}", found.code, found.range.start.line, found.range.start.column))
        .collect()
}
