//! Reading the fields of a test file; what is wrong is collected, not thrown.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::code;
use crate::check::Finding;
use crate::parse_duration;
use crate::source::Span;
use crate::suggest::{closest, listed};
use crate::tree::{Entry, Kind, Node};

/// No run is that old.
const DURATION_MAX: Duration = Duration::from_hours(3_660 * 24);

#[derive(Debug, Default)]
pub(super) struct Reader {
    pub findings: Vec<Finding>,
}

/// A text of the file and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub text: String,
    pub span: Span,
}

impl Reader {
    pub fn refuse(&mut self, span: Span, message: impl Into<String>, label: impl Into<String>) {
        self.findings.push(Finding::error(code::SHAPE, span, message).label(label));
    }

    fn wrong_kind(&mut self, node: &Node, place: &str, wanted: &str) {
        self.refuse(node.span, format!("{place} is {wanted}"), format!("this is {}", node.what()));
    }

    /// The entries of a map whose keys are names of the author's.
    pub fn entries<'t>(&mut self, node: &'t Node, place: &str) -> &'t [Entry] {
        match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => &[],
            _ => {
                self.wrong_kind(node, place, "a map");
                &[]
            }
        }
    }

    /// The entries of a map that has these fields and no others; `x-…` is free.
    pub fn fields<'t>(&mut self, node: &'t Node, place: &str, known: &[&str]) -> &'t [Entry] {
        let entries = self.entries(node, place);
        for entry in entries {
            if known.contains(&entry.key.as_str()) || entry.key.starts_with("x-") {
                continue;
            }
            let finding =
                Finding::error(code::SHAPE, entry.key_span, format!("unknown field `{}` in {place}", entry.key));
            self.findings.push(match closest(&entry.key, known.iter().copied()) {
                Some(meant) => finding.label(format!("did you mean `{meant}`?")),
                None => {
                    finding.label("nothing reads this").help(format!("known here: {}", listed(known.iter().copied())))
                }
            });
        }
        entries
    }

    pub fn list<'t>(&mut self, node: &'t Node, place: &str) -> &'t [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Null => &[],
            _ => {
                self.wrong_kind(node, place, "a list");
                &[]
            }
        }
    }

    pub fn text(&mut self, node: &Node, place: &str) -> Option<String> {
        let text = node.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_kind(node, place, "a text");
        }
        text
    }

    pub fn names(&mut self, node: &Node, place: &str) -> Vec<Named> {
        let items = self.list(node, place);
        items
            .iter()
            .filter_map(|item| Some(Named { text: self.text(item, "a path in this list")?, span: item.span }))
            .collect()
    }

    pub fn boolean(&mut self, node: &Node, place: &str) -> Option<bool> {
        if let Kind::Bool(value) = node.kind {
            return Some(value);
        }
        self.wrong_kind(node, place, "true or false");
        None
    }

    pub fn count(&mut self, node: &Node, place: &str) -> Option<u64> {
        let count = match &node.kind {
            Kind::Number(number) => number.as_u64(),
            _ => None,
        };
        if count.is_none() {
            self.wrong_kind(node, place, "a whole number");
        }
        count
    }

    /// One of these words.
    pub fn word<'w>(&mut self, node: &Node, place: &str, words: &[&'w str]) -> Option<&'w str> {
        let found = node.as_str().and_then(|text| words.iter().find(|word| **word == text));
        if found.is_none() {
            let label = match node.as_str().and_then(|text| closest(text, words.iter().copied())) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("one of {}", listed(words.iter().copied())),
            };
            self.refuse(node.span, format!("this is no {place}"), label);
        }
        found.copied()
    }

    pub fn duration(&mut self, node: &Node, place: &str) -> Option<Duration> {
        let text = self.text(node, place)?;
        if parse_duration(&text).is_ok_and(|duration| duration > DURATION_MAX) {
            self.refuse(node.span, format!("{place} is too long"), "at most 3660 days");
            return None;
        }
        parse_duration(&text)
            .map_err(|error| {
                let help = "a duration is written \"30s\", \"2h\", \"1d\" or as a sum such as \"1h30m\"";
                let message = format!("{place} is not a duration");
                self.findings.push(Finding::error(code::SHAPE, node.span, message).label(error.to_string()).help(help));
            })
            .ok()
    }

    pub fn instant(&mut self, node: &Node, place: &str) -> Option<DateTime<Utc>> {
        let text = self.text(node, place)?;
        let instant = DateTime::parse_from_rfc3339(&text).ok().map(|instant| instant.to_utc());
        if instant.is_none() {
            self.refuse(node.span, format!("{place} is not an instant"), "write it as 2026-03-01T18:00:00+02:00");
        }
        instant
    }

    /// A map from names to values of any kind.
    pub fn values(&mut self, node: &Node, place: &str) -> serde_json::Map<String, Value> {
        self.entries(node, place).iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect()
    }
}
