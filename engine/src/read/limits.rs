//! What limits at this moment: rates that are used up, slots that are taken.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::Engine;

const LIMITS_MAX: i64 = 1_000;

#[derive(Debug, Serialize)]
pub struct LimitRow {
    /// Of a provider's rate it begins with `provider:`.
    pub key: String,
    /// `rate` or `slots`.
    pub kind: String,
    /// Of a rate: when the next one may begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<i64>,
}

/// By key; the first thousand.
pub async fn list_limits(engine: &Engine) -> Result<Vec<LimitRow>, sqlx::Error> {
    sqlx::query_file_as!(LimitRow, "queries/list_limits.sql", LIMITS_MAX).fetch_all(engine.pool()).await
}
