//! Events: sending them, and looking at what they have done.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{EVENT_ID_AGE_MAX, EventFilter, NewEvent, Scope, list_events, send_event};
use onward_workflows::EventId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::body;
use crate::idempotency;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;

const EVENTS_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 255;
const DATA_BYTES_MAX: usize = 512 * 1024;
/// Of a whole list.
const LIST_BYTES_MAX: usize = 5 * 1024 * 1024;
/// By how much a sender's clock may be ahead.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRequest {
    name: String,
    key: Option<String>,
    #[serde(default)]
    data: Value,
    /// Chosen by the sender: the same one again changes nothing.
    id: Option<String>,
}

/// One event, or a list of them.
pub async fn send(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::EventsWrite).await?;
    Query::refuse(&uri)?;
    idempotency::refuse(&headers, "give each event an `id` of its own; the same id again changes nothing")?;
    let bytes = body::read(body, LIST_BYTES_MAX, api.settings.body_timeout).await?;
    let requests = match body::parse_request(&headers, &bytes)? {
        Value::Array(events) => events,
        one => vec![one],
    };
    if !(1..=EVENTS_MAX).contains(&requests.len()) {
        return Err(invalid(None, format!("a list has 1 to {EVENTS_MAX} events, not {}", requests.len())));
    }
    let now = api.engine.clock().now();
    let single = requests.len() == 1;
    let mut events = Vec::with_capacity(requests.len());
    for (place, request) in requests.into_iter().enumerate() {
        let place = (!single).then_some(place);
        let request: EventRequest =
            serde_json::from_value(request).map_err(|error| invalid(place, error.to_string()))?;
        events.push(check(&api, request, now).map_err(|why| invalid(place, why))?);
    }
    // One after the other, so that they count in the order of the list.
    let (mut ids, mut woke, mut started) = (Vec::with_capacity(events.len()), 0, 0);
    for event in &events {
        let sent = send_event(&api.engine, event).await?;
        ids.push(sent.id);
        woke += sent.woke;
        started += sent.started;
    }
    tracing::debug!(by = %caller.name, events = ids.len(), woke, started, "events were received");
    Ok((StatusCode::ACCEPTED, Json(json!({ "ids": ids, "woke": woke, "started": started }))).into_response())
}

fn check(api: &Api, request: EventRequest, now: DateTime<Utc>) -> Result<NewEvent, String> {
    let EventRequest { name, key, data, id } = request;
    for (field, text) in [("name", Some(&name)), ("key", key.as_ref())] {
        if text.is_some_and(|text| !(1..=NAME_BYTES_MAX).contains(&text.len())) {
            return Err(format!("`{field}` has 1 to {NAME_BYTES_MAX} bytes"));
        }
    }
    if data.to_string().len() > DATA_BYTES_MAX {
        return Err(format!("`data` has {DATA_BYTES_MAX} bytes at most"));
    }
    let id = match id {
        None => api.engine.new_event_id(),
        Some(text) => chosen(&text, now)?,
    };
    Ok(NewEvent { id, name, key, data, depth: 0, run: None })
}

/// Ids begin with their time, and events are kept by it.
fn chosen(text: &str, now: DateTime<Utc>) -> Result<EventId, String> {
    let id: EventId = text.parse().map_err(|error| format!("`id`: {error}"))?;
    let millis = i64::try_from(id.0.as_u128() >> 80).unwrap_or(i64::MAX);
    let made_at = DateTime::from_timestamp_millis(millis);
    match made_at {
        Some(made_at) if (now - EVENT_ID_AGE_MAX..=now + AHEAD_MAX).contains(&made_at) => Ok(id),
        _ => Err("`id` is a UUIDv7 of the last days, written like ours: its first 48 bits are its time".to_owned()),
    }
}

fn invalid(place: Option<usize>, why: String) -> Problem {
    let detail = match place {
        Some(place) => format!("event {place} of the list: {why}"),
        None => why,
    };
    Problem::new(Code::InvalidRequest, detail)
}

pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    let query = Query::parse(&uri, &["name", "key", "since", "until", "limit", "cursor"])?;
    let now = api.engine.clock().now();
    let filter = EventFilter {
        name: query.one("name").map(str::to_owned),
        key: query.one("key").map(str::to_owned),
        since: query.instant("since", now)?,
        until: query.instant("until", now)?,
    };
    let page = list_events(&api.engine, &filter, query.parsed("cursor")?, query.limit()?).await?;
    Ok(Json(page).into_response())
}

pub async fn show(State(api): State<Api>, Name(id): Name, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    Query::refuse(&uri)?;
    let unknown = || Problem::not_found(&format!("event `{id}`"));
    let event: EventId = id.parse().map_err(|_| unknown())?;
    let event = onward_engine::find_event(&api.engine, event).await?.ok_or_else(unknown)?;
    Ok(Json(event).into_response())
}
