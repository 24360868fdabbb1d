//! Handing claimed jobs back, for a drain or because this process cannot carry them now.

use std::collections::HashSet;
use std::time::Duration;

use onward_workflows::WorkerId;
use sqlx::PgPool;

use crate::{JobName, Wakes};

/// Gives these jobs back, due again after `delay`. Returns how many were still this worker's.
pub async fn release(
    pool: &PgPool,
    wakes: &Wakes,
    worker: WorkerId,
    jobs: &[JobName],
    delay: Duration,
) -> Result<usize, sqlx::Error> {
    let ids: Vec<_> = jobs.iter().map(|job| job.run.0).collect();
    let paths: Vec<_> = jobs.iter().map(|job| job.path.as_str()).collect();
    let queues = sqlx::query_file_scalar!("queries/release_jobs.sql", worker.0, &ids, delay.as_secs_f64(), &paths as _)
        .fetch_all(pool)
        .await?;
    for queue in queues.iter().collect::<HashSet<_>>() {
        wakes.queue(queue);
    }
    Ok(queues.len())
}
