//! Literal values of the right kind and size.

use std::time::Duration;

use serde_json::{Number, Value};

use super::{Finding, Report};
use crate::duration::{ParseDurationError, parse_duration};
use crate::tree::{Kind, Node};

/// Nothing in a document may take longer than this.
pub(crate) const DURATION_MAX: Duration = Duration::from_hours(366 * 24);

pub(super) fn wrong_kind(field: &str, node: &Node, expected: &str) -> Finding {
    Finding::error("E105", node.span, format!("`{field}` must be {expected}")).label(format!("this is {}", node.what()))
}

pub(super) fn text<'n>(field: &str, node: &'n Node, report: &mut Report) -> Option<&'n str> {
    let text = node.as_str();
    if text.is_none() {
        let finding = wrong_kind(field, node, "a string");
        report.add(match node.kind {
            Kind::Number(_) | Kind::Bool(_) => finding.help("put it in quotes"),
            _ => finding,
        });
    }
    text
}

/// Text of at most `max` characters.
pub(super) fn short_text<'n>(field: &str, node: &'n Node, max: usize, report: &mut Report) -> Option<&'n str> {
    let text = text(field, node, report)?;
    let length = text.chars().count();
    if length > max {
        report.add(
            Finding::error("E115", node.span, format!("`{field}` is longer than {max} characters"))
                .label(format!("it has {length}")),
        );
        return None;
    }
    Some(text)
}

pub(super) fn boolean(field: &str, node: &Node, report: &mut Report) -> Option<bool> {
    if let Kind::Bool(value) = node.kind {
        return Some(value);
    }
    let finding = wrong_kind(field, node, "true or false");
    report.add(match node.as_str() {
        Some(word @ ("yes" | "on" | "no" | "off" | "true" | "false")) => {
            let meant = if matches!(word, "yes" | "on" | "true") { "true" } else { "false" };
            finding.fix(format!("Write `{meant}`"), false, vec![(node.span, meant.to_owned())])
        }
        _ => finding,
    });
    None
}

pub(super) fn list<'n>(field: &str, node: &'n Node, report: &mut Report) -> Option<&'n [Node]> {
    let list = node.as_list();
    if list.is_none() {
        report.add(wrong_kind(field, node, "a list"));
    }
    list
}

/// A whole number from 0 to `max`.
pub(super) fn count(field: &str, node: &Node, max: u32, report: &mut Report) -> Option<u32> {
    let Kind::Number(number) = &node.kind else {
        report.add(wrong_kind(field, node, &format!("a whole number from 0 to {max}")));
        return None;
    };
    let value = number.as_u64().and_then(|value| u32::try_from(value).ok()).filter(|value| *value <= max);
    if value.is_none() {
        report.add(
            Finding::error("E105", node.span, format!("`{field}` must be a whole number from 0 to {max}"))
                .label(format!("{number} is not")),
        );
    }
    value
}

/// Text with a unit, or a number of milliseconds; at most [`DURATION_MAX`].
pub(super) fn duration(field: &str, node: &Node, report: &mut Report) -> Option<Duration> {
    let duration = match &node.kind {
        Kind::Number(number) => millis(field, node, number, report)?,
        Kind::Text(text) => match parse_duration(&text.value) {
            Ok(duration) => duration,
            Err(error) => {
                report.add(not_a_duration(node, &text.value, error));
                return None;
            }
        },
        _ => {
            report.add(wrong_kind(field, node, "a duration").help(DURATION_HELP));
            return None;
        }
    };
    if duration > DURATION_MAX {
        report.add(
            Finding::error("E115", node.span, format!("`{field}` is longer than 366 days"))
                .label("nothing may take longer"),
        );
        return None;
    }
    Some(duration)
}

const DURATION_HELP: &str =
    "use \"500ms\", \"30s\", \"5m\", \"24h\", \"7d\" or a sum such as \"1h30m\"; a bare number means milliseconds";

fn millis(field: &str, node: &Node, number: &Number, report: &mut Report) -> Option<Duration> {
    let millis = number.as_u64();
    if millis.is_none() {
        report.add(
            Finding::error("E110", node.span, format!("`{field}` must be a whole number of milliseconds"))
                .label(format!("{number} is not"))
                .help(DURATION_HELP),
        );
    }
    millis.map(Duration::from_millis)
}

fn not_a_duration(node: &Node, text: &str, error: ParseDurationError) -> Finding {
    let shown = Value::String(text.to_owned());
    let finding = Finding::error("E110", node.span, format!("{shown} is not a duration"))
        .label(error.to_string())
        .help(DURATION_HELP);
    let number = text.trim();
    if error == ParseDurationError::NoUnit && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return finding.fix(format!("Write `\"{number}s\"`"), false, vec![(node.span, format!("\"{number}s\""))]).fix(
            format!("Write `{number}` (milliseconds)"),
            false,
            vec![(node.span, number.to_owned())],
        );
    }
    finding
}

/// One of a few words.
pub(super) fn word<'w>(field: &str, node: &Node, words: &[&'w str], report: &mut Report) -> Option<&'w str> {
    let text = text(field, node, report)?;
    let found = words.iter().find(|word| **word == text).copied();
    if found.is_none() {
        report.add(unknown_word(field, node, text, words));
    }
    found
}

pub(super) fn unknown_word(field: &str, node: &Node, text: &str, words: &[&str]) -> Finding {
    let finding = Finding::error("E105", node.span, format!("`{field}` cannot be {}", Value::String(text.to_owned())));
    match crate::suggest::closest(text, words.iter().copied()) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(node.span, format!("\"{meant}\""))],
        ),
        None => finding.label(format!("allowed: {}", crate::suggest::listed(words.iter().copied()))),
    }
}
