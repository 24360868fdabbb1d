//! Forgetting what has expired.

use sqlx::PgPool;

/// Rows in one statement, so that a long backlog holds no lock for long.
const BATCH_MAX: i64 = 1_000;

/// Deletes a batch of expired idempotency keys; returns how many. Fewer than asked for means that it is done.
pub async fn forget_expired_keys(pool: &PgPool) -> Result<Forgotten, sqlx::Error> {
    let rows = sqlx::query_file!("queries/delete_expired_keys.sql", BATCH_MAX).execute(pool).await?.rows_affected();
    Ok(Forgotten { keys: rows, more: rows >= BATCH_MAX.unsigned_abs() })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    pub keys: u64,
    pub more: bool,
}
