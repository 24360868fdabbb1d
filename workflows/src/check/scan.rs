//! The tokens of an expression: enough to see calls, comparisons and where a template ends.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword.
    Name(&'a str),
    Number(&'a str),
    /// With its quotes.
    Text(&'a str),
    Operator(&'a str),
}

/// Anything is an operator that is nothing else, so no source is refused here.
pub(super) fn tokens(source: &str) -> Vec<(Token<'_>, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = source[at..].chars().next() {
        let rest = &source[at..];
        let len = if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        } else if letter == '"' || letter == '\'' {
            quoted_len(rest)
        } else if letter.is_ascii_digit() {
            number_len(rest)
        } else if letter.is_alphabetic() || letter == '_' {
            rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len())
        } else if ["==", "!=", "<=", ">=", "//", "**"].iter().any(|pair| rest.starts_with(pair)) {
            2
        } else {
            letter.len_utf8()
        };
        let text = &rest[..len];
        let token = match letter {
            '"' | '\'' => Token::Text(text),
            _ if letter.is_ascii_digit() => Token::Number(text),
            _ if letter.is_alphabetic() || letter == '_' => Token::Name(text),
            _ => Token::Operator(text),
        };
        found.push((token, at..at + len));
        at += len;
    }
    found
}

fn number_len(rest: &str) -> usize {
    let whole = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    match rest[whole..].strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|next: char| next.is_ascii_digit()) => {
            whole + 1 + fraction.find(|next: char| !next.is_ascii_digit()).unwrap_or(fraction.len())
        }
        _ => whole,
    }
}

/// Of the string literal that starts here, quotes included; up to the end when it is not closed.
fn quoted_len(rest: &str) -> usize {
    let quote = rest.as_bytes()[0];
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A piece of a string value, in bytes of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Range<usize>),
    /// Without the braces and without white space around.
    Hole(Range<usize>),
    /// `{{` without an end.
    Open(Range<usize>),
}

/// Splits a value into text and holes. Braces inside string literals and maps do not end a hole.
pub(super) fn pieces(value: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = value[at..].find("{{").map(|open| at + open) {
        if open > at {
            pieces.push(Piece::Text(at..open));
        }
        let Some(close) = hole_end(value, open + 2) else {
            pieces.push(Piece::Open(open..value.len()));
            return pieces;
        };
        let inner = &value[open + 2..close];
        let start = open + 2 + (inner.len() - inner.trim_start().len());
        pieces.push(Piece::Hole(start..(start + inner.trim().len()).max(start)));
        at = close + 2;
    }
    if at < value.len() {
        pieces.push(Piece::Text(at..value.len()));
    }
    pieces
}

fn hole_end(value: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    let bytes = value.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => {
                at += quoted_len(&value[at..]);
                continue;
            }
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_ends_where_its_expression_ends() {
        assert_eq!(pieces("a {{ b }} c"), [Piece::Text(0..2), Piece::Hole(5..6), Piece::Text(9..11)]);
        assert_eq!(pieces("{{ '}}' }}"), [Piece::Hole(3..7)]);
        assert_eq!(pieces("{{ {'a': {'b': 1}} }}"), [Piece::Hole(3..18)]);
        assert_eq!(pieces("x {{ a"), [Piece::Text(0..2), Piece::Open(2..6)]);
        assert_eq!(pieces("{{}}"), [Piece::Hole(2..2)]);
    }

    #[test]
    fn tokens_keep_strings_whole() {
        let found: Vec<Token<'_>> = tokens("a.b >= 'c d' ~ 1.5").into_iter().map(|(token, _)| token).collect();
        let expected = [
            Token::Name("a"),
            Token::Operator("."),
            Token::Name("b"),
            Token::Operator(">="),
            Token::Text("'c d'"),
            Token::Operator("~"),
            Token::Number("1.5"),
        ];
        assert_eq!(found, expected);
    }
}
