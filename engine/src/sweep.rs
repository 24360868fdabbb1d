//! Sweeping: what a worker owns by the table, once a second, so that no wake-up has to arrive.

use onward_workflows::{RunId, WorkerId};
use sqlx::PgPool;

use crate::{CancelRequest, Claimed, Priority};

/// A job of this worker as the table has it.
#[derive(Debug, Clone)]
pub struct Owned {
    pub job: Claimed,
    pub cancel: Option<CancelRequest>,
}

pub async fn sweep(pool: &PgPool, worker: WorkerId) -> Result<Vec<Owned>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/read_owned_jobs.sql", worker.0).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|row| Owned {
            job: Claimed {
                run: RunId(row.run_id),
                path: row.path,
                queue: row.queue,
                priority: row.priority,
                due_at: row.due_at,
                wakes: row.wakes,
                crashes: row.crashes,
                first: false,
            },
            cancel: row.cancel_requested_at.map(|at| CancelRequest { at, undo: row.cancel_undo }),
        })
        .collect())
}
