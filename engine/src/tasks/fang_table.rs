//! Fang's own table, read and never written.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// Rows read at once.
const PAGE: i64 = 500;
/// The code of Postgres for a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct FangRow {
    pub id: Uuid,
    pub metadata: Value,
    pub task_type: String,
    pub is_unique: bool,
    pub scheduled_at: DateTime<Utc>,
}

/// What is not taken over.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Rest {
    pub in_progress: i64,
    pub ended: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum FangTableError {
    #[error("there is no table `fang_tasks` in this database")]
    NoTable,
    #[error("the table `fang_tasks` could not be read")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for FangTableError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some(UNDEFINED_TABLE) { Self::NoTable } else { Self::Database(error) }
    }
}

/// The rows after `after`, by id. `stale`: also those that have been in progress for so many minutes.
pub(super) async fn read_page(pool: &PgPool, after: Uuid, stale: Option<i32>) -> Result<Vec<FangRow>, FangTableError> {
    Ok(sqlx::query_as(include_str!("../../queries/list_fang_tasks.sql"))
        .bind(after)
        .bind(stale)
        .bind(PAGE)
        .fetch_all(pool)
        .await?)
}

pub(super) async fn read_rest(pool: &PgPool, stale: Option<i32>) -> Result<Rest, FangTableError> {
    Ok(sqlx::query_as(include_str!("../../queries/count_fang_tasks.sql")).bind(stale).fetch_one(pool).await?)
}
