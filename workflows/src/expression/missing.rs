//! Names what is missing, and what is there instead.

use std::fmt::Write;
use std::ops::Range;

use minijinja::value::{Value, ValueKind};

use super::scan::Reference;
use super::spell::{is_name, spelled};
use crate::suggest::alike;
use crate::{Found, Missing};

/// Keys that a message lists before it gives up.
const KEYS_MAX: usize = 12;
/// Characters of a key that a message shows.
const KEY_MAX: usize = 64;
/// Keys that are compared with the one that was read.
const COMPARED_MAX: usize = 1_000;

/// What is missing: in one sentence, in parts, and the bytes of the reference that reads it.
pub(super) struct Explained {
    pub message: String,
    pub missing: Missing,
    pub range: Range<usize>,
}

/// The reference that has no value; `near` is where MiniJinja stumbled.
pub(super) fn explain(root: &Value, references: &[Reference], near: Option<&Range<usize>>) -> Option<Explained> {
    let mut found: Option<Explained> = None;
    for reference in references {
        let range = &reference.range;
        let Some(explained) = explain_one(root, reference) else { continue };
        if near.is_some_and(|near| range.start < near.end && near.start < range.end) {
            return Some(explained);
        }
        found.get_or_insert(explained);
    }
    found
}

fn explain_one(root: &Value, Reference { segments, range, forgiven }: &Reference) -> Option<Explained> {
    let mut here = root.clone();
    for (depth, segment) in segments.iter().enumerate() {
        let next = step(&here, segment);
        if !next.is_undefined() {
            here = next;
            continue;
        }
        let is_last = depth + 1 == segments.len();
        if *forgiven && is_last {
            return None;
        }
        let reason = format!("`{}` does not exist", spelled(&segments[..=depth]));
        let parent = spelled(&segments[..depth]);
        let (label, found) = match here.kind() {
            ValueKind::Map => (format!("no `{segment}` here"), Some(keys(&here))),
            ValueKind::Seq | ValueKind::Iterable => {
                (format!("`{parent}` is a list of {}", here.len().unwrap_or_default()), None)
            }
            ValueKind::None => (format!("`{parent}` is null"), None),
            other => (format!("`{parent}` is a {other}"), None),
        };
        let mut message = match &found {
            Some(found) => format!("{reason}; found: {found}"),
            None => format!("{reason}; {label}"),
        };
        let meant = meant(&here, segments, depth);
        let help = if here.is_none() && depth > 1 {
            Some(format!("where `{parent}` may be null, write `{} if {parent} else none`", spelled(segments)))
        } else if *forgiven {
            let whole = spelled(segments);
            let why = format!("`default` and `is defined` forgive only the last name of `{whole}`, not `{segment}`");
            write!(message, " ({why})").expect("a string takes everything");
            Some(meant.map_or_else(|| why.clone(), |meant| format!("`{meant}`; {why}")))
        } else {
            // Neither a root nor a part in the middle can be forgiven.
            let is_optional = found.is_some() && depth > 0 && is_last;
            let forgive = || format!("`{} | default(none)` if it may be missing", spelled(segments));
            match meant {
                Some(meant) if is_optional => Some(format!("`{meant}`, or {}", forgive())),
                Some(meant) => Some(format!("`{meant}`")),
                None => is_optional.then(forgive),
            }
        };
        return Some(Explained { message, missing: Missing { reason, label, found, help }, range: range.clone() });
    }
    None
}

/// The reference with the key that was probably meant.
fn meant(here: &Value, segments: &[String], depth: usize) -> Option<String> {
    if here.kind() != ValueKind::Map {
        return None;
    }
    let names: Vec<Value> = here.try_iter().into_iter().flatten().take(COMPARED_MAX).collect();
    let name = alike(&segments[depth], names.iter().filter_map(Value::as_str))?;
    let mut meant = segments.to_vec();
    name.clone_into(&mut meant[depth]);
    Some(spelled(&meant))
}

fn step(here: &Value, segment: &str) -> Value {
    let key = match (here.kind(), segment.parse::<u64>()) {
        (ValueKind::Seq | ValueKind::Iterable, Ok(index)) => Value::from(index),
        _ => Value::from(segment),
    };
    here.get_item(&key).unwrap_or(Value::UNDEFINED)
}

fn keys(map: &Value) -> Found {
    let keys: Vec<String> = map.try_iter().into_iter().flatten().take(KEYS_MAX).map(|key| shown(&key)).collect();
    let more = map.len().unwrap_or_default().saturating_sub(keys.len());
    Found { keys, more }
}

fn shown(key: &Value) -> String {
    let mut name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    if let Some((end, _)) = name.char_indices().nth(KEY_MAX) {
        name.truncate(end);
        name.push('…');
    }
    name
}

impl std::fmt::Display for Found {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.keys.is_empty() {
            return out.write_str("nothing, it is empty");
        }
        for (index, key) in self.keys.iter().enumerate() {
            out.write_str(if index == 0 { "" } else { ", " })?;
            if is_name(key) { out.write_str(key)? } else { write!(out, "{key:?}")? }
        }
        if self.more > 0 { write!(out, " and {} more", self.more) } else { Ok(()) }
    }
}
