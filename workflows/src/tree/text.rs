//! Strings, and which byte of the source each byte of their value came from.

use super::Node;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub value: String,
    pub quoting: Quoting,
}

/// How the string stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    Json,
    YamlDouble,
    YamlSingle,
    YamlPlain,
    /// `|` and `>`.
    YamlBlock,
}

/// Source offsets by bytes of the value. Built only where a caret inside a string is wanted.
pub(crate) struct Places {
    offsets: Vec<usize>,
}

impl Places {
    pub fn of(node: &Node, source: &str) -> Self {
        let Some(text) = node.as_text() else { return Self { offsets: vec![node.span.start] } };
        let end = node.span.end.min(source.len());
        let mut at = node.span.start;
        match text.quoting {
            Quoting::Json | Quoting::YamlDouble | Quoting::YamlSingle => at += 1,
            Quoting::YamlPlain => {}
            Quoting::YamlBlock => {
                // The header (`|-`) is part of the node in some parsers' spans; content starts on the next line.
                if source[at..].starts_with(['|', '>']) {
                    at += source[at..end].find('\n').map_or(0, |line| line + 1);
                }
            }
        }
        let mut offsets = Vec::with_capacity(text.value.len() + 1);
        for wanted in text.value.chars() {
            let (start, next) = locate(source, at, end, wanted, text.quoting);
            offsets.extend(std::iter::repeat_n(start, wanted.len_utf8()));
            at = next;
        }
        offsets.push(at.min(end));
        Self { offsets }
    }

    pub fn offset(&self, byte_of_value: usize) -> usize {
        let last = self.offsets.len() - 1;
        self.offsets[byte_of_value.min(last)]
    }
}

/// Where the value's next character stands at or after `at`, and where the search goes on.
fn locate(source: &str, mut at: usize, end: usize, wanted: char, quoting: Quoting) -> (usize, usize) {
    loop {
        let rest = source.get(at..end).unwrap_or_default();
        let Some(found) = rest.chars().next() else { return (at, at) };
        let is_escape = found == '\\' && matches!(quoting, Quoting::Json | Quoting::YamlDouble);
        if is_escape && rest[1..].starts_with(['\n', '\r']) {
            // An escaped line break produces nothing: the character stands behind it and the next line's indentation.
            at += rest.len() - rest[1..].trim_start().len();
        } else if is_escape {
            return (at, at + escape_len(rest));
        } else if quoting == Quoting::YamlSingle && rest.starts_with("''") {
            return (at, at + 2);
        } else if found == wanted {
            return (at, at + found.len_utf8());
        } else if found.is_whitespace() {
            // Folded or indented lines: white space of the source that is not in the value, or less of it.
            let skipped = rest.len() - rest.trim_start().len();
            if wanted.is_whitespace() {
                return (at, at + skipped);
            }
            at += skipped;
        } else {
            return (at, at);
        }
    }
}

fn escape_len(rest: &str) -> usize {
    let hex_digits = match rest.as_bytes().get(1) {
        Some(b'u') => 4,
        Some(b'x') => 2,
        Some(b'U') => 8,
        Some(_) => 0,
        None => return 1,
    };
    let single = |len: usize| rest.char_indices().nth(len).map_or(rest.len(), |(at, _)| at);
    let len = single(2 + hex_digits);
    // A pair of surrogates is one character.
    let is_high = hex_digits == 4
        && rest
            .get(2..6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .is_some_and(|code| (0xD800..0xDC00).contains(&code));
    if is_high && rest[len..].starts_with("\\u") { single(12) } else { len }
}
