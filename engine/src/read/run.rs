//! One run with everything that people ask about it.

use chrono::{DateTime, Utc};
use onward_workflows::{Diagnostic, RunId, StepError};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::diagnose;
use super::error::ReadError;
use super::list::parse_error;
use super::state::RunState;
use crate::Engine;
use crate::history::parse;

/// What a run waits for at the same time; the rest is not shown.
const WAITS_MAX: i64 = 100;

#[derive(Debug, Serialize)]
pub struct RunDetail {
    pub id: RunId,
    pub workflow: String,
    pub version: i32,
    /// Null for a run started by hand.
    pub trigger_id: Option<String>,
    pub status: RunState,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// The earliest first.
    pub waiting_for: Vec<WaitingFor>,
    pub inputs: Box<RawValue>,
    pub trigger: Option<Box<RawValue>>,
    pub output: Option<Box<RawValue>>,
    pub error: Option<StepError>,
    /// The error's line of the document, if it is that of an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Box<Diagnostic>>,
    /// Paths of steps whose undo has failed for good: a person has to look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_undone: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingFor {
    pub kind: WaitingKind,
    pub path: String,
    pub attempt: u32,
    pub due_at: Option<DateTime<Utc>>,
    /// Of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The called run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitingKind {
    Timer,
    Retry,
    Event,
    Child,
    Routed,
    Slot,
    Person,
}

/// None when there is no such run.
pub async fn find_run(engine: &Engine, run: RunId) -> Result<Option<RunDetail>, ReadError> {
    let row = sqlx::query_file!("queries/find_run.sql", run.0).fetch_optional(engine.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let status: RunState = row.state.parse().map_err(|error| ReadError::corrupt(run, "status", error))?;
    let waiting_for = if status.has_ended() { Vec::new() } else { read_waits(engine, run).await? };
    let error = parse_error(run, row.error.as_deref())?;
    let diagnostic = diagnose::of_run(engine, run, (&row.workflow, row.version), error.as_ref()).await?;
    Ok(Some(RunDetail {
        id: run,
        workflow: row.workflow,
        version: row.version,
        trigger_id: row.trigger_id,
        status,
        created_at: row.created_at,
        scheduled_at: row.scheduled_at,
        finished_at: row.finished_at,
        cancel_requested_at: row.cancel_requested_at,
        waiting_for,
        inputs: raw(run, "inputs", row.inputs)?,
        trigger: row.trigger.map(|text| raw(run, "trigger", text)).transpose()?,
        output: row.output.map(|text| raw(run, "output", text)).transpose()?,
        error,
        diagnostic,
        not_undone: parse(run, "not_undone", row.not_undone.as_deref())?.unwrap_or_default(),
    }))
}

async fn read_waits(engine: &Engine, run: RunId) -> Result<Vec<WaitingFor>, ReadError> {
    let rows = sqlx::query_file!("queries/list_waits.sql", run.0, WAITS_MAX).fetch_all(engine.pool()).await?;
    rows.into_iter()
        .map(|row| {
            let kind = serde_json::from_value(row.kind.into())
                .map_err(|error| ReadError::corrupt(run, "pending.kind", error))?;
            let (name, run_id) = match kind {
                WaitingKind::Child => (None, row.name.and_then(|name| Uuid::try_parse(&name).ok()).map(RunId)),
                WaitingKind::Timer
                | WaitingKind::Retry
                | WaitingKind::Event
                | WaitingKind::Routed
                | WaitingKind::Slot
                | WaitingKind::Person => (row.name, None),
            };
            Ok(WaitingFor {
                kind,
                path: row.path,
                attempt: row.attempt.unsigned_abs(),
                due_at: row.due_at,
                name,
                key: row.key,
                run_id,
            })
        })
        .collect()
}

/// Passed on as it was stored: a large output is not parsed only to be printed again.
fn raw(run: RunId, column: &'static str, text: String) -> Result<Box<RawValue>, ReadError> {
    RawValue::from_string(text).map_err(|error| ReadError::corrupt(run, column, error))
}
