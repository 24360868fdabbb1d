//! Firing cron triggers: exactly once per nominal instant, whoever does it.
//!
//! What is due is decided in `decide`, in one place and without a database. A fire that has to wait for the end of a run
//! is a row that says so; `waiting` starts it when the run's job is gone.

mod decide;
mod due;
mod prepare;
mod waiting;

pub(crate) use prepare::prepare;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::start::StartRun;
use crate::{Engine, VersionError};

/// Triggers that one pass fires.
const TRIGGERS_MAX: i64 = 100;

/// What one pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fired {
    pub started: usize,
    /// Instants that do not run, each recorded with its reason.
    pub skipped: usize,
    /// Instants that from now on wait for the end of a run.
    pub waiting: usize,
    /// When there is something to do again.
    pub next_at: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
pub enum FireError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error("load the version of a trigger")]
    Version(#[from] VersionError),
}

/// Starts what has waited, then fires everything that is due. The compiled versions are loaded before, so that nothing is
/// waited for inside a transaction.
pub async fn fire_due(engine: &Engine) -> Result<Fired, FireError> {
    let coming = sqlx::query_file!("queries/list_due_versions.sql", TRIGGERS_MAX).fetch_all(engine.pool()).await?;
    let mut fired = Fired::default();
    if !coming.is_empty() {
        for row in coming {
            // What cannot be compiled is recorded as skipped later.
            let _ = engine.versions().load(engine.pool(), &row.workflow, row.version).await;
        }
        for pass in [waiting::start_waiting(engine).await?, due::fire(engine).await?] {
            fired.started += pass.started;
            fired.skipped += pass.skipped;
            fired.waiting += pass.waiting;
        }
    }
    fired.next_at = sqlx::query_file_scalar!("queries/find_next_fire.sql").fetch_one(engine.pool()).await?;
    Ok(fired)
}

/// What others need to know of runs that have just been committed.
pub(crate) fn announce(engine: &Engine, starts: &[Arc<StartRun>]) {
    let queues: std::collections::HashSet<&str> = starts.iter().map(|start| start.queue.as_str()).collect();
    for queue in queues {
        engine.wakes().queue(queue);
    }
    metrics::counter!("onward_runs_started_total").increment(starts.len() as u64);
}
