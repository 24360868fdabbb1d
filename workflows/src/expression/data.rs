//! Filters over lists and maps.

use std::collections::BTreeMap;

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::convert::{NoJson, from_json, to_json};

/// Of what `tojson` writes and `parse_json` reads.
const JSON_MAX: usize = 1 << 20;

pub(super) fn add_to(language: &mut Environment<'static>) {
    language.add_filter("parse_json", parse_json);
    language.add_filter("tojson", tojson);
    language.add_filter("pick", pick);
    language.add_filter("merge", merge);
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

/// `'{"a": [1]}' | parse_json` is the map.
fn parse_json(text: &str) -> Result<Value, Error> {
    if text.len() > JSON_MAX {
        return refuse("`parse_json` takes 1 MiB at most");
    }
    match serde_json::from_str(text) {
        Ok(json) => Ok(from_json(&json)),
        Err(error) => refuse(format!("`parse_json`: {error}")),
    }
}

/// `{'a': [1, none]} | tojson` is `{"a":[1,null]}`, compact.
fn tojson(value: &Value) -> Result<String, Error> {
    match to_json(value, JSON_MAX) {
        Ok((json, _)) => Ok(json.to_string()),
        Err(NoJson::Missing) => Err(Error::from(ErrorKind::UndefinedError)),
        Err(NoJson::TooLarge) => refuse("`tojson`: the value is larger than 1 MiB"),
        Err(NoJson::TooDeep) => refuse("`tojson`: the value is nested too deeply"),
        Err(NoJson::Other(message)) => refuse(message),
    }
}

/// `{'id': 1, 'name': 'x', 'note': ''} | pick('id', 'name')` keeps these two; a key that is not there is left out.
#[expect(clippy::needless_pass_by_value, reason = "MiniJinja hands these arguments over by value")]
fn pick(map: &Value, keys: Rest<String>) -> Result<Value, Error> {
    if map.kind() != ValueKind::Map {
        return refuse(format!("`pick` takes a map, and this is a {}", map.kind()));
    }
    let mut picked = BTreeMap::new();
    for key in keys.iter() {
        let value = map.get_attr(key)?;
        if !value.is_undefined() {
            picked.insert(key.clone(), value);
        }
    }
    Ok(Value::from(picked))
}

/// `{'a': 1, 'b': 1} | merge({'b': 2})` is `{'a': 1, 'b': 2}`: the later map wins, one level deep.
#[expect(clippy::needless_pass_by_value, reason = "MiniJinja hands these arguments over by value")]
fn merge(first: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let mut merged = BTreeMap::new();
    for map in std::iter::once(first).chain(others.iter()) {
        if map.kind() != ValueKind::Map {
            return refuse(format!("`merge` takes maps, and this is a {}", map.kind()));
        }
        for key in map.try_iter()? {
            let value = map.get_item(&key)?;
            merged.insert(key, value);
        }
    }
    Ok(Value::from(merged))
}
