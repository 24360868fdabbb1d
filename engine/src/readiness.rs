//! Whether this process can do its work at all.

use crate::{Engine, MIGRATOR};

#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error("the database did not answer")]
    Database(#[source] sqlx::Error),
    #[error("the database is at migration {found:?}, this binary needs {needed}")]
    Migration { found: Option<i64>, needed: i64 },
    #[error("the tables have no room for the runs of next week")]
    Partitions,
}

/// A newer migration is fine: the next binary may have come first.
pub async fn check_ready(engine: &Engine) -> Result<(), NotReady> {
    let there = sqlx::query_file_scalar!("queries/check_partitions.sql")
        .fetch_one(engine.pool())
        .await
        .map_err(NotReady::Database)?;
    let found: Option<i64> = sqlx::query_scalar(include_str!("../queries/read_migration.sql"))
        .fetch_one(engine.pool())
        .await
        .map_err(NotReady::Database)?;
    let needed = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    if found.is_none_or(|found| found < needed) {
        return Err(NotReady::Migration { found, needed });
    }
    if there { Ok(()) } else { Err(NotReady::Partitions) }
}
