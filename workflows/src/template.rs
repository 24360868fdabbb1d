//! A value with holes: any JSON in which strings may hold `{{ expression }}`.

mod parse;

use std::fmt::Write;

use serde_json::Value;

use crate::{EvaluationError, Expression, Scope};

/// Bytes that the holes of one template may produce together.
const RENDERED_MAX: usize = 10 << 20;

/// Compiled once per definition. `Literal` covers every subtree without a hole.
#[derive(Debug)]
pub enum Template {
    Literal(Value),
    /// A string that is only one hole keeps the type of its value.
    Hole(Expression),
    /// Text around holes: values are printed.
    Text(Vec<Part>),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

#[derive(Debug)]
pub enum Part {
    Text(String),
    Hole(Expression),
}

impl Template {
    pub fn render(&self, scope: &Scope) -> Result<Value, EvaluationError> {
        self.render_within(scope, &mut { RENDERED_MAX })
    }

    /// The rendered value as text, for the fields that are text: a hole that is a number is printed.
    pub(crate) fn render_text(&self, scope: &Scope) -> Result<String, EvaluationError> {
        let mut text = String::new();
        print(&self.render(scope)?, &mut text);
        Ok(text)
    }

    fn render_within(&self, scope: &Scope, left: &mut usize) -> Result<Value, EvaluationError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Hole(expression) => evaluate(expression, scope, left),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(literal) => text.push_str(literal),
                        Part::Hole(expression) => print(&evaluate(expression, scope, left)?, &mut text),
                    }
                }
                Ok(Value::String(text))
            }
            Self::List(items) => items.iter().map(|item| item.render_within(scope, left)).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(key, item)| Ok((key.clone(), item.render_within(scope, left)?))).collect()
            }
        }
    }
}

fn evaluate(expression: &Expression, scope: &Scope, left: &mut usize) -> Result<Value, EvaluationError> {
    let (value, size) = expression.evaluate_sized(scope)?;
    *left = left
        .checked_sub(size)
        .ok_or_else(|| expression.error("the values put in here are larger than 10 MiB together"))?;
    Ok(value)
}

/// Strings as they are, null as nothing, the rest as compact JSON.
fn print(value: &Value, text: &mut String) {
    match value {
        Value::Null => {}
        Value::String(string) => text.push_str(string),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            write!(text, "{value}").expect("a string takes everything");
        }
    }
}
