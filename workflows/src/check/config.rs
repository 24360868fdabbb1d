//! A step's `config` against the fields that its type declares.

use serde_json::Value;

use super::expressions::Site;
use super::fields::{Fields, PLACEMENT_HELP};
use super::steps::STEP_FIELDS;
use super::{Facts, Finding, Report, templates, values};
use crate::source::Span;
use crate::suggest::listed;
use crate::tree::{Entry, Kind, Node, Places};
use crate::{ConfigField, DocumentTemplate, FieldKind, StepType, Template};

/// Checks names and literal values; what is filled in at run time is checked then.
pub(super) fn check(
    step_type: &StepType,
    config: &Node,
    type_node: &Node,
    id: &str,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let entries = config.as_map().unwrap_or_default();
    let place = format!("in `config` of step `{id}`, which `{}` reads", step_type.name);
    if step_type.fields.is_empty() && !step_type.built_in {
        for entry in entries {
            report.findings.extend(belongs_beside(entry));
        }
    } else {
        let known: Vec<&str> = step_type.fields.iter().map(|field| field.name).collect();
        Fields { place: &place, known: &known }.check(entries, facts, report, belongs_beside);
    }
    for field in step_type.fields {
        match config.field(field.name) {
            Some(node) => check_value(step_type, field, node, report),
            None if field.required => report.add(
                Finding::error("E103", type_node.span, format!("`config.{}` is missing in step `{id}`", field.name))
                    .label(format!("`{}` needs it", step_type.name))
                    .help(format!("{}: {}", field.name, field.summary)),
            ),
            None => {}
        }
    }
}

/// The config as a template. Fields that are documents in a template language of their own stay as they are.
pub(super) fn template(
    step_type: &StepType,
    config: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Template {
    let entries = config.as_map().unwrap_or_default();
    templates::map(
        entries
            .iter()
            .map(|entry| {
                let value = if step_type.has_own_templates(&entry.key) {
                    document(entry, facts, report);
                    Template::Literal(entry.value.to_value())
                } else {
                    templates::build(&entry.value, site, facts, report)
                };
                (entry.key.clone(), value)
            })
            .collect(),
    )
}

/// Compiled here only to find out whether it can be: the step does it again.
fn document(entry: &Entry, facts: &Facts<'_>, report: &mut Report) {
    let Some(text) = entry.value.as_str() else { return };
    let Err(error) = DocumentTemplate::compile(text) else { return };
    let places = Places::of(&entry.value, &facts.source.text);
    let span = Span::new(places.offset(error.range.start), places.offset(error.range.end));
    report.add(
        Finding::error("E130", span, format!("the template of `{}` cannot be used: {}", entry.key, error.message))
            .label("here")
            .help("this field is a Handlebars template, which the step renders over its data"),
    );
}

/// A field of the engine that stands inside `config`.
fn belongs_beside(entry: &Entry) -> Option<Finding> {
    let key = entry.key.as_str();
    let is_engines = STEP_FIELDS.contains(&key);
    (is_engines && !matches!(key, "id" | "name" | "type" | "config" | "steps" | "output")).then(|| {
        Finding::error("E102", entry.key_span, format!("`{key}` is in `config`, where the engine does not look"))
            .label("move it up one level, beside `config`")
            .help(PLACEMENT_HELP)
    })
}

fn check_value(step_type: &StepType, field: &ConfigField, node: &Node, report: &mut Report) {
    if node.as_str().is_some_and(|text| text.contains("{{")) {
        return;
    }
    let name = format!("config.{}", field.name);
    match field.kind {
        FieldKind::Any => {}
        FieldKind::Text => {
            values::text(&name, node, report);
        }
        FieldKind::Url => check_url(&name, node, report),
        FieldKind::Boolean => {
            values::boolean(&name, node, report);
        }
        FieldKind::Integer => {
            let is_integer = matches!(&node.kind, Kind::Number(number) if number.is_i64() || number.is_u64());
            if !is_integer {
                report.add(values::wrong_kind(&name, node, "a whole number"));
            }
        }
        FieldKind::Object => {
            if node.as_map().is_none() {
                report.add(values::wrong_kind(&name, node, "a map"));
            }
        }
        FieldKind::Duration => {
            values::duration(&name, node, report);
        }
        FieldKind::OneOf(words) => check_word(&name, node, words, report),
    }
    if step_type.name == "wait" && field.name == "until" {
        check_instant(&name, node, report);
    }
}

fn check_word(name: &str, node: &Node, words: &[&str], report: &mut Report) {
    let Some(text) = values::text(name, node, report) else { return };
    if words.contains(&text) {
        return;
    }
    match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        Some(meant) => report.add(
            Finding::error("E105", node.span, format!("`{name}` cannot be {}", Value::String(text.to_owned())))
                .label(format!("allowed: {}", listed(words.iter().copied())))
                .fix(format!("Change to `{meant}`"), true, vec![(node.span, format!("\"{meant}\""))]),
        ),
        None => report.add(values::unknown_word(name, node, text, words)),
    }
}

fn check_url(name: &str, node: &Node, report: &mut Report) {
    let Some(url) = values::text(name, node, report) else { return };
    let lower = url.trim_start().to_ascii_lowercase();
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    if host.is_none_or(str::is_empty) {
        report.add(
            Finding::error("E105", node.span, format!("`{name}` is not a web address"))
                .label("it starts with `https://` or `http://`, then the host"),
        );
    }
}

fn check_instant(name: &str, node: &Node, report: &mut Report) {
    let Some(text) = node.as_str() else { return };
    if chrono::DateTime::parse_from_rfc3339(text).is_err() {
        report.add(
            Finding::error("E105", node.span, format!("`{name}` is not an instant"))
                .label("expected RFC 3339 with a zone")
                .help("for example \"2030-01-31T09:00:00Z\" or \"2030-01-31T09:00:00+02:00\""),
        );
    }
}
