//! Airtable's list of records, with the ways in which it hurts: pages that end early, cursors that expire, a limit for all
//! callers of a base and the pause after it, empty cells that are not there.

mod formula;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::Shared;
use formula::{Record, holds};

const REQUESTS_A_SECOND: usize = 5;
const URL_MAX: usize = 16_000;
const PAGE_MAX: u64 = 100;

/// One base: its tables with their records, oldest first.
#[derive(Debug)]
pub struct Airtable {
    pub base: String,
    pub token: String,
    pub tables: BTreeMap<String, Vec<Value>>,
    /// After too many requests nothing is answered for so long; theirs is 30 seconds.
    pub penalty: Duration,
    /// Every page but the first is asked for with a cursor that is gone, so many times.
    pub expire_cursors: u32,
    /// Pages end early, as theirs do now and then.
    pub short_pages: bool,
    recent: Vec<Instant>,
    locked_until: Option<Instant>,
}

impl Default for Airtable {
    fn default() -> Self {
        Self {
            base: "appFAKE0000000001".to_owned(),
            token: "patFAKE.0000".to_owned(),
            tables: crate::visas::tables(),
            penalty: Duration::from_secs(30),
            expire_cursors: 0,
            short_pages: false,
            recent: Vec::new(),
            locked_until: None,
        }
    }
}

type Refusal = (StatusCode, Value);

fn refusal(status: u16, word: &str) -> Refusal {
    let status = StatusCode::from_u16(status).expect("a status of this file");
    (status, json!({ "error": { "type": word, "message": format!("the stand-in refuses this: {word}") } }))
}

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/v0/{base}/{table}", get(list))
        .route("/v0/{base}/{table}/listRecords", post(list_by_post))
        .route("/v0/{base}/{table}/{record}", get(show))
        .route("/v0/meta/whoami", get(|| async { Json(json!({ "id": "usrFAKE0000000001" })) }))
}

