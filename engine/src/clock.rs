//! The database's clock, as this process sees it between two looks.

use std::sync::RwLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sqlx::PgPool;

/// Decimals of a second in a `timestamptz`.
const MICROSECONDS: u16 = 6;
/// A round trip that tells the time well enough.
const GOOD_LOOK: Duration = Duration::from_millis(5);
const LOOKS_MAX: u32 = 3;

/// Answers with the database's time: what it said at the last look plus what has passed here since.
#[derive(Debug)]
pub struct Clock {
    // Read by every task, written once a heartbeat; a row would cost a round trip for each reading.
    seen: RwLock<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    database: DateTime<Utc>,
    at: Instant,
}

impl Clock {
    pub async fn start(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self { seen: RwLock::new(look(pool).await?) })
    }

    /// Looks at the database's clock again.
    pub async fn synchronise(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let now = look(pool).await?;
        *self.seen.write().expect("no code panics while it holds this lock") = now;
        Ok(())
    }

    /// In microseconds, as the database keeps it: what is computed from an instant in memory must come out the same
    /// when the instant is read back after a crash.
    pub fn now(&self) -> DateTime<Utc> {
        let seen = *self.seen.read().expect("no code panics while it holds this lock");
        let now = seen.database + TimeDelta::from_std(seen.at.elapsed()).expect("a process does not live for ages");
        now.trunc_subsecs(MICROSECONDS)
    }
}

/// The middle of the round trip is the best guess of when the server read its clock, and off by half of it at most: a
/// slow trip is made again, and the quickest counts.
async fn look(pool: &PgPool) -> Result<Seen, sqlx::Error> {
    let (mut best, mut quickest) = look_once(pool).await?;
    for _ in 1..LOOKS_MAX {
        if quickest <= GOOD_LOOK {
            break;
        }
        let (seen, took) = look_once(pool).await?;
        if took < quickest {
            (best, quickest) = (seen, took);
        }
    }
    Ok(best)
}

async fn look_once(pool: &PgPool) -> Result<(Seen, Duration), sqlx::Error> {
    let sent = Instant::now();
    let database = sqlx::query_file_scalar!("queries/read_clock.sql").fetch_one(pool).await?;
    let took = sent.elapsed();
    Ok((Seen { database, at: sent + took / 2 }, took))
}
