//! The expression language: MiniJinja expressions, strict, pure and bounded.

mod convert;
mod data;
mod language;
mod missing;
mod multiply;
mod order;
mod place;
mod scan;
mod scope;
mod spell;
mod text;
mod time;

use std::ops::Range;

use minijinja::value::ValueKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::convert::from_json;
use self::convert::{NoJson, RESULT_MAX, to_json};
use self::language::LANGUAGE;
use self::missing::Explained;
use self::multiply::Insertion;
pub(crate) use self::place::Place;
pub use self::scope::Scope;

/// Bytes of one source.
pub(crate) const SOURCE_MAX: usize = 4_096;

/// One compiled expression and where it stands in its document.
pub struct Expression {
    source: String,
    place: Place,
    compiled: minijinja::Expression<'static, 'static>,
    insertions: Vec<Insertion>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.place.position(&self.source, 0);
        write!(out, "Expression({:?} at {line}:{column})", self.source)
    }
}

/// Why a source is not an expression; `range` is in bytes of the source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub message: String,
    pub range: Range<usize>,
}

/// Why an expression has no value. `message` is for people and lists the keys that exist where one is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    pub message: String,
    pub source_text: String,
    /// Of the document, one-based, in characters; the end is that of the first character behind.
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    /// A property that the expression reads is not there.
    pub missing: Option<Box<Missing>>,
}

/// A property that is not there, told in parts; `EvaluationError::message` has them in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// "`order.fields.Phone` does not exist"
    pub reason: String,
    /// "no `Phone` here"
    pub label: String,
    /// Where the value that was asked has keys.
    pub found: Option<Found>,
    /// What to write instead.
    pub help: Option<String>,
}

/// The first keys of a map, long ones cut, and how many there are besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub keys: Vec<String>,
    #[serde(default)]
    pub more: usize,
}

impl Expression {
    /// Compiles `source`, which starts at `line:column` of its document.
    pub fn compile(source: &str, line: u32, column: u32) -> Result<Self, ExpressionError> {
        Self::compile_at(source, Place::at(line, column))
    }

