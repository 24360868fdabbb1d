//! Handing claimed jobs back, for a drain or because this process cannot carry them now.

use std::collections::HashSet;
use std::time::Duration;

use onward_workflows::{RunId, WorkerId};
use sqlx::PgPool;

use crate::Wakes;

/// Gives the jobs of these runs back, due again after `delay`. Returns how many were still this worker's.
pub async fn release(
    pool: &PgPool,
    wakes: &Wakes,
    worker: WorkerId,
    runs: &[RunId],
    delay: Duration,
) -> Result<usize, sqlx::Error> {
    let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
    let queues = sqlx::query_file_scalar!("queries/release_jobs.sql", worker.0, &ids, delay.as_secs_f64())
        .fetch_all(pool)
        .await?;
    for queue in queues.iter().collect::<HashSet<_>>() {
        wakes.queue(queue);
    }
    Ok(queues.len())
}
