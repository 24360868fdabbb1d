//! Names what is missing, and what is there instead.

use std::fmt::Write;
use std::ops::Range;

use minijinja::value::{Value, ValueKind};

use super::scan::Reference;

/// Keys that a message lists before it gives up.
const KEYS_MAX: usize = 12;

/// The reference that has no value, with the bytes it takes; `near` is where MiniJinja stumbled.
pub(super) fn explain(
    root: &Value,
    references: &[Reference],
    near: Option<&Range<usize>>,
) -> Option<(String, Range<usize>)> {
    let mut found: Option<(String, Range<usize>)> = None;
    for reference in references {
        let range = &reference.range;
        let Some(message) = explain_one(root, &reference.segments, reference.forgiven) else { continue };
        if near.is_some_and(|near| range.start < near.end && near.start < range.end) {
            return Some((message, range.clone()));
        }
        found.get_or_insert((message, range.clone()));
    }
    found
}

fn explain_one(root: &Value, segments: &[String], forgiven: bool) -> Option<String> {
    let mut here = root.clone();
    for (depth, segment) in segments.iter().enumerate() {
        let next = step(&here, segment);
        if !next.is_undefined() {
            here = next;
            continue;
        }
        let is_last = depth + 1 == segments.len();
        if forgiven && is_last {
            return None;
        }
        let mut message = format!("`{}` does not exist", spelled(&segments[..=depth]));
        let parent = spelled(&segments[..depth]);
        match here.kind() {
            ValueKind::Map => write!(message, "; found: {}", keys(&here)),
            ValueKind::Seq | ValueKind::Iterable => {
                write!(message, "; `{parent}` is a list of {}", here.len().unwrap_or_default())
            }
            ValueKind::None => write!(message, "; `{parent}` is null"),
            other => write!(message, "; `{parent}` is a {other}"),
        }
        .ok()?;
        if forgiven {
            let (whole, last) = (spelled(segments), &segments[depth]);
            write!(message, " (`default` and `is defined` forgive only the last name of `{whole}`, not `{last}`)")
                .ok()?;
        }
        return Some(message);
    }
    None
}

fn step(here: &Value, segment: &str) -> Value {
    let key = match (here.kind(), segment.parse::<u64>()) {
        (ValueKind::Seq | ValueKind::Iterable, Ok(index)) => Value::from(index),
        _ => Value::from(segment),
    };
    here.get_item(&key).unwrap_or(Value::UNDEFINED)
}

fn keys(map: &Value) -> String {
    let mut names: Vec<String> =
        map.try_iter().into_iter().flatten().take(KEYS_MAX + 1).map(|key| quoted(&key)).collect();
    if names.is_empty() {
        return "nothing, it is empty".to_owned();
    }
    if names.len() > KEYS_MAX {
        names.truncate(KEYS_MAX);
        let more = map.len().unwrap_or_default().saturating_sub(KEYS_MAX);
        return format!("{} and {more} more", names.join(", "));
    }
    names.join(", ")
}

fn quoted(key: &Value) -> String {
    match key.as_str() {
        Some(name) if is_name(name) => name.to_owned(),
        Some(name) => format!("{name:?}"),
        None => key.to_string(),
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// Segments as an author would write them.
fn spelled(segments: &[String]) -> String {
    let mut text = String::new();
    for (index, segment) in segments.iter().enumerate() {
        if index == 0 {
            text.push_str(segment);
        } else if is_name(segment) {
            text.push('.');
            text.push_str(segment);
        } else if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            write!(text, "[{segment}]").expect("a string takes everything");
        } else {
            write!(text, "['{segment}']").expect("a string takes everything");
        }
    }
    text
}
