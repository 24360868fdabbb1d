//! A worker's row and this process's belief that it still exists.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use onward_workflows::WorkerId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::Engine;

/// After this long without a heartbeat a worker's jobs are given to others.
pub const LEASE: Duration = Duration::from_secs(10);
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(2);
/// After this long a worker stops starting effects by itself, well before others may take over.
const LOCAL_DEADLINE: Duration = Duration::from_secs(7);

/// What a worker says of itself.
#[derive(Debug, Clone)]
pub struct WorkerFacts {
    pub host: String,
    pub version: String,
    /// `None` serves all.
    pub queues: Option<Vec<String>>,
    pub seats: usize,
    pub step_types: Vec<String>,
}

/// One registration. Lost once, lost for ever: the process registers anew under another id.
#[derive(Debug, Clone)]
pub struct Lease {
    worker: WorkerId,
    lost: CancellationToken,
    /// On the boot clock, which also counts the time a machine was asleep.
    sent_at: Arc<AtomicU64>,
    /// The server that answered the first heartbeat: its system identifier and its timeline.
    server: Arc<OnceLock<(i64, i32)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the worker's row is gone")]
pub struct LeaseLost;

impl Lease {
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Resolves when everything this process holds belongs to somebody else.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// May this process start an effect now? Counted from when the last answered heartbeat was sent.
    pub fn holds(&self) -> bool {
        !self.lost.is_cancelled()
            && boot_millis().saturating_sub(self.sent_at.load(Ordering::Relaxed)) < millis(LOCAL_DEADLINE)
    }

    pub fn give_up(&self) {
        self.lost.cancel();
    }
}

fn boot_millis() -> u64 {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    let time = clock_gettime(CLOCK).expect("the boot clock is always there");
    millis(Duration::from(time))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub async fn register(engine: &Engine, facts: &WorkerFacts) -> Result<Lease, sqlx::Error> {
    let worker = WorkerId(engine.new_run_id().0);
    let sent_at = boot_millis();
    sqlx::query_file!(
        "queries/register_worker.sql",
        worker.0,
        facts.host,
        i32::try_from(std::process::id()).unwrap_or_default(),
        facts.version,
        facts.queues.as_deref() as _,
        i32::try_from(facts.seats).unwrap_or(i32::MAX),
        &facts.step_types,
    )
    .execute(engine.pool())
    .await?;
    Ok(Lease {
        worker,
        lost: CancellationToken::new(),
        sent_at: Arc::new(AtomicU64::new(sent_at)),
        server: Arc::default(),
    })
}

/// One heartbeat. `Ok(Err(LeaseLost))`: the row is gone, or the server is another one, and the lease with it.
pub async fn heartbeat(pool: &PgPool, lease: &Lease) -> Result<Result<(), LeaseLost>, sqlx::Error> {
    let sent_at = boot_millis();
    let row = sqlx::query_file!("queries/beat_worker.sql", lease.worker.0).fetch_optional(pool).await?;
    let Some(server) = row.map(|row| (row.system, row.timeline)) else {
        lease.give_up();
        return Ok(Err(LeaseLost));
    };
    if *lease.server.get_or_init(|| server) != server {
        tracing::warn!(worker.id = %lease.worker, "the database is another server now; everything held is dropped");
        lease.give_up();
        return Ok(Err(LeaseLost));
    }
    lease.sent_at.store(sent_at, Ordering::Relaxed);
    Ok(Ok(()))
}

pub async fn unregister(pool: &PgPool, lease: &Lease) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/delete_worker.sql", lease.worker.0).execute(pool).await?;
    Ok(())
}
