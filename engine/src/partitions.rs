//! Partitions are made ahead of time; a run whose week has none would be refused.

use sqlx::PgPool;

pub const WEEKS_AHEAD: i32 = 8;

/// Makes the missing ones; safe from several processes at once.
pub async fn keep_partitions(pool: &PgPool) -> Result<i32, sqlx::Error> {
    let made = sqlx::query_file_scalar!("queries/keep_partitions.sql", WEEKS_AHEAD).fetch_one(pool).await?;
    if made > 0 {
        tracing::info!(partitions = made, "partitions made for the coming weeks");
    }
    Ok(made)
}
