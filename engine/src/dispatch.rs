//! Event triggers: which runs an event starts. Doing it again starts none a second time.

use chrono::{DateTime, Utc};
use onward_workflows::{EventId, RunId};
use serde_json::json;

use crate::start::{PrepareError, PrepareRun, StartError, StartKey};
use crate::{Emitted, Engine, NewEvent, VersionError, emit};

/// Triggers that one event fires.
const TRIGGERS_MAX: i64 = 1_000;
/// A chain of events that start runs that send events ends here.
const DEPTH_MAX: i16 = 20;
/// How long an event's runs are told apart from those of a repeated look.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(24);
/// After this an event that was not looked at to the end is looked at again.
const LEFT_OVER_SECONDS: f64 = 5.0;
const LEFT_OVER_MAX: i64 = 100;

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error("start the runs of an event")]
    Start(#[from] StartError),
}

/// Stores an event, wakes who waits for it, and starts the runs of its triggers.
pub async fn send_event(engine: &Engine, event: &NewEvent) -> Result<Emitted, SendError> {
    let emitted = emit(engine, event).await?;
    if emitted.duplicate {
        return Ok(emitted);
    }
    let started = dispatch(engine, event, emitted.received_at).await?;
    Ok(Emitted { started, ..emitted })
}

/// Looks again at events that a process left behind; says how many.
pub async fn dispatch_left_over(engine: &Engine) -> Result<usize, SendError> {
    let rows = sqlx::query_file!("queries/list_undispatched.sql", LEFT_OVER_SECONDS, LEFT_OVER_MAX)
        .fetch_all(engine.pool())
        .await?;
    let found = rows.len();
    for row in rows {
        let event = NewEvent {
            id: EventId(row.id),
            name: row.name,
            key: row.key,
            data: serde_json::from_str(&row.data).unwrap_or_default(),
            depth: row.depth,
            run: row.run_id.map(RunId),
        };
        dispatch(engine, &event, row.received_at).await?;
    }
    Ok(found)
}

async fn dispatch(engine: &Engine, event: &NewEvent, received_at: DateTime<Utc>) -> Result<i32, SendError> {
    let triggers =
        sqlx::query_file!("queries/list_event_triggers.sql", event.name, TRIGGERS_MAX).fetch_all(engine.pool()).await?;
    let mut started = 0;
    if event.depth > DEPTH_MAX && !triggers.is_empty() {
        tracing::warn!(event = %event.name, "a chain of events is longer than {DEPTH_MAX} and ends here");
    } else {
        for trigger in triggers {
            if start(engine, event, received_at, &trigger.workflow, &trigger.trigger_id, trigger.version).await? {
                started += 1;
            }
        }
    }
    sqlx::query_file!("queries/count_started.sql", event.id.0, started).execute(engine.pool()).await?;
    Ok(started)
}

/// One trigger; true when it has a run of this event.
async fn start(
    engine: &Engine,
    event: &NewEvent,
    received_at: DateTime<Utc>,
    workflow: &str,
    trigger_id: &str,
    version: i32,
) -> Result<bool, SendError> {
    let version = match engine.versions().load(engine.pool(), workflow, version).await {
        Ok(version) => version,
        Err(VersionError::Database(error)) => return Err(error.into()),
        Err(error @ (VersionError::NotFound { .. } | VersionError::Undecodable { .. })) => {
            tracing::error!(workflow, error = %error, "an event could not start a workflow");
            return Ok(false);
        }
    };
    let id = event.id.to_string();
    let trigger = json!({
        "type": "event", "id": trigger_id, "time": received_at, "event": event.name, "key": event.key,
        "data": event.data, "event_id": id, "depth": event.depth,
    });
    // A payload of another shape than the inputs' cannot be one.
    let inputs = if event.data.is_object() { event.data.clone() } else { json!({}) };
    let request =
        PrepareRun { trigger_id: Some(trigger_id.to_owned()), trigger, inputs, scheduled_at: None, key: None };
    let mut start = match engine.prepare(version, request) {
        Ok(start) => start,
        Err(PrepareError::Filtered) => return Ok(false),
        Err(error) => {
            tracing::warn!(workflow, trigger.id = trigger_id, event = %event.name, error = %error, "an event was refused");
            return Ok(false);
        }
    };
    let own_key = start.key.is_none();
    if own_key {
        start.key = Some(StartKey {
            scope: format!("event/{workflow}/{trigger_id}"),
            key: id,
            request_hash: [0; 32],
            ttl: REMEMBERED,
            of_document: true,
        });
    }
    // Under a key of the event, what is there already was started by an earlier look.
    Ok(engine.start(start).await?.duplicate.is_none() || own_key)
}
