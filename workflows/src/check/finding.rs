//! What the checker found, before places become lines and columns.

use crate::source::{Lines, Span};
use crate::tree::Node;
use crate::{Diagnostic, Edit, Fix, Found, Related, Severity};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    severity: Severity,
    code: &'static str,
    span: Span,
    /// The node that the path names, where it is not the one at the caret.
    about: Option<Span>,
    message: String,
    label: Option<String>,
    related: Vec<(Span, String)>,
    found: Option<Found>,
    help: Option<String>,
    fixes: Vec<FixAt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FixAt {
    title: String,
    safe: bool,
    edits: Vec<(Span, String)>,
}

impl Finding {
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        Self {
            severity,
            code,
            span,
            about: None,
            message,
            label: None,
            related: Vec::new(),
            found: None,
            help: None,
            fixes: Vec::new(),
        }
    }

    /// Stands beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn about(mut self, span: Span) -> Self {
        self.about = Some(span);
        self
    }

    pub fn related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push((span, message.into()));
        self
    }

    /// Keys that there are.
    pub fn found(mut self, found: Found) -> Self {
        self.found = Some(found);
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `safe`: the fix cannot change what the document means.
    pub fn fix(mut self, title: impl Into<String>, safe: bool, edits: Vec<(Span, String)>) -> Self {
        self.fixes.push(FixAt { title: title.into(), safe, edits });
        self
    }

    pub fn span(&self) -> Span {
        self.span
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// `tree` is missing when the document could not be parsed; then there is no path.
    pub fn into_diagnostic(mut self, file: &str, lines: &Lines<'_>, tree: Option<&Node>) -> Diagnostic {
        if let Some(tree) = tree {
            self.fixes.retain(|fix| fix.edits.iter().all(|(span, _)| !tree.has_block_scalar_at(*span)));
        }
        Diagnostic {
            file: file.to_owned(),
            severity: self.severity,
            code: self.code,
            message: self.message,
            path: tree.map(|tree| tree.pointer_to(self.about.unwrap_or(self.span))).unwrap_or_default(),
            range: lines.range(self.span),
            label: self.label,
            related: self
                .related
                .into_iter()
                .map(|(span, message)| Related { range: lines.range(span), message })
                .collect(),
            found: self.found,
            help: self.help,
            fixes: self
                .fixes
                .into_iter()
                .map(|fix| Fix {
                    title: fix.title,
                    safe: fix.safe,
                    edits: fix.edits.into_iter().map(|(span, text)| Edit { range: lines.range(span), text }).collect(),
                })
                .collect(),
            at: None,
        }
    }
}