    pub(crate) fn compile_at(source: &str, place: Place) -> Result<Self, ExpressionError> {
        let refuse = |message: String, range: Range<usize>| Err(ExpressionError { message, range });
        if source.len() > SOURCE_MAX {
            return refuse(format!("an expression has at most {SOURCE_MAX} bytes"), 0..source.len());
        }
        if source.trim().is_empty() {
            return refuse("an expression is missing here".to_owned(), 0..source.len());
        }
        let tokens = scan::tokens(source)?;
        scan::refuse_assignment(&tokens)?;
        let roles = scan::roles(&tokens);
        language::check_words(&tokens, &roles)?;
        let mut insertions = multiply::insertions(&tokens, &roles)?;
        insertions.extend(order::insertions(source, &tokens, &roles));
        insertions.sort_by_key(|insertion| insertion.at);
        let guarded = multiply::guarded(source, &insertions);
        match LANGUAGE.compile_expression_owned(guarded) {
            Ok(compiled) => Ok(Self { source: source.to_owned(), place, compiled, insertions }),
            Err(error) => {
                let range = error.range().unwrap_or(0..source.len());
                let start = multiply::original(range.start, &insertions).min(source.len());
                let end = multiply::original(range.end, &insertions).clamp(start, source.len());
                refuse(told(&error), start..end)
            }
        }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Every name the expression reads, as dotted segments: `["steps", "fetch", "output", "id"]`, with the byte range of
    /// the whole reference in the source.
    pub fn references(&self) -> Vec<(Vec<String>, Range<usize>)> {
        self.scanned().into_iter().map(|reference| (reference.segments, reference.range)).collect()
    }

    fn scanned(&self) -> Vec<scan::Reference> {
        let tokens = scan::tokens(&self.source).expect("the source was compiled");
        scan::references(&tokens, &scan::roles(&tokens))
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvaluationError> {
        self.evaluate_sized(scope).map(|(value, _)| value)
    }

    /// The value and about how many bytes its JSON takes.
    pub(crate) fn evaluate_sized(&self, scope: &Scope) -> Result<(Value, usize), EvaluationError> {
        let value = self.run(scope)?;
        to_json(&value, RESULT_MAX).map_err(|reason| match reason {
            NoJson::Missing => self.missing(scope, None),
            NoJson::TooLarge => self.error("the result is larger than 1 MiB"),
            NoJson::TooDeep => self.error("the result is nested too deeply"),
            NoJson::Other(message) => self.error(message),
        })
    }

    /// A condition takes booleans only; the error names the comparison to write.
    pub fn test(&self, scope: &Scope) -> Result<bool, EvaluationError> {
        let value = self.run(scope)?;
        let comparison = match value.kind() {
            ValueKind::Bool => return Ok(value.is_true()),
            ValueKind::Undefined => return Err(self.missing(scope, None)),
            ValueKind::String => "!= ''",
            ValueKind::Number => "!= 0",
            ValueKind::None => "!= null",
            _ => "| length > 0",
        };
        let what = match value.kind() {
            ValueKind::String => "text",
            ValueKind::Number => "a number",
            ValueKind::None => "null",
            ValueKind::Map => "a map",
            _ => "a list",
        };
        let source = self.source.trim();
        Err(self.error(format!(
            "a condition is true or false, and `{source}` is {what}; write a comparison such as `{source} {comparison}`"
        )))
    }

    fn run(&self, scope: &Scope) -> Result<minijinja::Value, EvaluationError> {
        self.compiled.eval(scope.root()).map_err(|error| {
            let near = error.range().map(|range| {
                multiply::original(range.start, &self.insertions)..multiply::original(range.end, &self.insertions)
            });
            // Arithmetic reports a missing operand as one of a wrong type.
            let undefined = error.detail().is_some_and(|detail| detail.contains("undefined"));
            if undefined || error.kind() == minijinja::ErrorKind::UndefinedError {
                return self.missing(scope, near.as_ref());
            }
            self.error_at(told(&error), near.unwrap_or_else(|| self.whole()))
        })
    }

    /// Somewhere a value is missing: finds out which.
    fn missing(&self, scope: &Scope, near: Option<&Range<usize>>) -> EvaluationError {
        let explained = missing::explain(&scope.root(), &self.scanned(), near);
        let Explained { message, missing, range } = explained.unwrap_or_else(|| {
            let message = "a value is missing here; give it a `default(…)` or an `else`".to_owned();
            let (reason, label) = (message.clone(), "no value here".to_owned());
            let range = near.cloned().unwrap_or_else(|| self.whole());
            Explained { message, missing: Missing { reason, label, found: None, help: None }, range }
        });
        EvaluationError { missing: Some(Box::new(missing)), ..self.error_at(message, range) }
    }

    /// About the expression as a whole.
    pub(crate) fn error(&self, message: impl Into<String>) -> EvaluationError {
        self.error_at(message, self.whole())
    }

    fn error_at(&self, message: impl Into<String>, range: Range<usize>) -> EvaluationError {
        let (line, column) = self.place.position(&self.source, range.start);
        let (end_line, end_column) = self.place.position(&self.source, range.end.min(self.source.len()));
        let (message, source_text) = (message.into(), self.source.clone());
        EvaluationError { message, source_text, line, column, end_line, end_column, missing: None }
    }

    fn whole(&self) -> Range<usize> {
        let start = self.source.len() - self.source.trim_start().len();
        start..self.source.trim_end().len()
    }
}

/// MiniJinja's errors in our words.
fn told(error: &minijinja::Error) -> String {
    use minijinja::ErrorKind;
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the expression does too much work and was stopped".to_owned(),
        (ErrorKind::UndefinedError, _) => "a value is missing here".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}
