//! Keeps `<` and its like to things that have an order.
//!
//! MiniJinja orders values of different types by their types, so that the text "50" is more than 1000. Where both sides are
//! plain, the left one is led through a filter that sees the right one too. It runs only when the comparison does.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::multiply::Insertion;
use super::scan::{Kind, Role, Token};

/// Named so that no author can write it: the scanner refuses this name in a source.
pub(super) const FILTER: &str = "__ordered";

const SIGNS: [&str; 4] = ["<", "<=", ">", ">="];

pub(super) fn ordered(left: Value, right: &Value) -> Result<Value, Error> {
    // What is missing is told elsewhere, and null is below everything: `error.status >= 500` is asked of errors without one.
    let is_nothing = |value: &Value| value.is_undefined() || value.is_none();
    let has_order = matches!(
        (left.kind(), right.kind()),
        (ValueKind::Number, ValueKind::Number) | (ValueKind::String, ValueKind::String)
    );
    if has_order || is_nothing(&left) || is_nothing(right) {
        return Ok(left);
    }
    let what = |value: &Value| match value.kind() {
        ValueKind::String => "a text",
        ValueKind::Number => "a number",
        ValueKind::Bool => "a boolean",
        ValueKind::Map => "a map",
        _ => "a list",
    };
    let (one, other) = (what(&left), what(right));
    let message = format!(
        "{one} and {other} have no order; compare numbers with numbers: `| int` and `| float` make them of text"
    );
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// What has to be inserted so that every plain comparison passes the filter.
pub(super) fn insertions(source: &str, tokens: &[Token<'_>], roles: &[Role]) -> Vec<Insertion> {
    let mut insertions = Vec::new();
    for (index, sign) in tokens.iter().enumerate() {
        if !SIGNS.iter().any(|known| sign.is(known)) || !is_plain_before(tokens, roles, index) {
            continue;
        }
        if let Some(last) = end_of_plain(tokens, roles, index + 1) {
            let right = &source[tokens[index + 1].start..tokens[last].end()];
            insertions.push(Insertion { at: sign.start, text: format!("|{FILTER}({right}) ").into() });
        }
    }
    insertions
}

/// Where a side of a comparison ends, or the other one begins.
fn is_boundary(token: &Token<'_>, role: Role) -> bool {
    matches!(token.text, "," | ":" | "=" if token.kind == Kind::Sign)
        || (role == Role::Keyword && matches!(token.text, "and" | "or" | "not" | "if" | "else"))
}

/// Not made of several by an operator: a filter behind it takes all of it.
fn is_operator(token: &Token<'_>, role: Role) -> bool {
    let is_sign = token.kind == Kind::Sign
        && matches!(
            token.text,
            "*" | "**" | "/" | "//" | "%" | "+" | "-" | "~" | "==" | "!=" | "<" | "<=" | ">" | ">="
        );
    is_sign || (role == Role::Keyword && matches!(token.text, "in" | "is"))
}

fn is_plain_before(tokens: &[Token<'_>], roles: &[Role], sign: usize) -> bool {
    let mut depth = 0_usize;
    for index in (0..sign).rev() {
        let token = &tokens[index];
        match token.text {
            _ if token.kind == Kind::Text => {}
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth == 0 => return index + 1 < sign,
            "(" | "[" | "{" => depth -= 1,
            _ if depth > 0 => {}
            _ if is_boundary(token, roles[index]) => return index + 1 < sign,
            _ if is_operator(token, roles[index]) => return false,
            _ => {}
        }
    }
    sign > 0
}

/// The last token of the side that starts at `first`; none when it is made of several.
fn end_of_plain(tokens: &[Token<'_>], roles: &[Role], first: usize) -> Option<usize> {
    let (mut depth, mut last) = (0_usize, None);
    for (index, token) in tokens.iter().enumerate().skip(first) {
        match token.text {
            _ if token.kind == Kind::Text => {}
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return last,
            ")" | "]" | "}" => depth -= 1,
            // It is written twice, and only what is written once is guarded.
            "*" => return None,
            _ if depth > 0 => {}
            _ if is_boundary(token, roles[index]) => return last,
            // A sign before a number belongs to it.
            "-" if last.is_none() => {}
            _ if is_operator(token, roles[index]) => return None,
            _ => {}
        }
        last = Some(index);
    }
    last
}
