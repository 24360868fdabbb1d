//! Keeps `*` to numbers.
//!
//! MiniJinja repeats text and lists with `*`, a mistake far more often than a wish, and offers no switch for it. So
//! each operand is led through a filter that lets numbers pass and nothing else.

use std::borrow::Cow;

use minijinja::{Error, ErrorKind, Value};

use super::ExpressionError;
use super::scan::{Kind, Role, Token};

/// Named so that no author can write it: the scanner refuses this name in a source.
pub(super) const FILTER: &str = "__factor";

pub(super) fn factor(value: Value) -> Result<Value, Error> {
    if value.is_number() || value.is_undefined() {
        return Ok(value);
    }
    Err(Error::new(ErrorKind::InvalidOperation, format!("`*` multiplies numbers only, and this is {}", value.kind())))
}

/// Text put in front of the byte `at` of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insertion {
    pub at: usize,
    pub text: Cow<'static, str>,
}

/// What has to be inserted so that every factor passes the filter; empty for nearly all expressions.
pub(super) fn insertions(tokens: &[Token<'_>], roles: &[Role]) -> Result<Vec<Insertion>, ExpressionError> {
    let mut insertions = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        // In `f(*list)` there is nothing to the left.
        if !token.is("*") || index == 0 || tokens[index - 1].is("(") || tokens[index - 1].is(",") {
            continue;
        }
        for side in [Some(&tokens[index - 1]), tokens.get(index + 1)].into_iter().flatten() {
            if side.kind == Kind::Text {
                return Err(ExpressionError {
                    message: "`*` multiplies numbers only, and this is text".to_owned(),
                    range: side.start..side.end(),
                });
            }
        }
        insertions.push(Insertion { at: token.start, text: "|__factor ".into() });
        if let Some(operand) = tokens.get(index + 1) {
            let last = &tokens[end_of_operand(tokens, roles, index + 1)];
            insertions.push(Insertion { at: operand.start, text: "(".into() });
            insertions.push(Insertion { at: last.end(), text: ")|__factor ".into() });
        }
    }
    Ok(insertions)
}

/// The last token of the operand that starts at `first`: everything that binds tighter than `*`.
fn end_of_operand(tokens: &[Token<'_>], roles: &[Role], first: usize) -> usize {
    let mut depth = 0_usize;
    let mut begun = false;
    let mut last = first;
    for (index, token) in tokens.iter().enumerate().skip(first) {
        match token.text {
            _ if token.kind == Kind::Text || token.kind == Kind::Number => begun = true,
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth > 0 => {
                depth -= 1;
                begun = true;
            }
            _ if depth > 0 => {}
            ")" | "]" | "}" | "," | ":" | "=" | "*" | "/" | "//" | "%" | "+" | "~" | "==" | "!=" | "<" | ">" | "<="
            | ">=" => break,
            "-" if begun => break,
            "**" => begun = false,
            "and" | "or" | "in" | "if" | "else" if roles[index] == Role::Keyword => break,
            "not" if roles[index] == Role::Keyword && begun && !tokens[index - 1].is("is") => break,
            "." | "|" | "-" => {}
            _ => begun = true,
        }
        last = index;
    }
    last
}

/// `source` with the insertions made.
pub(super) fn guarded(source: &str, insertions: &[Insertion]) -> String {
    let mut text = String::with_capacity(source.len() + 12 * insertions.len());
    let mut from = 0;
    for insertion in insertions {
        text.push_str(&source[from..insertion.at]);
        text.push_str(&insertion.text);
        from = insertion.at;
    }
    text.push_str(&source[from..]);
    text
}

/// The place in the author's source of a place in the guarded text.
pub(super) fn original(guarded_at: usize, insertions: &[Insertion]) -> usize {
    let mut shift = 0;
    for insertion in insertions {
        if insertion.at + shift >= guarded_at {
            break;
        }
        shift = (shift + insertion.text.len()).min(guarded_at - insertion.at);
    }
    guarded_at - shift
}
