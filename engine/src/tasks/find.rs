//! A task as its program sees it.

use chrono::{DateTime, Utc};
use onward_workflows::{RunId, StepError};
use serde_json::Value;

use super::document::AUTHOR;
use super::enqueue::SCOPE;
use super::key::TaskId;
use crate::history::parse;
use crate::{Engine, ReadError};

#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    pub run: RunId,
    pub task: Value,
    pub queue: String,
    /// `None` while it is not finished.
    pub succeeded: Option<bool>,
    /// A worker has it in hand.
    pub owned: bool,
    pub error: Option<StepError>,
    /// Attempts that failed and were followed by another one.
    pub retries: u32,
    /// When it goes on; of a finished one when it came.
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// None when there is no such run, or when it is not a task's.
pub async fn find_task(engine: &Engine, run: RunId) -> Result<Option<TaskRow>, ReadError> {
    let row = sqlx::query_file!("queries/find_task.sql", run.0, AUTHOR).fetch_optional(engine.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let inputs: Option<Value> = parse(run, "run.inputs", Some(&row.inputs))?;
    let mut inputs = inputs.unwrap_or_default();
    let error: Option<StepError> = parse(run, "run.error", row.error.as_deref())?;
    Ok(Some(TaskRow {
        run,
        task: inputs["task"].take(),
        queue: inputs["queue"].as_str().unwrap_or_default().to_owned(),
        succeeded: row.status.map(|status| status == "succeeded"),
        owned: row.owned,
        error,
        retries: u32::try_from(row.retries).unwrap_or_default(),
        due_at: row.due_at.unwrap_or(row.created_at),
        created_at: row.created_at,
        finished_at: row.finished_at,
    }))
}

/// The unfinished task that is equal to a unique one.
pub async fn find_held_task(engine: &Engine, task: &Value) -> Result<Option<RunId>, sqlx::Error> {
    let key = TaskId::of(task).to_string();
    let run = sqlx::query_file_scalar!("queries/find_task_key.sql", SCOPE, key).fetch_optional(engine.pool()).await?;
    Ok(run.map(RunId))
}

/// Whether a run with this id has ever been started.
pub async fn is_task_known(engine: &Engine, run: RunId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_file_scalar!("queries/find_started.sql", &[run.0]).fetch_optional(engine.pool()).await?;
    Ok(found.is_some())
}
