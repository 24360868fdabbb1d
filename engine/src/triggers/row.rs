//! A trigger as people see it.

use chrono::{DateTime, Utc};
use onward_workflows::RunId;
use serde::Serialize;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerRow {
    #[serde(skip)]
    pub workflow: String,
    pub id: String,
    /// `cron`, `webhook` or `manual`, as in the document.
    #[serde(rename = "type")]
    pub kind: String,
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of a webhook: whether a caller has to bring a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated: Option<bool>,
}

/// In (workflow, id) order.
pub(crate) async fn list_triggers(
    connection: &mut PgConnection,
    workflows: &[String],
) -> Result<Vec<TriggerRow>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/list_triggers.sql", workflows).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| TriggerRow {
            authenticated: row.endpoint.is_some().then_some(row.authenticated),
            workflow: row.workflow,
            id: row.id,
            kind: row.kind,
            enabled: row.enabled,
            schedule: row.schedule,
            timezone: row.timezone,
            next_at: row.next_at,
            last_run_id: row.last_run_id.map(RunId),
            endpoint: row.endpoint,
        })
        .collect())
}
