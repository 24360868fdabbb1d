//! Documents with loops inside a config: Handlebars, strict and bounded.
//!
//! The library trusts its templates: one that calls itself, or that is nested deeply, takes the process down. So a scan of
//! our own refuses what is not needed before the library sees the text, and helpers of our own count what rendering does.

mod helpers;
mod scan;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Output, RenderContext, RenderError, RenderErrorReason, Renderable, Template,
    TemplateErrorReason, html_escape, no_escape,
};
use serde_json::Value;

use self::helpers::Budget;

/// Bytes of a template.
const SOURCE_MAX: usize = 64 << 10;
/// Bytes of what it renders to.
const RENDERED_MAX: usize = 10 << 20;
/// How much work one rendering may be: about a tag each, or a few hundred nanoseconds.
const STEPS_MAX: u64 = 2_000_000;

/// One compiled template. It prints values with HTML's signs escaped; see [`DocumentTemplate::as_text`].
#[derive(Debug)]
pub struct DocumentTemplate {
    template: Template,
    /// What one pass through all of it costs, loops apart.
    steps: u64,
    escape: fn(&str) -> String,
}

/// Why a template cannot be used; `range` is in bytes of its source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DocumentTemplateError {
    pub message: String,
    pub range: Range<usize>,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("the document is larger than {} MiB", RENDERED_MAX >> 20)]
    TooLarge,
    #[error("the loops of the template go round too often")]
    TooMuchWork,
    /// A name without a value, or a helper that was given something else than it takes.
    #[error("line {line}, column {column} of the template: {message}")]
    Refused { message: String, line: usize, column: usize },
}

impl DocumentTemplate {
    pub fn compile(source: &str) -> Result<Self, DocumentTemplateError> {
        if source.len() > SOURCE_MAX {
            let message = format!("a template has at most {} KiB", SOURCE_MAX >> 10);
            return Err(DocumentTemplateError { message, range: 0..source.len() });
        }
        let steps = scan::scan(source)?;
        let template = Template::compile(source).map_err(|error| {
            let at = error.pos().map_or(0, |(line, column)| offset(source, line, column));
            let message = match error.reason() {
                TemplateErrorReason::InvalidSyntax(_) => "this is not a tag of Handlebars".to_owned(),
                reason => reason.to_string(),
            };
            let end = source[at..].chars().next().map_or(at, |first| at + first.len_utf8());
            DocumentTemplateError { message, range: at..end }
        })?;
        Ok(Self { template, steps, escape: html_escape })
    }

    /// The same for plain text: values are printed as they are.
    #[must_use]
    pub fn as_text(self) -> Self {
        Self { escape: no_escape, ..self }
    }

    pub fn render(&self, data: &Value) -> Result<String, DocumentError> {
        let budget = Arc::new(Budget::new(STEPS_MAX, self.steps));
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(self.escape);
        helpers::replace(&mut registry, &budget);
        let context = Context::from(data.clone());
        let mut out = Bounded(String::new());
        let mut rendering = RenderContext::new(None);
        match self.template.render(&registry, &context, &mut rendering, &mut out) {
            Ok(()) => Ok(out.0),
            Err(_) if budget.is_spent() => Err(DocumentError::TooMuchWork),
            Err(error) => Err(told(&error)),
        }
    }
}

fn told(error: &RenderError) -> DocumentError {
    let message = match error.reason() {
        RenderErrorReason::IOError(_) => return DocumentError::TooLarge,
        RenderErrorReason::MissingVariable(Some(name)) => format!("`{name}` does not exist"),
        RenderErrorReason::MissingVariable(None) => "a value does not exist".to_owned(),
        reason => reason.to_string(),
    };
    DocumentError::Refused { message, line: error.line_no.unwrap_or(1), column: error.column_no.unwrap_or(1) }
}

fn offset(source: &str, line: usize, column: usize) -> usize {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &source[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// A document that grows up to its limit.
struct Bounded(String);

impl Output for Bounded {
    fn write(&mut self, text: &str) -> Result<(), io::Error> {
        if self.0.len() + text.len() > RENDERED_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.push_str(text);
        Ok(())
    }
}
