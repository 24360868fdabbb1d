//! Names of the replaced system: bare first names, `webhook`, `workflowId`.

use std::ops::Range;

use super::{Facts, Finding};
use crate::source::Span;

/// A first name in an expression, and what to read instead.
pub(super) struct Rename {
    pub range: Range<usize>,
    pub to: String,
}

/// Where the replaced system would have found `name`: an input, a variable, or the request's body.
pub(super) fn resolve(name: &str, facts: &Facts<'_>) -> String {
    match name {
        "webhook" => "trigger.body".to_owned(),
        "workflowId" => "workflow.id".to_owned(),
        _ if facts.inputs.contains_key(name) => format!("inputs.{name}"),
        _ if facts.variables.iter().flatten().any(|variable| variable == name) => format!("variables.{name}"),
        _ => format!("trigger.body.{name}"),
    }
}

pub(super) fn warning(name: &str, resolved: &str, span: Span) -> Finding {
    Finding::warning("W201", span, format!("`{name}` is read as `{resolved}`"))
        .label("an old way to write it")
        .help("write the full name: with `\"version\": 1` in the document the short one is an error")
        .fix(format!("Write `{resolved}`"), true, vec![(span, resolved.to_owned())])
}

/// A source with every rename done.
pub(super) struct Renamed {
    pub text: String,
    /// Bytes of `text` at which what the author wrote begins or goes on, and its bytes in the source.
    pub kept: Vec<(usize, Range<usize>)>,
}

impl Renamed {
    /// Where the author wrote what stands at this byte of `text`; None inside of what was put in.
    pub fn original(&self, at: usize) -> Option<usize> {
        let (start, range) = self.kept.iter().rev().find(|(start, _)| *start <= at)?;
        let original = range.start + (at - start);
        (original <= range.end).then_some(original)
    }

    fn keep(&mut self, source: &str, range: Range<usize>) {
        self.kept.push((self.text.len(), range.clone()));
        self.text.push_str(&source[range]);
    }
}

pub(super) fn rename(source: &str, renames: &[Rename]) -> Renamed {
    let mut sorted: Vec<&Rename> = renames.iter().collect();
    sorted.sort_by_key(|rename| rename.range.start);
    let mut done = Renamed { text: String::with_capacity(source.len() + renames.len() * 16), kept: Vec::new() };
    let mut at = 0;
    for rename in sorted {
        if rename.range.start < at {
            continue;
        }
        done.keep(source, at..rename.range.start);
        done.text.push_str(&rename.to);
        at = rename.range.end;
    }
    done.keep(source, at..source.len());
    done
}
