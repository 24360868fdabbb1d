//! The tags of a template, looked at before the library sees them.
//!
//! Stricter than the language: where it would be open how the library reads a text, the text is refused.

use std::ops::Range;

use super::DocumentTemplateError;
use super::helpers::{BLOCKS, INLINE};
use crate::suggest::listed;

/// Blocks inside one another, each `else if` counting as one more.
const BLOCKS_MAX: usize = 16;
/// Parentheses inside one another.
const PARENTHESES_MAX: usize = 8;
/// Bytes of one tag.
const TAG_MAX: usize = 1_024;
/// What the grammar skips between words.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn refuse<T>(message: impl Into<String>, range: Range<usize>) -> Result<T, DocumentTemplateError> {
    Err(DocumentTemplateError { message: message.into(), range })
}

/// How many steps one pass through the template is.
pub(super) fn scan(text: &str) -> Result<u64, DocumentTemplateError> {
    let (mut at, mut steps) = (0, 1);
    let mut blocks: Vec<Block<'_>> = Vec::new();
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        let opening = open..open + 2;
        if text[..open].ends_with('\\') {
            return refuse(
                "a backslash before `{{` has a meaning of its own; write `&#92;` for it",
                open - 1..open + 2,
            );
        }
        if text[open..].starts_with("{{{{") {
            return refuse("blocks in four braces are not offered", open..open + 4);
        }
        if let Some(comment) = text[open..].strip_prefix("{{!") {
            let start = open + 3;
            let (end, from) = match comment.trim_start_matches(SPACE).strip_prefix("--") {
                Some(rest) => ("--}}", text.len() - rest.len()),
                None => ("}}", start),
            };
            let Some(length) = text[from..].find(end) else {
                return refuse(format!("this comment has no `{end}`"), open..start);
            };
            at = from + length + end.len();
            continue;
        }
        let Some(close) = text[open + 2..].find("}}").map(|found| open + 2 + found) else {
            return refuse("this `{{` has no `}}`", opening);
        };
        at = close + 2;
        let mut inner = open + 2..close;
        if text[inner.clone()].starts_with('{') && text[at..].starts_with('}') {
            inner.start += 1;
            at += 1;
        }
        if inner.len() > TAG_MAX {
            return refuse(format!("a tag has at most {TAG_MAX} bytes"), opening);
        }
        steps += 1 + u64::try_from(inner.len() / 8).expect("a tag is short");
        tag(&Tag { text, whole: open..at, inner }, &mut blocks)?;
    }
    match blocks.pop() {
        Some(block) => refuse(format!("`{{{{#{}}}}}` has no `{{{{/{0}}}}}`", block.name), block.opened),
        None => Ok(steps),
    }
}

struct Block<'t> {
    name: &'t str,
    opened: Range<usize>,
    /// `else if` and the like: each is a block in the former one.
    links: usize,
}

struct Tag<'t> {
    text: &'t str,
    whole: Range<usize>,
    /// Between the braces.
    inner: Range<usize>,
}

fn tag<'t>(tag: &Tag<'t>, blocks: &mut Vec<Block<'t>>) -> Result<(), DocumentTemplateError> {
    let inner = tag.text[tag.inner.clone()].trim_matches('~');
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(inner);
    let inner = inner.trim_matches(SPACE);
    let place = || tag.whole.clone();
    signs(inner, &tag.whole)?;
    let rest = |inner: &'t str| inner[1..].trim_start_matches(SPACE);
    match inner.bytes().next() {
        Some(b'>') => refuse("partials are not offered: a template is one text", place()),
        Some(b'*') => refuse("decorators are not offered", place()),
        Some(b'#') => {
            let call = rest(inner);
            if call.starts_with(['*', '>']) {
                return refuse("inline partials and decorators are not offered", place());
            }
            let name = word(call);
            helper(name, &BLOCKS, &tag.whole)?;
            blocks.push(Block { name, opened: place(), links: 1 });
            bounded(blocks, &tag.whole)
        }
        Some(b'/') => {
            let name = rest(inner);
            match blocks.pop() {
                Some(block) if block.name == name => Ok(()),
                Some(block) => refuse(format!("this ends `{name}`, and `{}` is open", block.name), place()),
                None => refuse(format!("`{name}` is not open here"), place()),
            }
        }
        Some(b'^') => otherwise(rest(inner), blocks, &tag.whole),
        // The library does not ask for a space behind it.
        _ if inner.starts_with("else") => otherwise(inner[4..].trim_start_matches(SPACE), blocks, &tag.whole),
        _ => {
            let inner = inner.strip_prefix('&').unwrap_or(inner).trim_start_matches(SPACE);
            call(inner, &tag.whole)
        }
    }
}

