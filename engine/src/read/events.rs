//! Events that were received, and what they have done.

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{EventId, RunId};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::list::{PAGE_MAX, first_id};
use crate::{EVENT_ID_AGE_MAX, Engine};

/// Of the runs that one event has started; the rest is not shown.
const RUNS_MAX: i64 = 100;

/// Which events a page shows.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub name: Option<String>,
    pub key: Option<String>,
    /// Received at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Received before this instant.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EventRow {
    pub id: EventId,
    pub name: String,
    pub key: Option<String>,
    pub received_at: DateTime<Utc>,
    /// The run whose step sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Waiting runs that it has woken; one that waited for another content went on waiting.
    pub woke: i32,
    /// Runs that it has started; null until its triggers have been looked at.
    pub started: Option<i32>,
}

#[derive(Debug, Serialize)]
pub struct EventPage {
    pub data: Vec<EventRow>,
    pub next_cursor: Option<EventId>,
}

#[derive(Debug, Serialize)]
pub struct EventDetail {
    #[serde(flatten)]
    pub row: EventRow,
    /// Known for a day.
    pub runs: Vec<EventRun>,
    pub data: Box<RawValue>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EventRun {
    pub run_id: RunId,
    pub workflow: String,
    pub trigger_id: String,
}

/// Newest first.
pub async fn list_events(
    engine: &Engine,
    filter: &EventFilter,
    before: Option<EventId>,
    limit: u16,
) -> Result<EventPage, sqlx::Error> {
    let limit = limit.clamp(1, PAGE_MAX);
    let to = before.map_or(Uuid::max(), |cursor| cursor.0);
    let from = filter.since.map_or(Uuid::nil(), |since| first_id(since - EVENT_ID_AGE_MAX - TimeDelta::minutes(1)));
    let (name, key) = (filter.name.as_deref(), filter.key.as_deref());
    let rows = sqlx::query_file!(
        "queries/list_events.sql",
        to,
        from,
        name,
        key,
        filter.since,
        filter.until,
        i64::from(limit) + 1
    )
    .fetch_all(engine.pool())
    .await?;
    let more = rows.len() > usize::from(limit);
    let data: Vec<EventRow> = rows
        .into_iter()
        .take(usize::from(limit))
        .map(|row| EventRow {
            id: EventId(row.id),
            name: row.name,
            key: row.key,
            received_at: row.received_at,
            run_id: row.run_id.map(RunId),
            woke: row.woke,
            started: row.started,
        })
        .collect();
    let next_cursor = data.last().filter(|_| more).map(|last| last.id);
    Ok(EventPage { data, next_cursor })
}

/// None when there is no such event.
pub async fn find_event(engine: &Engine, event: EventId) -> Result<Option<EventDetail>, sqlx::Error> {
    let row = sqlx::query_file!("queries/find_event.sql", event.0).fetch_optional(engine.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let runs = sqlx::query_file!("queries/list_event_runs.sql", event.to_string(), RUNS_MAX)
        .fetch_all(engine.pool())
        .await?
        .into_iter()
        .map(|row| EventRun { run_id: RunId(row.run), workflow: row.workflow, trigger_id: row.trigger_id })
        .collect();
    Ok(Some(EventDetail {
        row: EventRow {
            id: event,
            name: row.name,
            key: row.key,
            received_at: row.received_at,
            run_id: row.run_id.map(RunId),
            woke: row.woke,
            started: row.started,
        },
        runs,
        data: RawValue::from_string(row.data).map_err(|error| sqlx::Error::Decode(error.into()))?,
    }))
}
