//! Values with holes, built from the tree.

use serde_json::{Map, Value};

use super::expressions::{Site, Snippet, compile};
use super::scan::{Piece, pieces};
use super::{Facts, Finding, Report};
use crate::Template;
use crate::template::Part;
use crate::tree::{Kind, Node, Places};

/// Every problem is reported; what cannot be compiled becomes a literal null in a definition that is not handed out.
pub(super) fn build(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Template {
    match &node.kind {
        Kind::Text(_) => string(node, site, facts, report),
        Kind::List(items) => list(items.iter().map(|item| build(item, site, facts, report)).collect()),
        Kind::Map(entries) => map(entries
            .iter()
            .map(|entry| {
                if entry.key.contains("{{") {
                    report.add(
                        Finding::error("E124", entry.key_span, "a key cannot be a template")
                            .label("only values can have holes"),
                    );
                }
                (entry.key.clone(), build(&entry.value, site, facts, report))
            })
            .collect()),
        _ => Template::Literal(node.to_value()),
    }
}

pub(super) fn list(items: Vec<Template>) -> Template {
    if items.iter().any(|item| !matches!(item, Template::Literal(_))) {
        return Template::List(items);
    }
    Template::Literal(Value::Array(items.into_iter().map(literal).collect()))
}

pub(super) fn map(entries: Vec<(String, Template)>) -> Template {
    if entries.iter().any(|(_, value)| !matches!(value, Template::Literal(_))) {
        return Template::Map(entries);
    }
    Template::Literal(Value::Object(
        entries.into_iter().map(|(key, value)| (key, literal(value))).collect::<Map<_, _>>(),
    ))
}

fn literal(template: Template) -> Value {
    match template {
        Template::Literal(value) => value,
        _ => Value::Null,
    }
}

fn string(node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Template {
    let value = node.as_str().unwrap_or_default();
    report_blocks(node, value, facts, report);
    if !value.contains("{{") {
        return Template::Literal(Value::String(value.to_owned()));
    }
    let places = Places::of(node, &facts.source.text);
    let found = pieces(value);
    let is_whole = matches!(found.as_slice(), [Piece::Hole(_)]);
    let mut parts = Vec::with_capacity(found.len());
    for piece in found {
        match piece {
            Piece::Text(range) => parts.push(Part::Text(value[range].to_owned())),
            Piece::Hole(range) => {
                let snippet = Snippet { node, range, places: &places };
                match compile(&snippet, site, facts, report) {
                    Some(expression) if is_whole => return Template::Hole(expression),
                    Some(expression) => parts.push(Part::Hole(expression)),
                    None => {}
                }
            }
            Piece::Open(range) => {
                let snippet = Snippet { node, range: range.start..range.start + 2, places: &places };
                report.add(
                    Finding::error("E121", snippet.whole(), "this `{{` has no `}}`")
                        .label("the template starts here")
                        .help("braces that are meant as text are written {{ '{{' }}"),
                );
            }
        }
    }
    Template::Text(parts)
}

/// Statements and comments belong to template files; in a value they would stay in the text and reach a customer.
fn report_blocks(node: &Node, value: &str, facts: &Facts<'_>, report: &mut Report) {
    for (open, close, what) in [("{%", "%}", "{% %}"), ("{#", "#}", "{# #}")] {
        let Some(start) = value.find(open) else { continue };
        let Some(end) = value[start..].find(close).map(|end| start + end + 2) else { continue };
        let places = Places::of(node, &facts.source.text);
        let snippet = Snippet { node, range: start..end, places: &places };
        report.add(
            Finding::error("E124", snippet.whole(), format!("`{what}` does not work in values"))
                .label("only `{{ expression }}` does")
                .help("choose with `'a' if condition else 'b'`; loops belong into template files or `map` filters"),
        );
    }
}
