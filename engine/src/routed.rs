//! Routed steps: attempts that are jobs of their own, because another queue's workers carry them out.
//!
//! Whoever claims such a job carries its attempt out and leaves the outcome with the run's other waits. What follows from
//! it, the checkpoint included, is for the run's owner to say, so that a run has one writer.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onward_workflows::{Cancel, Outcome, RoutedEnd, RoutedStep, RunFacts, RunId, StepError, WorkerId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::history::{CorruptRow, OutsideError, parse, read_histories, read_outside, read_runs};
use crate::{Claimed, Engine, Version, VersionError};

/// An attempt in `pending`, its outcome still as text.
pub(crate) struct StoredRouted {
    pub path: String,
    pub attempt: u32,
    pub queue: String,
    pub end: Option<StoredEnd>,
}

pub(crate) struct StoredEnd {
    pub outcome: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// An outcome as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Done(Value),
    Failed(StepError),
    Ambiguous(StepError),
}

impl From<Stored> for Outcome {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Done(output) => Self::Done(output),
            Stored::Failed(error) => Self::Failed(error),
            Stored::Ambiguous(error) => Self::Ambiguous(error),
        }
    }
}

fn encoded(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(output) => json!({ "done": output }),
        Outcome::Failed(error) => json!({ "failed": error }),
        Outcome::Ambiguous(error) => json!({ "ambiguous": error }),
    }
    .to_string()
}

impl StoredRouted {
    pub fn parse(self, run: RunId) -> Result<RoutedStep, CorruptRow> {
        let Self { path, attempt, queue, end } = self;
        let Some(StoredEnd { outcome, started_at, finished_at }) = end else {
            return Ok(RoutedStep { path, attempt, queue, end: None });
        };
        let stored: Option<Stored> = parse(run, "pending.outcome", Some(&outcome))?;
        let end = stored.map(|stored| RoutedEnd { outcome: stored.into(), started_at, finished_at });
        Ok(RoutedStep { path, attempt, queue, end })
    }
}

/// A routed step that this worker may carry out.
#[derive(Debug)]
pub struct LoadedStep {
    pub attempt: u32,
    pub version: Arc<Version>,
    pub facts: Arc<RunFacts>,
    pub past: onward_workflows::Past,
    /// The run does not need it any more.
    pub recalled: bool,
    /// An earlier worker announced its effect, and was lost before it could say what came of it.
    pub begun: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RoutedError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl From<OutsideError> for RoutedError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Database(error) => Self::Database(error),
            OutsideError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

/// What is known of the run that a claimed step belongs to; `None`: nobody waits for the step any more.
pub async fn load_routed(engine: &Engine, worker: WorkerId, job: &Claimed) -> Result<Option<LoadedStep>, RoutedError> {
    let (pool, ids) = (engine.pool(), [job.run.0]);
    let found =
        sqlx::query_file!("queries/find_routed.sql", job.run.0, job.path, worker.0).fetch_optional(pool).await?;
    let Some(found) = found else { return Ok(None) };
    let Some(stored) = read_runs(pool, &ids).await?.remove(&job.run.0) else { return Ok(None) };
    let version = engine.versions().load(pool, &stored.workflow, stored.version).await?;
    let mut histories = read_histories(pool, &ids).await?;
    if version.waits_outside {
        read_outside(pool, &ids, &mut histories).await?;
    }
    let history = histories.remove(&job.run.0).unwrap_or_default();
    let cancel = found.cancel_requested_at.map(|at| Cancel { at, undo: found.cancel_undo });
    Ok(Some(LoadedStep {
        attempt: found.attempt.unsigned_abs(),
        facts: Arc::new(stored.facts(job.run, &version)?),
        version,
        past: history.past(job.run, cancel)?,
        recalled: found.recalled,
        begun: found.begun,
    }))
}

/// Says that the step is about to have its effect; false when it is not this worker's any more.
pub async fn announce_routed(
    engine: &Engine,
    worker: WorkerId,
    job: &Claimed,
    (attempt, repeatable): (u32, bool),
) -> Result<bool, sqlx::Error> {
    sqlx::query_file_scalar!(
        "queries/announce_routed.sql",
        worker.0,
        job.run.0,
        job.path,
        job.wakes,
        number(attempt),
        repeatable
    )
    .fetch_one(engine.pool())
    .await
}

/// What a routed attempt came to.
#[derive(Debug, Clone)]
pub struct FinishedRouted {
    pub attempt: u32,
    pub end: RoutedEnd,
}

/// Leaves the outcome for the run's owner and wakes the run. When the step is not this worker's any more nothing is
/// written: whoever has it now will say. Repeating it after a lost answer is harmless.
pub async fn finish_routed(
    engine: &Engine,
    worker: WorkerId,
    job: &Claimed,
    finished: &FinishedRouted,
) -> Result<(), sqlx::Error> {
    let FinishedRouted { attempt, end: RoutedEnd { outcome, started_at, finished_at } } = finished;
    let row = sqlx::query_file!(
        "queries/finish_routed.sql",
        worker.0,
        job.run.0,
        job.path,
        job.wakes,
        number(*attempt),
        encoded(outcome),
        started_at,
        finished_at
    )
    .fetch_one(engine.pool())
    .await?;
    if let Some(queue) = row.queue.filter(|_| row.mine) {
        engine.wakes().queue(&queue);
        engine.wakes().run(job.run);
    }
    Ok(())
}

/// The run does not need this attempt any more: one that nobody has begun is taken back, and any other stopped by its
/// worker if that is harmless.
pub async fn recall_routed(
    engine: &Engine,
    worker: WorkerId,
    run: RunId,
    (path, attempt): (&str, u32),
) -> Result<(), sqlx::Error> {
    let recalled = Outcome::Failed(StepError::stopped());
    let row =
        sqlx::query_file!("queries/recall_routed.sql", worker.0, run.0, path, number(attempt), encoded(&recalled))
            .fetch_one(engine.pool())
            .await?;
    if let Some(queue) = row.marked {
        engine.wakes().queue(&queue);
        engine.wakes().run(run);
    }
    Ok(())
}

/// Takes away a job that nobody waits for.
pub async fn drop_routed(engine: &Engine, worker: WorkerId, job: &Claimed) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/drop_routed.sql", worker.0, job.run.0, job.path).execute(engine.pool()).await?;
    Ok(())
}

/// Hands the step on to another queue.
pub async fn reroute(engine: &Engine, worker: WorkerId, job: &Claimed, queue: &str) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/reroute.sql", worker.0, job.run.0, job.path, queue).execute(engine.pool()).await?;
    engine.wakes().queue(queue);
    Ok(())
}

fn number(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}
