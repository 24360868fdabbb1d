//! Queues and workers, as operators see them.

use chrono::{DateTime, Utc};
use onward_workflows::WorkerId;
use serde::Serialize;

use crate::Engine;

/// Counting a queue stops here.
const COUNTED_MAX: i64 = 100_000;
const WORKERS_MAX: i64 = 1_000;
/// Without a heartbeat for so long a worker counts as gone.
const ALIVE_FOR_SECONDS: f64 = 10.0;

#[derive(Debug, Clone, Serialize)]
pub struct WorkerRow {
    pub id: WorkerId,
    pub host: String,
    pub pid: i32,
    pub version: String,
    /// Null: all.
    pub queues: Option<Vec<String>>,
    pub seats: i32,
    pub step_types: Vec<String>,
    pub started_at: DateTime<Utc>,
    pub heartbeat_at: DateTime<Utc>,
    pub alive: bool,
}

pub async fn list_workers(engine: &Engine) -> Result<Vec<WorkerRow>, sqlx::Error> {
    let rows =
        sqlx::query_file!("queries/list_workers.sql", ALIVE_FOR_SECONDS, WORKERS_MAX).fetch_all(engine.pool()).await?;
    Ok(rows
        .into_iter()
        .map(|row| WorkerRow {
            id: WorkerId(row.id),
            host: row.host,
            pid: row.pid,
            version: row.version,
            queues: row.queues,
            seats: row.seats,
            step_types: row.step_types,
            started_at: row.started_at,
            heartbeat_at: row.heartbeat_at,
            alive: row.alive,
        })
        .collect())
}

/// Jobs that could go on, by queue; a hundred thousand over all queues at most are counted.
pub async fn queue_depths(engine: &Engine) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/count_queues.sql", COUNTED_MAX).fetch_all(engine.pool()).await?;
    Ok(rows.into_iter().map(|row| (row.queue, row.waiting)).collect())
}