fn otherwise(then: &str, blocks: &mut [Block<'_>], place: &Range<usize>) -> Result<(), DocumentTemplateError> {
    let Some(block) = blocks.last_mut() else { return refuse("`else` stands in no block", place.clone()) };
    if then.is_empty() {
        return Ok(());
    }
    block.links += 1;
    helper(word(then), &BLOCKS, place)?;
    bounded(blocks, place)
}

fn bounded(blocks: &[Block<'_>], place: &Range<usize>) -> Result<(), DocumentTemplateError> {
    if blocks.iter().map(|block| block.links).sum::<usize>() > BLOCKS_MAX {
        return refuse(format!("blocks stand more than {BLOCKS_MAX} levels inside one another"), place.clone());
    }
    Ok(())
}

/// Quotes, brackets and parentheses are closed where the tag ends, so that it ends there for the library too.
fn signs(inner: &str, place: &Range<usize>) -> Result<(), DocumentTemplateError> {
    let (mut depth, mut rest) = (0_usize, inner);
    while let Some(at) = rest.find(['"', '\'', '[', ']', '(', ')', '{', '}']) {
        let sign = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match sign {
            b'"' | b'\'' => match end_of_text(rest, sign) {
                Some(end) => rest = &rest[end + 1..],
                None => return refuse("a quote is not closed in this tag", place.clone()),
            },
            b'[' => match rest.find(['"', '\'', '[', ']', '(', ')', '{', '}']) {
                Some(end) if rest.as_bytes()[end] == b']' => rest = &rest[end + 1..],
                _ => return refuse("between `[` and `]` stands a name without other signs", place.clone()),
            },
            b'(' => {
                depth += 1;
                if depth > PARENTHESES_MAX {
                    let message = format!("parentheses stand more than {PARENTHESES_MAX} levels inside one another");
                    return refuse(message, place.clone());
                }
                call(rest.trim_start_matches(SPACE), place)?;
            }
            b')' if depth > 0 => depth -= 1,
            _ => return refuse("a bracket or brace too many in this tag", place.clone()),
        }
    }
    if depth > 0 { refuse("a parenthesis is not closed in this tag", place.clone()) } else { Ok(()) }
}

fn end_of_text(rest: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    rest.bytes().position(|byte| {
        let is_end = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    })
}

/// A word with something behind it is a helper; alone it is a name of the data.
fn call(inner: &str, place: &Range<usize>) -> Result<(), DocumentTemplateError> {
    let name = word(inner);
    let behind = inner[name.len()..].trim_start_matches(SPACE);
    if name.is_empty() || behind.is_empty() || behind.starts_with([')', '}', '~', '[', '.', '/']) {
        return Ok(());
    }
    helper(name, &INLINE, place)
}

fn helper(name: &str, known: &[&str], place: &Range<usize>) -> Result<(), DocumentTemplateError> {
    if known.contains(&name) {
        return Ok(());
    }
    refuse(format!("there is no helper `{name}` here; there are {}", listed(known.iter().copied())), place.clone())
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| SPACE.contains(&letter) || "()[]\"'|~=}".contains(letter));
    &text[..end.unwrap_or(text.len())]
}
