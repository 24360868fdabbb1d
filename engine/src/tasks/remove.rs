//! Removing tasks: a request to end those that nobody has in hand.

use onward_workflows::RunId;

use super::enqueue::SCOPE;
use crate::Engine;

/// Tasks that one statement removes.
const REMOVED_MAX: i64 = 1_000;
/// Keys that one statement gives up.
const KEYS_MAX: i64 = 1_000;

/// Which tasks; the conditions add up.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    pub queue: Option<String>,
    pub run: Option<RunId>,
    /// Only those that are not due yet.
    pub scheduled: bool,
}

/// Cancels the tasks that are not in hand and says how many there were. What a worker has begun goes on.
pub async fn remove_tasks(engine: &Engine, removal: &Removal) -> Result<u64, sqlx::Error> {
    let Removal { queue, run, scheduled } = removal;
    let mut removed = 0;
    loop {
        let rows = sqlx::query_file!(
            "queries/cancel_idle_tasks.sql",
            queue.as_deref(),
            run.map(|run| run.0),
            *scheduled,
            REMOVED_MAX
        )
        .fetch_all(engine.pool())
        .await?;
        for row in &rows {
            engine.wakes().queue(&row.queue);
            engine.wakes().run(RunId(row.run_id));
        }
        removed += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) < REMOVED_MAX {
            return Ok(removed);
        }
    }
}

/// Gives up the keys of unique tasks that have ended. Who enqueues an equal one does not wait for it.
pub async fn forget_task_keys(engine: &Engine) -> Result<u64, sqlx::Error> {
    let done = sqlx::query_file!("queries/release_task_keys.sql", SCOPE, KEYS_MAX).execute(engine.pool()).await?;
    Ok(done.rows_affected())
}
