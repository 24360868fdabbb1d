//! One expression or template over names that somebody gives: `onward eval`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::source::{Lines, Span};
use crate::tree::parse_tree;
use crate::{Diagnostic, EvaluationError, Expression, ExpressionError, Scope, Source, Template};

/// Texts with `{{ }}` are templates, all others are one expression; `now` is what `now()` gives. The diagnostic counts in
/// `source`.
pub fn evaluate(source: &Source, roots: &Map<String, Value>, now: DateTime<Utc>) -> Result<Value, Box<Diagnostic>> {
    let scope = roots.iter().fold(Scope::new(), |scope, (name, value)| scope.with(name, value));
    let scope = scope.at(&now, "evaluate".to_owned());
    let text = source.text.trim_end();
    let value = if text.contains("{{") {
        Template::parse_text(text).map_err(|error| refused(&error, source))?.render(&scope)
    } else {
        Expression::compile(text, 1, 1).map_err(|error| refused(&error, source))?.evaluate(&scope)
    };
    value.map_err(|error| without_value(error, source, roots))
}

/// The data of a YAML or JSON file.
pub fn parse_data(source: &Source) -> Result<Value, Vec<Diagnostic>> {
    let lines = Lines::new(&source.text);
    parse_tree(source).map(|tree| tree.to_value()).map_err(|findings| {
        findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, &lines, None)).collect()
    })
}

fn refused(error: &ExpressionError, source: &Source) -> Box<Diagnostic> {
    let span = Span::new(error.range.start, error.range.end);
    finding("E121", span, error.message.clone(), "not an expression", source)
}

fn without_value(error: EvaluationError, source: &Source, roots: &Map<String, Value>) -> Box<Diagnostic> {
    let start = offset(&source.text, error.line, error.column);
    let rest = &source.text[start..];
    let len = rest.find(|letter: char| !letter.is_alphanumeric() && !"_.[]'\"".contains(letter));
    let span = Span::new(start, start + len.unwrap_or(rest.len()).max(usize::from(!rest.is_empty())));
    let mut diagnostic = finding("E301", span, error.message, "no value here", source);
    if roots.is_empty() {
        diagnostic.help =
            Some("give names with --data FILE (a map such as {inputs: {…}}) or --input NAME=VALUE".to_owned());
    }
    diagnostic
}

fn offset(text: &str, line: u32, column: u32) -> usize {
    let start: usize =
        text.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or_default()).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

fn finding(code: &'static str, span: Span, message: String, label: &str, source: &Source) -> Box<Diagnostic> {
    let finding = crate::check::Finding::error(code, span, message).label(label);
    Box::new(finding.into_diagnostic(&source.file, &Lines::new(&source.text), None))
}
