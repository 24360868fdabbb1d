//! Tasks that come again and again: a workflow each, with a cron trigger.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::document::{self, AUTHOR};
use super::key::TaskId;
use super::kinds::{KindError, keep};
use super::task_queue;
use crate::triggers::list_triggers;
use crate::{Engine, VersionError};

/// Schedules that one look takes in.
const SCHEDULES_MAX: i64 = 10_000;

#[derive(Debug, Clone, PartialEq)]
pub struct TaskSchedule {
    /// Of the task as it is written.
    pub id: TaskId,
    pub workflow: String,
    pub task: Value,
    pub queue: String,
    pub next_at: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScheduleTaskError {
    #[error(transparent)]
    Kind(#[from] KindError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Has the task start at the instants of a schedule. Doing it again changes nothing, or the schedule.
pub async fn schedule_task(
    engine: &Engine,
    task: &Value,
    task_type: &str,
    schedule: &str,
) -> Result<TaskSchedule, ScheduleTaskError> {
    let id = TaskId::of(task);
    let (workflow, queue) = (document::schedule_of(id), task_queue(task_type));
    keep(engine, &workflow, document::of_schedule(&workflow, task, &queue, schedule)).await?;
    let mut connection = engine.pool().acquire().await?;
    let next_at = next_of(&mut connection, &workflow).await?;
    Ok(TaskSchedule { id, workflow, task: task.clone(), queue, next_at })
}

async fn next_of(connection: &mut PgConnection, workflow: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let triggers = list_triggers(connection, &[workflow.to_owned()]).await?;
    Ok(triggers.into_iter().find_map(|trigger| trigger.next_at))
}

/// All that can still fire.
pub async fn list_task_schedules(engine: &Engine) -> Result<Vec<TaskSchedule>, VersionError> {
    let rows =
        sqlx::query_file!("queries/list_task_schedules.sql", AUTHOR, SCHEDULES_MAX).fetch_all(engine.pool()).await?;
    let mut connection = engine.pool().acquire().await?;
    let mut schedules = Vec::with_capacity(rows.len());
    for row in rows {
        let version = engine.versions().load(engine.pool(), &row.id, row.version).await?;
        let default = |input: &str| {
            let input = version.definition.inputs.get(input);
            input.and_then(|input| input.default.clone()).unwrap_or_default()
        };
        let task = default("task");
        schedules.push(TaskSchedule {
            id: TaskId::of(&task),
            queue: default("queue").as_str().unwrap_or_default().to_owned(),
            next_at: next_of(&mut connection, &row.id).await?,
            task,
            workflow: row.id,
        });
    }
    Ok(schedules)
}

/// Takes their triggers away and says how many fire no more. Runs that they have started go on.
pub async fn remove_task_schedules(engine: &Engine, schedules: &[TaskSchedule]) -> Result<u64, sqlx::Error> {
    let workflows: Vec<String> = schedules.iter().map(|schedule| schedule.workflow.clone()).collect();
    let mut transaction = engine.pool().begin().await?;
    sqlx::query_file!("queries/lock_deploys.sql").fetch_one(&mut *transaction).await?;
    let removed = sqlx::query_file!("queries/disable_workflows.sql", &workflows).execute(&mut *transaction).await?;
    sqlx::query_file!("queries/delete_triggers.sql", &workflows).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(removed.rows_affected())
}
