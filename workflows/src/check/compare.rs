//! Comparisons that can never be what they seem: a number with a text.

use std::ops::Range;

use super::expressions::Snippet;
use super::scan::{Token, tokens};
use super::{Facts, Finding, Report};

const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// One side of a comparison, where its type is known before the run.
struct Side<'a> {
    json_type: &'a str,
    shown: &'a str,
    literal: Option<&'a str>,
    range: Range<usize>,
}

/// Reports literals compared with something of another type: with each other, or with an input whose schema says its type.
pub(super) fn check(snippet: &Snippet<'_>, facts: &Facts<'_>, report: &mut Report) {
    let source = snippet.text();
    let found = tokens(source);
    for (at, (token, _)) in found.iter().enumerate() {
        let Token::Operator(operator) = token else { continue };
        if !COMPARISONS.contains(operator) {
            continue;
        }
        let (Some(left), Some(right)) =
            (left_side(source, &found[..at], facts), right_side(source, &found[at + 1..], facts))
        else {
            continue;
        };
        if comparable(left.json_type, right.json_type) || (left.literal.is_none() && right.literal.is_none()) {
            continue;
        }
        report.add(finding(snippet, &left, &right));
    }
}

fn finding(snippet: &Snippet<'_>, left: &Side<'_>, right: &Side<'_>) -> Finding {
    let message = format!(
        "`{}` is {} and `{}` is {}",
        left.shown,
        article(left.json_type),
        right.shown,
        article(right.json_type)
    );
    let literal = if right.literal.is_some() { right } else { left };
    let other = if right.literal.is_some() { left } else { right };
    let finding = Finding::error("E123", snippet.span(literal.range.clone()), message)
        .label("values of different types are never equal");
    let text = literal.literal.unwrap_or_default();
    match (literal.json_type, other.json_type) {
        ("string", "integer" | "number") if is_number(text) => finding.fix(
            format!("Compare with the number {text}"),
            false,
            vec![(snippet.span(literal.range.clone()), text.to_owned())],
        ),
        ("integer" | "number", "string") => finding.fix(
            format!("Compare with the text '{text}'"),
            false,
            vec![(snippet.span(literal.range.clone()), snippet.written(&format!("'{text}'")))],
        ),
        _ => finding,
    }
}

/// Digits that the expression language reads as one number.
fn is_number(text: &str) -> bool {
    matches!(tokens(text).as_slice(), [(Token::Number(number), _)] if *number == text) && text.parse::<f64>().is_ok()
}

fn comparable(left: &str, right: &str) -> bool {
    let number = |name: &str| matches!(name, "integer" | "number");
    left == right || (number(left) && number(right))
}

fn article(json_type: &str) -> &'static str {
    match json_type {
        "string" => "a text",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "a number",
    }
}

type Found<'a> = (Token<'a>, Range<usize>);

/// The operand that ends here, when nothing binds it closer to what stands before.
fn left_side<'a>(source: &'a str, before: &[Found<'a>], facts: &'a Facts<'_>) -> Option<Side<'a>> {
    let (side, used) = match before {
        [.., (Token::Name("inputs"), start), (Token::Operator("."), _), (Token::Name(name), end)] => {
            (input(source, name, start.start..end.end, facts)?, 3)
        }
        [.., (token, range)] => (literal(source, *token, range.clone())?, 1),
        [] => return None,
    };
    let binds = match before.get(..before.len() - used)?.last() {
        None => false,
        Some((Token::Operator(operator), _)) => !matches!(*operator, "(" | "[" | "," | ":"),
        Some((Token::Name(word), _)) => !matches!(*word, "and" | "or" | "not" | "if" | "else"),
        Some(_) => true,
    };
    (!binds).then_some(side)
}

/// The operand that starts here, when nothing binds it closer to what stands behind.
fn right_side<'a>(source: &'a str, after: &[Found<'a>], facts: &'a Facts<'_>) -> Option<Side<'a>> {
    let (side, used) = match after {
        [(Token::Name("inputs"), start), (Token::Operator("."), _), (Token::Name(name), end), ..] => {
            (input(source, name, start.start..end.end, facts)?, 3)
        }
        [(token, range), ..] => (literal(source, *token, range.clone())?, 1),
        [] => return None,
    };
    let binds = match after.get(used) {
        None => false,
        Some((Token::Operator(operator), _)) => !matches!(*operator, ")" | "]" | "," | ":" | "}"),
        Some((Token::Name(word), _)) => !matches!(*word, "and" | "or" | "if" | "else"),
        Some(_) => true,
    };
    (!binds).then_some(side)
}

fn input<'a>(source: &'a str, name: &str, range: Range<usize>, facts: &'a Facts<'_>) -> Option<Side<'a>> {
    let json_type = facts.inputs.get(name)?.as_deref()?;
    if json_type == "null" {
        return None;
    }
    Some(Side { json_type, shown: &source[range.clone()], literal: None, range })
}

fn literal<'a>(source: &'a str, token: Token<'a>, range: Range<usize>) -> Option<Side<'a>> {
    let (json_type, literal) = match token {
        Token::Number(number) => ("number", number),
        Token::Text(text) => ("string", text.get(1..text.len().checked_sub(1)?)?),
        Token::Name(word @ ("true" | "false" | "True" | "False")) => ("boolean", word),
        _ => return None,
    };
    Some(Side { json_type, shown: &source[range.clone()], literal: Some(literal), range })
}
