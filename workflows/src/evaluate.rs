//! One expression or template over names that somebody gives: `onward eval`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::diagnose::ExpressionDetails;
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
    value.map_err(|error| without_value(&error, source, roots))
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

fn without_value(error: &EvaluationError, source: &Source, roots: &Map<String, Value>) -> Box<Diagnostic> {
    let lines = Lines::new(&source.text);
    let finding = ExpressionDetails::of(error).finding(&lines).expect("the expression stands in this source");
    let mut diagnostic = finding.into_diagnostic(&source.file, &lines, None);
    if roots.is_empty() {
        diagnostic.help =
            Some("give names with --data FILE (a map such as {inputs: {…}}) or --input NAME=VALUE".to_owned());
    }
    Box::new(diagnostic)
}

fn finding(code: &'static str, span: Span, message: String, label: &str, source: &Source) -> Box<Diagnostic> {
    let finding = crate::check::Finding::error(code, span, message).label(label);
    Box::new(finding.into_diagnostic(&source.file, &Lines::new(&source.text), None))
}
