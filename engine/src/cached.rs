//! Outputs that steps may reuse for a while.

use std::time::Duration;

use serde_json::Value;

use crate::Engine;

/// Larger outputs are not kept: they would cost more than they save.
const OUTPUT_MAX: usize = 1 << 20;
/// Rows that one pass deletes.
const FORGET_MAX: i64 = 1_000;

pub async fn find_cached(engine: &Engine, key: &str) -> Result<Option<Value>, sqlx::Error> {
    let text = sqlx::query_file_scalar!("queries/find_cached.sql", key).fetch_optional(engine.pool()).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The newest output counts.
pub async fn keep_cached(engine: &Engine, key: &str, output: &Value, ttl: Duration) -> Result<(), sqlx::Error> {
    let text = output.to_string();
    if text.len() > OUTPUT_MAX {
        return Ok(());
    }
    sqlx::query_file!("queries/keep_cached.sql", key, text, ttl.as_secs_f64()).execute(engine.pool()).await?;
    Ok(())
}

/// Deletes what is too old; says how many.
pub async fn forget_cached(engine: &Engine) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query_file!("queries/delete_cached.sql", FORGET_MAX).execute(engine.pool()).await?.rows_affected())
}
