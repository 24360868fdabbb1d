//! Cancelling: a request, then an acknowledgement after which no step starts.

use chrono::{DateTime, Utc};
use onward_workflows::RunId;

use crate::Engine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Nobody owned the run: no step of it starts any more.
    Acknowledged,
    /// Its owner has been told and acknowledges within a second.
    Requested,
    /// Somebody asked before.
    AlreadyRequested,
}

#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such run")]
    NotFound,
    #[error("the run has already ended")]
    AlreadyEnded,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Somebody's wish that a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRequest {
    pub at: DateTime<Utc>,
    /// What has succeeded is undone as well.
    pub undo: bool,
}

pub async fn cancel(engine: &Engine, run: RunId) -> Result<CancelOutcome, CancelError> {
    request(engine, run, false).await
}

/// Cancels, and undoes what has succeeded.
pub async fn cancel_and_undo(engine: &Engine, run: RunId) -> Result<CancelOutcome, CancelError> {
    request(engine, run, true).await
}

async fn request(engine: &Engine, run: RunId, undo: bool) -> Result<CancelOutcome, CancelError> {
    let mut transaction = engine.pool().begin().await?;
    let Some(job) = sqlx::query_file!("queries/lock_job.sql", run.0).fetch_optional(&mut *transaction).await? else {
        let found =
            sqlx::query_file_scalar!("queries/find_run_status.sql", run.0).fetch_optional(&mut *transaction).await?;
        return Err(if found.is_some() { CancelError::AlreadyEnded } else { CancelError::NotFound });
    };
    if job.cancel_requested_at.is_some() {
        // Dropped, it would keep the row locked a little longer, and a claim skips what is locked.
        transaction.rollback().await?;
        return Ok(CancelOutcome::AlreadyRequested);
    }
    sqlx::query_file!("queries/request_cancel.sql", run.0, undo).execute(&mut *transaction).await?;
    transaction.commit().await?;
    engine.wakes().queue(&job.queue);
    engine.wakes().run(run);
    Ok(if job.worker_id.is_none() { CancelOutcome::Acknowledged } else { CancelOutcome::Requested })
}
