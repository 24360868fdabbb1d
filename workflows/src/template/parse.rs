//! Templates that stand in no document: their holes are found here, and every name may be read.

use std::ops::Range;

use serde_json::Value;

use super::{Part, Template};
use crate::{Expression, ExpressionError};

impl Template {
    /// Any JSON; strings may hold holes. The range of an error counts in the string that it is about.
    pub fn parse(value: &Value) -> Result<Self, ExpressionError> {
        Ok(match value {
            Value::String(text) => Self::parse_text(text)?,
            Value::Array(items) => Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(entries) => Self::Map(
                entries.iter().map(|(key, item)| Ok((key.clone(), Self::parse(item)?))).collect::<Result<_, _>>()?,
            ),
            literal => Self::Literal(literal.clone()),
        })
    }

    /// A text that begins at line 1, column 1: places in later errors count in it.
    pub fn parse_text(text: &str) -> Result<Self, ExpressionError> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find("{{").map(|open| at + open) {
            if open > at {
                parts.push(Part::Text(text[at..open].to_owned()));
            }
            let Some(close) = hole_end(text, open + 2) else {
                return Err(ExpressionError {
                    message: "this `{{` has no `}}`".to_owned(),
                    range: open..(open + 2).min(text.len()),
                });
            };
            parts.push(Part::Hole(compile(text, open + 2..close)?));
            at = close + 2;
        }
        if parts.is_empty() {
            return Ok(Self::Literal(Value::String(text.to_owned())));
        }
        if at < text.len() {
            parts.push(Part::Text(text[at..].to_owned()));
        }
        match parts.pop() {
            Some(Part::Hole(only)) if parts.is_empty() => Ok(Self::Hole(only)),
            last => {
                parts.extend(last);
                Ok(Self::Text(parts))
            }
        }
    }
}

fn compile(text: &str, hole: Range<usize>) -> Result<Expression, ExpressionError> {
    let inner = &text[hole.clone()];
    let start = hole.start + (inner.len() - inner.trim_start().len());
    let source = if inner.trim().is_empty() { inner } else { inner.trim() };
    let start = if inner.trim().is_empty() { hole.start } else { start };
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Expression::compile(source, place(line), place(column))
        .map_err(|error| ExpressionError { range: start + error.range.start..start + error.range.end, ..error })
}

/// Braces inside texts and maps do not end a hole.
fn hole_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at, mut quote) = (0_usize, from, None);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Scope;

    fn rendered(value: &Value) -> Value {
        let scope = Scope::new().with("a", &json!({"b": [1, 2]}));
        Template::parse(value).expect("a template").render(&scope).expect("a value")
    }

    #[test]
    fn a_lone_hole_keeps_its_type_and_text_around_prints_it() {
        assert_eq!(rendered(&json!("{{ a.b }}")), json!([1, 2]));
        assert_eq!(rendered(&json!({"x": ["n {{ a.b[1] }}!", 3]})), json!({"x": ["n 2!", 3]}));
        assert_eq!(rendered(&json!("{{ '}}' ~ {'k': 'v'}.k }}.")), json!("}}v."));
    }

    #[test]
    fn an_error_says_where() {
        let range = |text: &str| Template::parse_text(text).expect_err("an error").range;
        assert_eq!(range("ab {{ c"), 3..5);
        assert_eq!(range("é {{ a b }}").start, 8);
        let late = Template::parse_text("x\n  {{ nothing }}").expect("a template").render(&Scope::new());
        let late = late.expect_err("no such name");
        assert_eq!((late.line, late.column), (2, 6));
    }
}
