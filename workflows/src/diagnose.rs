//! An expression that failed in a run, shown at its line of the document.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::Finding;
use crate::source::{Lines, Span};
use crate::tree::parse_tree;
use crate::{Diagnostic, ErrorKind, EvaluationError, Found, RunPlace, Source, StepError};

/// Characters of the line that are kept, so that it can be shown without the document.
const EXCERPT_MAX: usize = 400;
/// Of these, how many may stand before the place.
const BEFORE_MAX: usize = 200;

/// `details` of an error of kind `expression`: where the reference stands in the run's version of the document, one-based
/// and in characters, the end being that of the first character behind; what is wrong with it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExpressionDetails {
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    /// The message without the place and without what follows.
    pub reason: String,
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl ExpressionDetails {
    pub fn of(error: &EvaluationError) -> Self {
        let EvaluationError { message, source_text: _, line, column, end_line, end_column, missing } = error;
        let (line, column, end_line, end_column) = (*line, *column, *end_line, *end_column);
        let (reason, label, found, help) = match missing.as_deref() {
            Some(missing) => {
                (missing.reason.clone(), missing.label.clone(), missing.found.clone(), missing.help.clone())
            }
            None => (message.clone(), "no value here".to_owned(), None, None),
        };
        Self { line, column, end_line, end_column, reason, label, found, help }
    }

    pub fn into_value(self) -> Value {
        serde_json::to_value(self).expect("numbers and texts are JSON")
    }

    /// None where `lines` has no such line: the error is about another document.
    pub fn finding(self, lines: &Lines<'_>) -> Option<Finding> {
        let start = lines.offset(self.line, self.column)?;
        let end = lines.offset(self.end_line, self.end_column)?;
        let finding = Finding::error("E301", Span::new(start, end), self.reason).label(self.label);
        let finding = self.found.into_iter().fold(finding, Finding::found);
        Some(self.help.into_iter().fold(finding, Finding::help))
    }
}

/// None unless the error is that of an expression of this document. `source.file` names the document as people know it:
/// `orders v3`.
pub fn diagnose(error: &StepError, source: &Source) -> Option<Diagnostic> {
    if error.kind != ErrorKind::Expression {
        return None;
    }
    let details = ExpressionDetails::deserialize(error.details.as_ref()?).ok()?;
    let lines = Lines::new(&source.text);
    let finding = details.finding(&lines)?;
    let tree = parse_tree(source).ok();
    let mut diagnostic = finding.into_diagnostic(&source.file, &lines, tree.as_ref());
    let (excerpt, excerpt_column) = excerpt(&lines, &diagnostic);
    diagnostic.at = Some(Box::new(RunPlace { run: None, step: error.step.clone(), excerpt, excerpt_column }));
    Some(diagnostic)
}

/// The line of the place, or the part of it around the place, and the column at which that part begins.
fn excerpt(lines: &Lines<'_>, diagnostic: &Diagnostic) -> (String, u32) {
    let start = diagnostic.range.start;
    let column = start.column.saturating_sub(u32::try_from(BEFORE_MAX).unwrap_or(u32::MAX)).max(1);
    let from = lines.offset(start.line, column).unwrap_or_default();
    let to = lines.offset(start.line, u32::MAX).unwrap_or(from);
    let line = lines.text(Span::new(from, to)).trim_end_matches('\r');
    (line.chars().take(EXCERPT_MAX).collect(), column)
}
