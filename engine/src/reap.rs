//! Reaping: taking jobs from dead workers.

use std::collections::HashSet;

use sqlx::PgPool;
use uuid::Uuid;

use crate::Wakes;
use crate::lease::LEASE;

/// Workers that one sweep buries.
const DEAD_MAX: i64 = 20;

/// Gives back the jobs of every worker whose lease has ended, and of owners that have no row. Returns how many jobs.
pub async fn reap(pool: &PgPool, wakes: &Wakes) -> Result<usize, sqlx::Error> {
    let mut queues = Vec::new();
    let dead = sqlx::query_file_scalar!("queries/find_dead_workers.sql", LEASE.as_secs_f64(), DEAD_MAX)
        .fetch_all(pool)
        .await?;
    for worker in dead {
        let taken = bury(pool, worker).await?;
        if !taken.is_empty() {
            tracing::warn!(worker.id = %onward_workflows::WorkerId(worker), jobs = taken.len(), "a worker died; its jobs go on elsewhere");
        }
        queues.extend(taken);
    }
    for owner in sqlx::query_file_scalar!("queries/find_orphans.sql", DEAD_MAX).fetch_all(pool).await? {
        queues.extend(sqlx::query_file_scalar!("queries/give_back_jobs.sql", owner, 0_i16).fetch_all(pool).await?);
    }
    for queue in queues.iter().collect::<HashSet<_>>() {
        wakes.queue(queue);
    }
    Ok(queues.len())
}

/// Lock, delete, and only then, in a statement that sees the dead worker's last batch, take its jobs.
async fn bury(pool: &PgPool, worker: Uuid) -> Result<Vec<String>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    if !sqlx::query_file_scalar!("queries/lock_reaping.sql", worker).fetch_one(&mut *transaction).await? {
        return Ok(Vec::new());
    }
    let deleted = sqlx::query_file!("queries/delete_dead_worker.sql", worker, LEASE.as_secs_f64())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    // It was only slow, and has beaten again meanwhile.
    if deleted == 0 {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let queues =
        sqlx::query_file_scalar!("queries/give_back_jobs.sql", worker, 1_i16).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(queues)
}
