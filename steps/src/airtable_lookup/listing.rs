//! Listing records page by page, and reading the ones they link to.

use std::collections::{BTreeMap, BTreeSet};

use onward_workflows::{ErrorKind, Outcome, StepError};
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::judge::{Judgement, PENALTY, judge};
use super::lookup::Listing;
use super::{bound, formula};
use crate::backing::Backing;
use crate::client::Clients;
use crate::service::{Answer, Call, Class, Lost, take_turn};
use crate::services::address;

/// Airtable refuses longer addresses; what is longer goes as a body.
const URL_MAX: usize = 15_000;
const PAGE: usize = 100;
/// How often a listing begins again because its cursor has expired.
const RESTARTS_MAX: usize = 3;
/// Linked records that one request asks for.
const LINKED_AT_ONCE: usize = 50;
const LINKED_MAX: usize = 1_000;

pub(super) struct Reader<'a> {
    pub clients: &'a Clients,
    pub url: &'a Url,
    pub base: &'a str,
    pub token: SecretString,
    pub backing: &'a dyn Backing,
    pub deadline: Instant,
}

impl Reader<'_> {
    /// All pages, each record once: records may move between pages while they are read. `reserved`: the limit of the
    /// first request has been passed.
    pub(super) async fn list(&self, listing: &Listing, mut reserved: bool) -> Result<Vec<Value>, Outcome> {
        for _ in 0..=RESTARTS_MAX {
            if let Some(records) = self.list_once(listing, &mut reserved).await? {
                return Ok(records);
            }
        }
        let text = format!("Airtable: the listing began again {RESTARTS_MAX} times because its cursor expired");
        Err(Outcome::Failed(StepError::new(ErrorKind::Http, text).retryable()))
    }

    /// `None`: the cursor has expired.
    async fn list_once(&self, listing: &Listing, reserved: &mut bool) -> Result<Option<Vec<Value>>, Outcome> {
        let (mut records, mut seen, mut offset) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let Some(mut page) = self.page(listing, offset.as_deref(), std::mem::take(reserved)).await? else {
                return Ok(None);
            };
            let Value::Array(found) = page["records"].take() else {
                return Err(unreadable("its answer has no list of records"));
            };
            for record in found {
                let Some(id) = record["id"].as_str() else { return Err(unreadable("a record has no id")) };
                if records.len() < listing.max_records && seen.insert(id.to_owned()) {
                    records.push(shown(record));
                }
            }
            offset = page["offset"].as_str().map(str::to_owned);
            // A short page does not mean that it is the last one.
            if offset.is_none() || records.len() >= listing.max_records {
                return Ok(Some(records));
            }
        }
    }

    async fn page(&self, listing: &Listing, offset: Option<&str>, reserved: bool) -> Result<Option<Value>, Outcome> {
        if !reserved {
            take_turn(self.backing, &bound(self.base), "Airtable", self.deadline).await?;
        }
        let call = self.call(listing, offset).bearer(&self.token)?;
        let Answer { status, headers, body } = call.send(self.clients, self.deadline).await.map_err(Lost::outcome)?;
        match judge(status, &headers, &body) {
            Judgement::Fine => {
                serde_json::from_slice(&body).map(Some).map_err(|_| unreadable("its answer is not JSON"))
            }
            Judgement::CursorExpired => Ok(None),
            Judgement::Not(verdict) => {
                if verdict.class == Class::Throttled {
                    self.backing.pause(&bound(self.base).key, verdict.wait.unwrap_or(PENALTY)).await;
                }
                Err(verdict.outcome("Airtable", status))
            }
        }
    }

    fn call(&self, listing: &Listing, offset: Option<&str>) -> Call {
        let mut url = address(self.url, &[self.base, &listing.table]);
        {
            let mut query = url.query_pairs_mut();
            for (name, value) in [("view", &listing.view), ("filterByFormula", &listing.formula)] {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            for field in &listing.fields {
                query.append_pair("fields[]", field);
            }
            query.append_pair("maxRecords", &listing.max_records.to_string());
            query.append_pair("pageSize", &listing.max_records.min(PAGE).to_string());
            if let Some(offset) = offset {
                query.append_pair("offset", offset);
            }
        }
        if url.as_str().len() <= URL_MAX {
            return Call::new(Method::GET, url, true);
        }
        let url = address(self.url, &[self.base, &listing.table, "listRecords"]);
        let mut body = Map::new();
        let size = listing.max_records.min(PAGE);
        for (name, value) in [
            ("view", json!(listing.view)),
            ("filterByFormula", json!(listing.formula)),
            ("fields", json!((!listing.fields.is_empty()).then_some(&listing.fields))),
            ("maxRecords", json!(listing.max_records)),
            ("pageSize", json!(size)),
            ("offset", json!(offset)),
        ] {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        }
        Call::new(Method::POST, url, true).json(&Value::Object(body))
    }

    /// Puts the records that a field links to beside the record, as `expanded.<field>`.
    pub(super) async fn expand(&self, records: &mut [Value], field: &str, table: &str) -> Result<(), Outcome> {
        let linked = |record: &Value| -> Vec<String> {
            let ids = record["fields"][field].as_array().map_or(&[][..], Vec::as_slice);
            ids.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let wanted: BTreeSet<String> = records.iter().flat_map(linked).collect();
        if wanted.len() > LINKED_MAX {
            let text = format!("Airtable: `{field}` links to {} records; at most {LINKED_MAX} are read", wanted.len());
            return Err(Outcome::Failed(StepError::new(ErrorKind::Limit, text)));
        }
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let mut found = BTreeMap::new();
        for ids in wanted.chunks(LINKED_AT_ONCE) {
            let listing = Listing {
                table: table.to_owned(),
                view: None,
                formula: Some(formula::any_record(ids)),
                fields: Vec::new(),
                max_records: ids.len(),
            };
            for record in self.list(&listing, false).await? {
                found.insert(record["id"].as_str().unwrap_or_default().to_owned(), record);
            }
        }
        for record in records {
            let there: Vec<Value> = linked(record).iter().filter_map(|id| found.get(id).cloned()).collect();
            record["expanded"][field] = Value::Array(there);
        }
        Ok(())
    }
}

/// Empty cells are not sent at all, and a record without any may have no `fields`.
fn shown(mut record: Value) -> Value {
    let fields = match record["fields"].take() {
        Value::Null => json!({}),
        fields => fields,
    };
    json!({ "id": record["id"].take(), "fields": fields, "created_time": record["createdTime"].take() })
}

fn unreadable(what: &str) -> Outcome {
    Outcome::Failed(StepError::new(ErrorKind::Http, format!("Airtable: {what}")).retryable())
}
