//! The account's custom fields: which there are, and how their values are written.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime};
use onward_workflows::Outcome;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Account;
use crate::config::Problem;
use crate::services::Services;

const FIELDS_MAX: usize = 100;

/// One field, as the registry file or the account describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub id: i64,
    /// As the account calls it; documents may call it otherwise.
    pub name: Option<String>,
    #[serde(rename = "type", default)]
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    #[default]
    Text,
    Number,
    Date,
    DateTime,
    Boolean,
}

/// A value ready to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: i64,
    pub name: String,
    pub value: String,
}

/// The fields of a step. What is null is not written.
pub(super) async fn entries(account: &Account<'_>, fields: &Map<String, Value>) -> Result<Vec<Entry>, Outcome> {
    if fields.len() > FIELDS_MAX {
        return Err(Problem::new("fields", format!("are more than {FIELDS_MAX}")).into());
    }
    let written: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    if written.is_empty() {
        return Ok(Vec::new());
    }
    let registry = match registry(&account.outside().services).await? {
        Some(registry) => registry,
        None => ask(account).await?,
    };
    let mut entries = Vec::new();
    for (name, value) in written {
        let Some(field) = registry.get(name) else {
            let known: Vec<&str> = registry.keys().map(String::as_str).collect();
            let text = format!("is not a custom field of the account; there are {}", known.join(", "));
            return Err(Problem::new(format!("fields.{name}"), text).into());
        };
        let value = written_as(field.kind, value)
            .ok_or_else(|| Problem::new(format!("fields.{name}"), format!("must be {}", wanted(field.kind))))?;
        entries.push(Entry { id: field.id, name: field.name.clone().unwrap_or_else(|| name.clone()), value });
    }
    Ok(entries)
}

async fn registry(services: &Services) -> Result<Option<BTreeMap<String, Field>>, Problem> {
    let Some(path) = &services.cbb_fields else { return Ok(None) };
    let shown = path.display();
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| Problem::new("fields", format!("cannot be written: {shown}: {error}")))?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Problem::new("fields", format!("cannot be written: {shown}: {error}")))
}

async fn ask(account: &Account<'_>) -> Result<BTreeMap<String, Field>, Outcome> {
    let answer = account.read(&["accounts", "custom_fields"]).await?;
    let list = answer.as_array().or_else(|| answer["data"].as_array()).map_or(&[][..], Vec::as_slice);
    Ok(list.iter().filter_map(described).collect())
}

fn described(field: &Value) -> Option<(String, Field)> {
    let id = field["id"].as_i64().or_else(|| field["id"].as_str()?.parse().ok())?;
    let name = field["name"].as_str()?.to_owned();
    let kind = match field["type"].as_i64().or_else(|| field["type"].as_str()?.parse().ok()) {
        Some(1) => Kind::Number,
        Some(2) => Kind::Date,
        Some(3) => Kind::DateTime,
        Some(4) => Kind::Boolean,
        _ => Kind::Text,
    };
    Some((name.clone(), Field { id, name: Some(name), kind }))
}

/// Everything is text on the wire: truths are 1 and 0, instants are seconds since 1970.
fn written_as(kind: Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Text, Value::String(text)) => Some(text.clone()),
        (Kind::Text | Kind::Number, Value::Number(number)) => Some(number.to_string()),
        (Kind::Text, Value::Bool(truth)) => Some(truth.to_string()),
        (Kind::Number, Value::String(text)) => text.trim().parse::<f64>().ok().map(|_| text.trim().to_owned()),
        (Kind::Boolean, Value::Bool(truth)) => Some(i32::from(*truth).to_string()),
        (Kind::Boolean, Value::Number(number)) => {
            number.as_i64().filter(|number| [0, 1].contains(number)).map(|number| number.to_string())
        }
        (Kind::Boolean, Value::String(text)) => match text.trim() {
            "1" | "true" | "yes" => Some("1".to_owned()),
            "0" | "false" | "no" => Some("0".to_owned()),
            _ => None,
        },
        (Kind::Date | Kind::DateTime, Value::Number(seconds)) => seconds.as_i64().map(|seconds| seconds.to_string()),
        (Kind::Date | Kind::DateTime, Value::String(text)) => seconds(text.trim()).map(|seconds| seconds.to_string()),
        _ => None,
    }
}

fn seconds(text: &str) -> Option<i64> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp())
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::Date => "a day such as 2026-01-31, or seconds since 1970",
        Kind::DateTime => "an RFC 3339 instant, or seconds since 1970",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_their_kind_wants() {
        let check = |kind: Kind, value: Value, expected: Option<&str>| {
            assert_eq!(written_as(kind, &value).as_deref(), expected, "{kind:?} {value}");
        };
        check(Kind::Text, json!("הודו"), Some("הודו"));
        check(Kind::Text, json!(7), Some("7"));
        check(Kind::Text, json!({}), None);
        check(Kind::Number, json!("12.5"), Some("12.5"));
        check(Kind::Number, json!("many"), None);
        check(Kind::Boolean, json!(true), Some("1"));
        check(Kind::Boolean, json!("0"), Some("0"));
        check(Kind::Boolean, json!("perhaps"), None);
        check(Kind::Date, json!("2026-01-31"), Some("1769817600"));
        check(Kind::DateTime, json!("2026-01-31T02:00:00+02:00"), Some("1769817600"));
        check(Kind::Date, json!("31.1.2026"), None);
    }

    #[test]
    fn an_account_describes_its_fields() {
        let field = described(&json!({ "id": 763_048, "name": "order_urgent", "type": 4 })).unwrap();
        assert_eq!(field.1, Field { id: 763_048, name: Some("order_urgent".to_owned()), kind: Kind::Boolean });
        assert_eq!(described(&json!({ "name": "x" })), None);
    }
}
