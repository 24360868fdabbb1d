//! Ending a wait, or an ambiguity, by hand.

use std::sync::Arc;

use onward_workflows::{CheckpointStatus, Flow, RunId, Step, Wait, WaitKind, check_payload, step_at};
use serde_json::{Value, json};

use super::note;
use crate::history::{CorruptRow, OutsideError, read_histories, read_outside, read_runs};
use crate::{Engine, VersionError};

/// What becomes of a step that waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Settling {
    /// It has succeeded, with this output.
    Complete(Value),
    Skip,
    /// Another attempt, now.
    Retry,
}

#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("there is no such run")]
    NotFound,
    #[error("the run has already ended")]
    Ended,
    /// With the paths that do wait.
    #[error("`{path}` does not wait for anything")]
    NotWaiting { path: String, waiting: Vec<String> },
    #[error("only an ambiguous step and one that waits for its next attempt can be tried again")]
    NotRepeatable,
    #[error("the output cannot be stored: {0}")]
    Output(String),
    #[error("it was settled by somebody else meanwhile")]
    Late,
    #[error("read the run")]
    Corrupt(#[from] CorruptRow),
    #[error("read its version")]
    Version(#[from] VersionError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

impl From<OutsideError> for SettleError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Database(error) => Self::Database(error),
            OutsideError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

pub async fn settle(engine: &Engine, run: RunId, path: &str, settling: Settling, by: &str) -> Result<(), SettleError> {
    if let Settling::Complete(output) = &settling {
        check_payload(output).map_err(|problem| SettleError::Output(problem.to_string()))?;
    }
    let status = sqlx::query_file_scalar!("queries/find_run_status.sql", run.0).fetch_optional(engine.pool()).await?;
    match status {
        None => return Err(SettleError::NotFound),
        Some(Some(_)) => return Err(SettleError::Ended),
        Some(None) => {}
    }
    let attempt = attempt_of(engine, run, path, &settling).await?;
    let now = engine.clock().now();
    let (action, status, output) = match &settling {
        Settling::Complete(output) => ("complete", CheckpointStatus::Succeeded, Some(output.to_string())),
        Settling::Skip => ("skip", CheckpointStatus::Skipped, None),
        Settling::Retry => ("retry_step", CheckpointStatus::Retrying, None),
    };
    let status = serde_json::to_value(status).expect("a status is a word");
    let mut transaction = engine.pool().begin().await?;
    let job = sqlx::query_file!("queries/lock_job.sql", run.0).fetch_optional(&mut *transaction).await?;
    let Some(job) = job else { return Err(SettleError::Ended) };
    let stored = sqlx::query_file!(
        "queries/insert_settled.sql",
        run.0,
        path,
        i32::try_from(attempt).unwrap_or(i32::MAX),
        status.as_str(),
        output,
        now,
        by
    )
    .execute(&mut *transaction)
    .await?;
    if stored.rows_affected() == 0 {
        return Err(SettleError::Late);
    }
    note(&mut transaction, by, action, run, Some(path), &json!({ "attempt": attempt })).await?;
    sqlx::query_file!("queries/wake_runs.sql", &[run.0]).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    engine.wakes().queue(&job.queue);
    engine.wakes().run(run);
    Ok(())
}

/// The number that the row gets which settles it.
async fn attempt_of(engine: &Engine, run: RunId, path: &str, settling: &Settling) -> Result<u32, SettleError> {
    let (pool, ids) = (engine.pool(), [run.0]);
    let Some(stored) = read_runs(pool, &ids).await?.remove(&run.0) else { return Err(SettleError::NotFound) };
    let version = engine.versions().load(pool, &stored.workflow, stored.version).await?;
    let mut histories = read_histories(pool, &ids).await?;
    if version.waits_outside {
        read_outside(pool, &ids, &mut histories).await?;
    }
    let history = histories.remove(&run.0).unwrap_or_default();
    let past = history.past(run, None)?;
    let facts = Arc::new(stored.facts(run, &version)?);
    let mut flow = Flow::resume(Arc::clone(&version.definition), facts, past);
    flow.next(engine.clock().now());
    // The time of a block is no wait of its own: what it encloses can be settled.
    let is_leaf = |wait: &Wait| {
        wait.kind != WaitKind::Timer || !step_at(&version.definition, &wait.path).is_some_and(Step::is_container)
    };
    let waits: Vec<Wait> = flow.waits().into_iter().filter(is_leaf).collect();
    let Some(wait) = waits.iter().find(|wait| wait.path == path) else {
        let waiting = waits.into_iter().map(|wait| wait.path).collect();
        return Err(SettleError::NotWaiting { path: path.to_owned(), waiting });
    };
    let between_attempts = matches!(wait.kind, WaitKind::Retry | WaitKind::Person);
    if *settling == Settling::Retry && !between_attempts {
        return Err(SettleError::NotRepeatable);
    }
    Ok(if between_attempts { wait.attempt + 1 } else { wait.attempt })
}
