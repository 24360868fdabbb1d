//! Between JSON and the values of the expression language. Integers stay exact in both directions.

use std::collections::BTreeMap;

use minijinja::value::{Value, ValueKind};
use serde_json::{Map, Number, Value as Json};

/// Of one result, as compact JSON.
pub(crate) const RESULT_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 64;

pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => from_number(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(entries) => {
            Value::from(entries.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<BTreeMap<_, _>>())
        }
    }
}

fn from_number(number: &Number) -> Value {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(value), _, _) => Value::from(value),
        (None, Some(value), _) => Value::from(value),
        (None, None, value) => Value::from(value.unwrap_or(f64::NAN)),
    }
}

/// Why a value cannot leave the expression language.
#[derive(Debug)]
pub(crate) enum NoJson {
    /// Somewhere inside the value something is missing.
    Missing,
    TooLarge,
    TooDeep,
    Other(String),
}

/// The JSON of `value` and its approximate size in bytes, which stays below `max`.
pub(crate) fn to_json(value: &Value, max: usize) -> Result<(Json, usize), NoJson> {
    let mut size = Size { left: max };
    let json = size.convert(value, 0)?;
    Ok((json, max - size.left))
}

struct Size {
    left: usize,
}

impl Size {
    fn take(&mut self, bytes: usize) -> Result<(), NoJson> {
        self.left = self.left.checked_sub(bytes).ok_or(NoJson::TooLarge)?;
        Ok(())
    }

    fn convert(&mut self, value: &Value, depth: usize) -> Result<Json, NoJson> {
        if depth > DEPTH_MAX {
            return Err(NoJson::TooDeep);
        }
        match value.kind() {
            ValueKind::Undefined => Err(NoJson::Missing),
            ValueKind::None => self.take(4).map(|()| Json::Null),
            ValueKind::Bool => self.take(5).map(|()| Json::Bool(value.is_true())),
            ValueKind::Number => {
                self.take(8)?;
                to_number(value).map(Json::Number)
            }
            ValueKind::String => {
                let text = value.as_str().unwrap_or_default();
                self.take(text.len() + 2)?;
                Ok(Json::String(text.to_owned()))
            }
            ValueKind::Seq | ValueKind::Iterable => self.list(value, depth),
            ValueKind::Map => self.map(value, depth),
            ValueKind::Invalid => Err(NoJson::Other(invalid(value))),
            _ => Err(NoJson::Other(format!("a {} is not a JSON value", value.kind()))),
        }
    }

    fn list(&mut self, value: &Value, depth: usize) -> Result<Json, NoJson> {
        self.take(2)?;
        let mut items = Vec::new();
        for item in value.try_iter().map_err(|error| NoJson::Other(error.to_string()))? {
            self.take(1)?;
            items.push(self.convert(&item, depth + 1)?);
        }
        Ok(Json::Array(items))
    }

    fn map(&mut self, value: &Value, depth: usize) -> Result<Json, NoJson> {
        self.take(2)?;
        let mut entries = Map::new();
        for key in value.try_iter().map_err(|error| NoJson::Other(error.to_string()))? {
            let item = value.get_item(&key).map_err(|error| NoJson::Other(error.to_string()))?;
            let name = match key.kind() {
                ValueKind::String => key.as_str().unwrap_or_default().to_owned(),
                ValueKind::Number | ValueKind::Bool => key.to_string(),
                other => return Err(NoJson::Other(format!("a {other} cannot be a key of a JSON object"))),
            };
            self.take(name.len() + 4)?;
            entries.insert(name, self.convert(&item, depth + 1)?);
        }
        Ok(Json::Object(entries))
    }
}

fn to_number(value: &Value) -> Result<Number, NoJson> {
    if value.is_integer() {
        if let Some(small) = value.as_i64() {
            return Ok(small.into());
        }
        return u64::try_from(value.clone())
            .map(Number::from)
            .map_err(|_| NoJson::Other(format!("{value} does not fit into 64 bits")));
    }
    let float = f64::try_from(value.clone()).map_err(|error| NoJson::Other(error.to_string()))?;
    Number::from_f64(float).ok_or_else(|| NoJson::Other(format!("{float} is not a JSON number")))
}

fn invalid(value: &Value) -> String {
    value.try_iter().err().map_or_else(|| "the value is invalid".to_owned(), |error| error.to_string())
}
