//! The config of a look-up, parsed.

use serde_json::Value;

use super::{TYPE, formula};
use crate::config::{Fields, Problem, scalar_text};
use crate::services::Services;

const KEY_MAX: usize = 1_000;
const RECORDS_MAX: u64 = 10_000;
const RECORDS_DEFAULT: u64 = 1_000;
/// One more than is needed to know that a key is not unique, and the one after it for the curious.
const RECORDS_OF_A_KEY: u64 = 3;

#[derive(Debug)]
pub(super) struct Lookup {
    pub base: String,
    pub token: Option<String>,
    pub listing: Listing,
    /// Field and the table that it links to.
    pub expand: Vec<(String, String)>,
}

/// What is asked of one table.
#[derive(Debug)]
pub(super) struct Listing {
    pub table: String,
    pub view: Option<String>,
    pub formula: Option<String>,
    pub fields: Vec<String>,
    pub max_records: usize,
}

impl Lookup {
    pub(super) fn parse(config: &Value, services: &Services) -> Result<Self, Problem> {
        let fields = Fields::open(config, &TYPE)?;
        let base = match (fields.text_or_none("base")?, &services.airtable_base) {
            (Some(base), _) => base,
            (None, Some(base)) => base.clone(),
            (None, None) => {
                return Err(Problem::new("base", "is required: no base is configured (ONWARD_AIRTABLE_BASE)"));
            }
        };
        let key = key(fields)?;
        let formula = match (&key, fields.text_or_none("filter")?) {
            (Some(_), Some(_)) => return Err(Problem::new("filter", "cannot stand beside `key`")),
            (Some((field, key)), None) => Some(formula::equals(field, key)),
            (None, filter) => filter,
        };
        let view = fields.text_or_none("view")?;
        if formula.is_none() && view.is_none() {
            return Err(Problem::new("view", "is required, or `filter`, or `field` and `key`"));
        }
        let default = if key.is_some() { RECORDS_OF_A_KEY } else { RECORDS_DEFAULT };
        let max_records = fields.number("max_records", 1..=RECORDS_MAX)?.unwrap_or(default);
        let listing = Listing {
            table: fields.text("table")?,
            view,
            formula,
            fields: fields.texts("fields")?,
            max_records: usize::try_from(max_records).unwrap_or(usize::MAX),
        };
        Ok(Self { base, token: fields.text_or_none("token")?, listing, expand: expand(fields)? })
    }
}

fn key(fields: Fields<'_>) -> Result<Option<(String, String)>, Problem> {
    let (field, key) = (fields.text_or_none("field")?, fields.text_or_none("key")?);
    let (field, key) = match (field, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(Problem::new("key", "is required with `field`")),
        (None, Some(_)) => return Err(Problem::new("field", "is required with `key`")),
        (Some(field), Some(key)) => (field, key),
    };
    if key.trim().is_empty() {
        return Err(Problem::new("key", "is empty"));
    }
    if key.chars().count() > KEY_MAX {
        return Err(Problem::new("key", format!("is longer than {KEY_MAX} characters")));
    }
    for (name, text) in [("field", &field), ("key", &key)] {
        if text.contains(char::is_control) {
            return Err(Problem::new(name, "contains a line break or another control character"));
        }
    }
    Ok(Some((field, key)))
}

/// A field alone stands for a table of the same name.
fn expand(fields: Fields<'_>) -> Result<Vec<(String, String)>, Problem> {
    let Some(Value::Object(map)) = fields.value("expand") else {
        return Ok(fields.texts("expand")?.into_iter().map(|field| (field.clone(), field)).collect());
    };
    let table =
        |table: &Value| scalar_text(table).ok_or_else(|| Problem::new("expand", "must name a table for each field"));
    map.iter().map(|(field, name)| Ok((field.clone(), table(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_config_that_cannot_be_taken_names_its_field() {
        let services = Services { airtable_base: Some("appFAKE".to_owned()), ..Services::default() };
        let check = |config: Value, field: &str| {
            assert_eq!(Lookup::parse(&config, &services).unwrap_err().field, field, "{config}");
        };
        check(json!([]), "config");
        check(json!({ "view": "All" }), "table");
        check(json!({ "table": "Orders" }), "view");
        check(json!({ "table": "Orders", "field": "ID" }), "key");
        check(json!({ "table": "Orders", "key": "1" }), "field");
        check(json!({ "table": "Orders", "field": "ID", "key": "  " }), "key");
        check(json!({ "table": "Orders", "field": "ID", "key": "a\nb" }), "key");
        check(json!({ "table": "Orders", "field": "ID", "key": "x".repeat(1_001) }), "key");
        check(json!({ "table": "Orders", "field": "ID", "key": "1", "filter": "1" }), "filter");
        check(json!({ "table": "Orders", "view": "All", "max_records": 10_001 }), "max_records");
        check(json!({ "table": "Orders", "view": "All", "expand": { "a": [] } }), "expand");
        check(json!({ "table": "Orders", "view": "All", "views": "x" }), "views");
        let bare = Lookup::parse(&json!({ "table": "Orders", "view": "All" }), &Services::default());
        assert_eq!(bare.unwrap_err().field, "base");
    }

    #[test]
    fn a_key_asks_for_few_records() {
        let services = Services { airtable_base: Some("appFAKE".to_owned()), ..Services::default() };
        let read = |config: Value| Lookup::parse(&config, &services).unwrap();
        assert_eq!(read(json!({ "table": "O", "field": "ID", "key": 7 })).listing.max_records, 3);
        assert_eq!(read(json!({ "table": "O", "view": "All" })).listing.max_records, 1_000);
        assert_eq!(
            read(json!({ "table": "O", "view": "All", "expand": "Apps" })).expand,
            [("Apps".to_owned(), "Apps".to_owned())]
        );
    }
}
