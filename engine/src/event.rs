//! Events: stored, then matched with the runs that wait for them.

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{EventId, RunId};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Engine;

/// How old an id may be that a sender has chosen: a table for its time must be there.
pub const EVENT_ID_AGE_MAX: TimeDelta = TimeDelta::days(6);

/// Runs that one event wakes; the others find it at their next look.
const WAKES_MAX: i64 = 10_000;
/// Buckets of names and keys that are locked together.
const BUCKETS: u64 = 1024;
/// Keeps these locks apart from all others.
const LOCK_SPACE: i64 = 0x6576_656e_0000_0000;

/// An event on its way in.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Chosen by the sender: sending it twice makes one event.
    pub id: EventId,
    pub name: String,
    pub key: Option<String>,
    pub data: Value,
    /// How many events led to this one.
    pub depth: i16,
    /// The run whose step sends it.
    pub run: Option<RunId>,
}

/// What an event has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emitted {
    pub id: EventId,
    pub received_at: DateTime<Utc>,
    /// Waiting runs.
    pub woke: i32,
    /// Runs that its triggers have started so far.
    pub started: i32,
    /// It had been sent before.
    pub duplicate: bool,
}

/// Stores an event and wakes who waits for it. Starting runs is the business of [`crate::dispatch`].
pub async fn emit(engine: &Engine, event: &NewEvent) -> Result<Emitted, sqlx::Error> {
    let mut transaction = engine.pool().begin().await?;
    let mut buckets = vec![bucket(&event.name, None)];
    buckets.extend(event.key.as_deref().map(|key| bucket(&event.name, Some(key))));
    sqlx::query_file_scalar!("queries/lock_events.sql", &buckets, true).fetch_one(&mut *transaction).await?;
    let data = event.data.to_string();
    let run = event.run.map(|run| run.0);
    let stored =
        sqlx::query_file_scalar!("queries/insert_event.sql", event.id.0, event.name, event.key, data, event.depth, run)
            .fetch_optional(&mut *transaction)
            .await?;
    let Some(received_at) = stored else {
        transaction.rollback().await?;
        let known = sqlx::query_file!("queries/find_sent_event.sql", event.id.0).fetch_one(engine.pool()).await?;
        let (woke, started) = (known.woke, known.started.unwrap_or(0));
        return Ok(Emitted { id: event.id, received_at: known.received_at, woke, started, duplicate: true });
    };
    // In a statement after the lock: a run that parks meanwhile is either seen here, or sees the event.
    let woken = sqlx::query_file!("queries/wake_waiting.sql", event.name, event.key, WAKES_MAX)
        .fetch_all(&mut *transaction)
        .await?;
    let woke = i32::try_from(woken.len()).unwrap_or(i32::MAX);
    if woke > 0 {
        sqlx::query_file!("queries/count_woken.sql", event.id.0, woke).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    for row in woken {
        engine.wakes().queue(&row.queue);
        engine.wakes().run(RunId(row.run_id));
    }
    Ok(Emitted { id: event.id, received_at, woke, started: 0, duplicate: false })
}

/// The lock of a name and a key; without a key that of the name, which every event of the name takes as well.
pub(crate) fn bucket(name: &str, key: Option<&str>) -> i64 {
    let mut hash = Sha256::new();
    hash.update(name);
    if let Some(key) = key {
        hash.update([0]);
        hash.update(key);
    }
    let digest = hash.finalize();
    let bits = u64::from_be_bytes(digest[..8].try_into().expect("a digest is longer"));
    LOCK_SPACE + i64::try_from(bits % BUCKETS).expect("a bucket is small")
}
