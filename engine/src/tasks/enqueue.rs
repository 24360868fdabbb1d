//! A task becomes a run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_workflows::RunId;
use serde_json::{Value, json};

use super::key::TaskId;
use super::kinds::{KindError, Kinds};
use super::task_queue;
use crate::start::{PrepareError, PrepareRun};
use crate::{Engine, StartError, StartKey};

/// The scope of the keys of tasks that may be there once.
pub(super) const SCOPE: &str = "task";
/// Longer than any task may take: the key goes with the task, not with time.
const KEY_TTL: Duration = Duration::from_hours(367 * 24);
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
    let kind = new.task.get("type").and_then(Value::as_str).ok_or(EnqueueError::NoKind)?;
    let version = kinds.version(engine, kind).await?;
    let hash = TaskId::of(&new.task);
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
    let mut start = engine.prepare_as(run, version, request)?;
    start.due_at = new.due_at;
    for _ in 0..TRIES_MAX {
        let started = engine.start(start.clone()).await?;
        if started.duplicate.is_none() || !release(engine, &hash, started.run).await? {
            return Ok(Enqueued { run: started.run, duplicate: started.duplicate.is_some() });
        }
    }
    Err(EnqueueError::Busy)
}

/// True when the key was held by a task that has ended.
async fn release(engine: &Engine, hash: &TaskId, run: RunId) -> Result<bool, sqlx::Error> {
    let released = sqlx::query_file!("queries/release_task_key.sql", SCOPE, hash.to_string(), run.0)
        .execute(engine.pool())
        .await?;
    Ok(released.rows_affected() > 0)
}
