//! A failed run goes on from the steps that failed, on the same version.

use onward_workflows::{Again, Checkpoint, NotAgain, RunId, StartFields};
use serde_json::json;

use super::note;
use crate::history::{CorruptRow, read_histories, read_runs};
use crate::{DEFAULT_QUEUE, Engine, Priority, VersionError};

#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such run")]
    NotFound,
    #[error("only a failed run can go on; this one is {0}")]
    NotFailed(&'static str),
    #[error("somebody else has let it go on meanwhile")]
    Late,
    #[error(transparent)]
    NotAgain(#[from] NotAgain),
    #[error("its `timeout` is over; replay it instead")]
    TooOld,
    #[error("read the run")]
    Corrupt(#[from] CorruptRow),
    #[error("read its version")]
    Version(#[from] VersionError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// `only`: a path, or the beginning of one, such as one item of a loop. Says which paths are tried again.
pub async fn retry(engine: &Engine, run: RunId, only: Option<&str>, by: &str) -> Result<Vec<String>, RetryError> {
    let (pool, ids) = (engine.pool(), [run.0]);
    let Some(stored) = read_runs(pool, &ids).await?.remove(&run.0) else { return Err(RetryError::NotFound) };
    let status = sqlx::query_file_scalar!("queries/find_run_status.sql", run.0).fetch_optional(pool).await?.flatten();
    match status.as_deref() {
        Some("failed") => {}
        Some("succeeded") => return Err(RetryError::NotFailed("succeeded")),
        Some(_) => return Err(RetryError::NotFailed("canceled")),
        None => return Err(RetryError::NotFailed("under way")),
    }
    let version = engine.versions().load(pool, &stored.workflow, stored.version).await?;
    let facts = stored.facts(run, &version)?;
    let now = engine.clock().now();
    if facts.created_at + version.definition.timeout <= now {
        return Err(RetryError::TooOld);
    }
    let history = read_histories(pool, &ids).await?.remove(&run.0).unwrap_or_default();
    let checkpoints: Vec<Checkpoint> =
        history.checkpoints.into_iter().map(|row| row.parse(run)).collect::<Result<_, _>>()?;
    let fields =
        StartFields::read(&version.definition, &facts.inputs, &facts.trigger, engine.env()).unwrap_or_default();
    let queue = fields.queue.clone().unwrap_or_else(|| DEFAULT_QUEUE.to_owned());
    let priority = fields.priority().map_or(Priority::Normal, Priority::from);
    let mut transaction = pool.begin().await?;
    let reopened = sqlx::query_file!("queries/reopen_run.sql", run.0).execute(&mut *transaction).await?;
    if reopened.rows_affected() == 0 {
        return Err(RetryError::Late);
    }
    let again = Again::plan(&version.definition, &checkpoints, only)?;
    let paths: Vec<String> = again.repeat.iter().map(|(path, _)| path.clone()).collect();
    sqlx::query_file!("queries/forget_checkpoints.sql", run.0, &again.forget).execute(&mut *transaction).await?;
    for (path, attempt) in &again.repeat {
        let attempt = i32::try_from(attempt + 1).unwrap_or(i32::MAX);
        let none: Option<String> = None;
        let stored = sqlx::query_file!("queries/insert_settled.sql", run.0, path, attempt, "retrying", none, now, by)
            .execute(&mut *transaction)
            .await?;
        // It has gone on, and failed again, since the plan was made.
        if stored.rows_affected() == 0 {
            return Err(RetryError::Late);
        }
    }
    sqlx::query_file!("queries/insert_job.sql", run.0, queue, priority.as_str()).execute(&mut *transaction).await?;
    note(&mut transaction, by, "retry", run, only, &json!({ "paths": paths })).await?;
    transaction.commit().await?;
    engine.wakes().queue(&queue);
    Ok(paths)
}
