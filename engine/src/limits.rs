//! Concurrency slots and rates. A slot belongs to a path of a run, not to a worker: a resumed run finds its own.
//!
//! Whoever touches a key takes its lock first and looks in a later statement: what has ended goes, and waiters become
//! holders while there is room.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_workflows::RunId;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Engine, Priority};

/// Keeps these locks apart from all others.
const LOCK_SPACE: i64 = 0x736c_6f74_0000_0000;
const BUCKETS: u64 = 1 << 20;
/// Keys that one pass of housekeeping looks at.
const KEYS_MAX: i64 = 500;

/// A place among those that may be at work at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    pub key: String,
    pub limit: u32,
    pub run: RunId,
    /// Empty for the run itself.
    pub path: String,
    pub attempt: u32,
    pub priority: Priority,
}

/// So many per time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRequest {
    pub key: String,
    pub limit: u32,
    pub per: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("the database did not answer")]
pub struct LimitError(#[from] sqlx::Error);

/// Since when the slot is held; `None`: the run is woken when it is.
pub async fn acquire_slot(engine: &Engine, request: &SlotRequest) -> Result<Option<DateTime<Utc>>, LimitError> {
    let mut transaction = engine.pool().begin().await?;
    lock(&mut transaction, std::slice::from_ref(&request.key)).await?;
    let limit = i32::try_from(request.limit).unwrap_or(i32::MAX);
    let attempt = i32::try_from(request.attempt).unwrap_or(i32::MAX);
    sqlx::query_file!(
        "queries/insert_slot.sql",
        request.key,
        request.run.0,
        request.path,
        attempt,
        request.priority.as_str(),
        limit
    )
    .execute(&mut *transaction)
    .await?;
    let woken = promote(&mut transaction, &request.key).await?;
    let held = sqlx::query_file_scalar!("queries/find_slot.sql", request.key, request.run.0, request.path, attempt)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    wake(engine, woken.into_iter().filter(|(run, _)| *run != request.run.0));
    Ok(held)
}

/// The runs beside this one that hold the key, and those that wait for it.
pub async fn slot_rivals(engine: &Engine, key: &str, run: RunId) -> Result<(Vec<RunId>, Vec<RunId>), LimitError> {
    let rows = sqlx::query_file!("queries/list_slot_rivals.sql", key, run.0).fetch_all(engine.pool()).await?;
    let (held, waiting): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.held);
    let held = held.into_iter().map(|row| RunId(row.run_id)).collect();
    let waiting = waiting.into_iter().map(|row| RunId(row.run_id)).collect();
    Ok((held, waiting))
}

/// Gives back what a path of a run holds or waits for; `None` for everything of the run.
pub async fn release_slots(engine: &Engine, run: RunId, path: Option<&str>) -> Result<(), LimitError> {
    let keys = sqlx::query_file_scalar!("queries/list_slot_keys.sql", run.0, path).fetch_all(engine.pool()).await?;
    if keys.is_empty() {
        return Ok(());
    }
    let mut transaction = engine.pool().begin().await?;
    lock(&mut transaction, &keys).await?;
    sqlx::query_file!("queries/delete_slots.sql", run.0, path).execute(&mut *transaction).await?;
    let mut woken = Vec::new();
    for key in &keys {
        woken.extend(promote(&mut transaction, key).await?);
    }
    transaction.commit().await?;
    wake(engine, woken);
    Ok(())
}

/// Frees what nobody uses any more and gives free slots to waiters; says how many keys had waiters or leftovers.
pub async fn tidy_slots(engine: &Engine) -> Result<usize, LimitError> {
    let keys = sqlx::query_file_scalar!("queries/list_untidy_slots.sql", KEYS_MAX).fetch_all(engine.pool()).await?;
    for key in &keys {
        let mut transaction = engine.pool().begin().await?;
        lock(&mut transaction, std::slice::from_ref(key)).await?;
        sqlx::query_file!("queries/delete_ended_slots.sql", key).execute(&mut *transaction).await?;
        let woken = promote(&mut transaction, key).await?;
        transaction.commit().await?;
        wake(engine, woken);
    }
    Ok(keys.len())
}

/// When the next one may begin. Time that has been given away is not taken back.
pub async fn reserve_rate(engine: &Engine, request: &RateRequest) -> Result<DateTime<Utc>, LimitError> {
    let step = request.per.as_secs_f64() / f64::from(request.limit.max(1));
    // A burst of the whole limit is allowed after a pause, and no more.
    let burst = request.per.as_secs_f64() - step;
    let at =
        sqlx::query_file_scalar!("queries/reserve_rate.sql", request.key, step, burst).fetch_one(engine.pool()).await?;
    Ok(at)
}

/// Deletes rates that nobody has used for a day; says how many.
pub async fn forget_rates(engine: &Engine) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query_file!("queries/delete_rates.sql", KEYS_MAX).execute(engine.pool()).await?.rows_affected())
}

/// Nobody begins under this rate for so long.
pub async fn pause_rate(engine: &Engine, key: &str, time: Duration) -> Result<(), LimitError> {
    sqlx::query_file!("queries/pause_rate.sql", key, time.as_secs_f64()).execute(engine.pool()).await?;
    Ok(())
}

async fn lock(connection: &mut PgConnection, keys: &[String]) -> Result<(), sqlx::Error> {
    let mut buckets: Vec<i64> = keys.iter().map(|key| bucket(key)).collect();
    buckets.sort_unstable();
    buckets.dedup();
    sqlx::query_file_scalar!("queries/lock_events.sql", &buckets, true).fetch_one(connection).await?;
    Ok(())
}

fn bucket(key: &str) -> i64 {
    let digest = Sha256::digest(key);
    let bits = u64::from_be_bytes(digest[..8].try_into().expect("a digest is longer"));
    LOCK_SPACE + i64::try_from(bits % BUCKETS).expect("a bucket is small")
}

/// Waiters become holders while there is room; their runs are woken in the same transaction.
async fn promote(connection: &mut PgConnection, key: &str) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let runs = sqlx::query_file_scalar!("queries/promote_slots.sql", key).fetch_all(&mut *connection).await?;
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_file!("queries/wake_runs.sql", &runs).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.run_id, row.queue)).collect())
}

fn wake(engine: &Engine, woken: impl IntoIterator<Item = (Uuid, String)>) {
    for (run, queue) in woken {
        engine.wakes().queue(&queue);
        engine.wakes().run(RunId(run));
    }
}