async fn list(
    State(shared): State<Shared>,
    Path((base, table)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if query.unwrap_or_default().len() > URL_MAX {
        return (StatusCode::URI_TOO_LONG, "").into_response();
    }
    answer(&shared, &base, &table, &headers, from_query(pairs))
}

async fn list_by_post(
    State(shared): State<Shared>,
    Path((base, table)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let options = serde_json::from_slice(&body).map_err(|_| refusal(400, "INVALID_REQUEST_BODY"));
    answer(&shared, &base, &table, &headers, options)
}

async fn show(
    State(shared): State<Shared>,
    Path((base, table, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = shared.services().airtable.find(&base, &table, &id, &headers);
    done(found)
}

fn answer(
    shared: &Shared,
    base: &str,
    table: &str,
    headers: &HeaderMap,
    options: Result<Map<String, Value>, Refusal>,
) -> Response {
    done(options.and_then(|options| shared.services().airtable.list(base, table, headers, &options)))
}

fn done(answer: Result<Value, Refusal>) -> Response {
    match answer {
        Ok(body) => Json(body).into_response(),
        Err((status, body)) => (status, Json(body)).into_response(),
    }
}

/// Arrays come as `fields[]=a`, sorts as `sort[0][field]=a`.
fn from_query(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Refusal> {
    let mut options = Map::new();
    for (name, value) in pairs {
        if let Some(name) = name.strip_suffix("[]") {
            let list = options.entry(name.to_owned()).or_insert_with(|| json!([]));
            list.as_array_mut().ok_or_else(|| refusal(422, "INVALID_REQUEST_UNKNOWN"))?.push(value.into());
        } else if name == "fields" {
            return Err(refusal(422, "INVALID_REQUEST_UNKNOWN"));
        } else {
            let number =
                ["pageSize", "maxRecords"].contains(&name.as_str()).then(|| value.parse::<u64>().ok()).flatten();
            options.insert(name, number.map_or_else(|| value.into(), Value::from));
        }
    }
    Ok(options)
}

impl Airtable {
    fn list(
        &mut self,
        base: &str,
        table: &str,
        headers: &HeaderMap,
        options: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        self.admit(base, headers)?;
        let text = |name: &str| options.get(name).and_then(Value::as_str);
        let size = options.get("pageSize").map_or(Some(PAGE_MAX), Value::as_u64);
        let size =
            size.filter(|size| (1..=PAGE_MAX).contains(size)).ok_or_else(|| refusal(422, "INVALID_REQUEST_UNKNOWN"))?;
        let max = options.get("maxRecords").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let records = self.tables.get(table).ok_or_else(|| refusal(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"))?;
        let known: BTreeSet<String> = records
            .iter()
            .filter_map(|record| record["fields"].as_object())
            .flat_map(|fields| fields.keys().cloned())
            .collect();
        let known: Vec<String> = known.into_iter().collect();
        let wanted: Option<Vec<String>> = options
            .get("fields")
            .and_then(Value::as_array)
            .map(|fields| fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect());
        if wanted.iter().flatten().any(|name| !known.contains(name)) {
            return Err(refusal(422, "UNKNOWN_FIELD_NAME"));
        }
        let mut found = Vec::new();
        for record in records {
            let fields = record["fields"].as_object().cloned().unwrap_or_default();
            if let Some(view) = text("view")
                && !in_view(view, &fields)?
            {
                continue;
            }
            if let Some(formula) = text("filterByFormula") {
                let seen = Record { id: record["id"].as_str().unwrap_or_default(), fields: &fields, known: &known };
                if !holds(formula, &seen).ok_or_else(|| refusal(422, "INVALID_FILTER_BY_FORMULA"))? {
                    continue;
                }
            }
            found.push(shown(record, fields, wanted.as_deref()));
        }
        let total = found.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let begin: usize = match text("offset") {
            None => 0,
            Some(_) if self.expire_cursors > 0 => {
                self.expire_cursors -= 1;
                return Err(refusal(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"));
            }
            Some(offset) => offset
                .strip_prefix("itrFAKE/")
                .and_then(|place| place.parse().ok())
                .filter(|place| *place <= total)
                .ok_or_else(|| refusal(422, "INVALID_OFFSET_VALUE"))?,
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let size = if self.short_pages { size.div_ceil(2) } else { size };
        let end = (begin + size).min(total);
        let page: Vec<Value> = found[begin..end].to_vec();
        Ok(if end < total {
            json!({ "records": page, "offset": format!("itrFAKE/{end}") })
        } else {
            json!({ "records": page })
        })
    }

    fn find(&mut self, base: &str, table: &str, id: &str, headers: &HeaderMap) -> Result<Value, Refusal> {
        self.admit(base, headers)?;
        let records = self.tables.get(table).ok_or_else(|| refusal(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"))?;
        let record = records.iter().find(|record| record["id"] == id);
        let record = record.ok_or_else(|| (StatusCode::NOT_FOUND, json!({ "error": "NOT_FOUND" })))?;
        Ok(shown(record, record["fields"].as_object().cloned().unwrap_or_default(), None))
    }

    fn admit(&mut self, base: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if token != format!("Bearer {}", self.token) {
            return Err(refusal(401, "AUTHENTICATION_REQUIRED"));
        }
        if !base.starts_with("app") {
            return Err((StatusCode::NOT_FOUND, json!({ "error": "NOT_FOUND" })));
        }
        if base != self.base {
            return Err(refusal(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"));
        }
        let now = Instant::now();
        self.recent.retain(|at| now.duration_since(*at) < Duration::from_secs(1));
        let locked = self.locked_until.is_some_and(|until| now < until);
        if locked || self.recent.len() >= REQUESTS_A_SECOND {
            if !locked {
                self.locked_until = Some(now + self.penalty);
            }
            let body =
                json!({ "errors": [{ "error": "RATE_LIMIT_REACHED", "message": "too many requests to this base" }] });
            return Err((StatusCode::TOO_MANY_REQUESTS, body));
        }
        self.recent.push(now);
        Ok(())
    }
}

/// A view here is `Field is value`, or `All`; every other name is not known.
fn in_view(view: &str, fields: &Map<String, Value>) -> Result<bool, Refusal> {
    match view {
        "All" => Ok(true),
        "Approved today" => Ok(fields.get("Status").is_some_and(|status| status == "Approved")),
        "Completed" => Ok(fields.get("Status").is_some_and(|status| status == "Completed")),
        _ => Err(refusal(422, "VIEW_NAME_NOT_FOUND")),
    }
}

/// Empty cells are left out.
fn shown(record: &Value, fields: Map<String, Value>, wanted: Option<&[String]>) -> Value {
    let is_empty =
        |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || value == "" || value == &json!([]);
    let fields: Map<String, Value> = fields
        .into_iter()
        .filter(|(name, value)| !is_empty(value) && wanted.is_none_or(|wanted| wanted.contains(name)))
        .collect();
    json!({ "id": record["id"], "createdTime": "2026-02-03T09:10:11.000Z", "fields": fields })
}
