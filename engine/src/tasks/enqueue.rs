//! A task becomes a run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::RunId;
use serde_json::{Value, json};
use sqlx::PgExecutor;

use super::key::{TaskId, canonical_json};
use super::kinds::{KindError, Kinds};
use super::task_queue;
use crate::start::{PrepareError, PrepareRun};
use crate::{Engine, StartError, StartKey, StartRun};

/// The scope of the keys of tasks that may be there once.
pub(super) const SCOPE: &str = "task";
/// Longer than any task may take: the key goes with the task, not with time.
const KEY_TTL: Duration = Duration::from_hours(367 * 24);
/// An expression has at most 1 MiB; this leaves room for other ways to write the same.
const TASK_BYTES_MAX: usize = 1_000_000;
/// Of what a run may take, with a moment left to work in.
const DUE_MAX: TimeDelta = TimeDelta::days(365);
/// Somebody else may be enqueueing equal tasks that end at once.
const TRIES_MAX: u32 = 20;

#[derive(Debug, Clone)]
pub struct NewTask {
    /// With its kind as `type`.
    pub task: Value,
    pub task_type: String,
    /// At most one that is equal to it and unfinished.
    pub unique: bool,
    /// Not before; `None` is at once.
    pub due_at: Option<DateTime<Utc>>,
    /// Of a task that another one enqueues: see [`derived_task_run`](super::derived_task_run).
    pub run: Option<RunId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    pub run: RunId,
    /// It was there already.
    pub duplicate: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    #[error("a task is a JSON object whose `type` is its kind")]
    NoKind,
    /// A document could not hand it to its step.
    #[error("a task has at most {TASK_BYTES_MAX} bytes as JSON; this one has {0}")]
    TooLarge(usize),
    /// Its run would be over before it begins.
    #[error("a task may be due 365 days from now at the latest")]
    TooLate,
    #[error(transparent)]
    Kind(#[from] KindError),
    #[error(transparent)]
    Refused(#[from] PrepareError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("equal tasks came and went too fast")]
    Busy,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Starts the run of a task; a unique one only when no equal one is there.
pub async fn enqueue(engine: &Engine, kinds: &Kinds, new: &NewTask) -> Result<Enqueued, EnqueueError> {
    let start = prepare(engine, kinds, new).await?;
    for _ in 0..TRIES_MAX {
        let started = engine.start(start.clone()).await?;
        if started.duplicate.is_none() || !release(engine.pool(), &start, Some(started.run)).await? {
            return Ok(Enqueued { run: started.run, duplicate: started.duplicate.is_some() });
        }
    }
    Err(EnqueueError::Busy)
}

/// The run that a task becomes.
pub(super) async fn prepare(engine: &Engine, kinds: &Kinds, new: &NewTask) -> Result<StartRun, EnqueueError> {
    let kind = new.task.get("type").and_then(Value::as_str).ok_or(EnqueueError::NoKind)?;
    if new.due_at.is_some_and(|due_at| due_at - engine.clock().now() > DUE_MAX) {
        return Err(EnqueueError::TooLate);
    }
    let version = kinds.version(engine, kind).await?;
    let text = canonical_json(&new.task);
    if text.len() > TASK_BYTES_MAX {
        return Err(EnqueueError::TooLarge(text.len()));
    }
    let hash = TaskId::of_canonical(&text);
    let key = new.unique.then(|| StartKey {
        scope: SCOPE.to_owned(),
        key: hash.to_string(),
        request_hash: hash.0,
        ttl: KEY_TTL,
        of_document: false,
    });
    let inputs = json!({ "task": &new.task, "queue": task_queue(&new.task_type) });
    let request = PrepareRun { trigger_id: None, trigger: json!({ "type": "task" }), inputs, scheduled_at: None, key };
    let run = new.run.unwrap_or_else(|| engine.new_run_id());
    let start = engine.prepare_as(run, version, request)?;
    Ok(StartRun { due_at: new.due_at, ..start })
}

/// True when the key of this start was held by a task that has ended, by `holder` if one is named.
pub(super) async fn release<'e>(
    executor: impl PgExecutor<'e>,
    start: &StartRun,
    holder: Option<RunId>,
) -> Result<bool, sqlx::Error> {
    let Some(key) = &start.key else { return Ok(false) };
    let holder = holder.map(|run| run.0);
    let released = sqlx::query_file!("queries/release_task_key.sql", SCOPE, key.key, holder).execute(executor).await?;
    Ok(released.rows_affected() > 0)
}
