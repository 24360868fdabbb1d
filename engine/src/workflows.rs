//! Workflows and their documents, as they are stored.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::Engine;
use crate::triggers::{TriggerRow, list_triggers};

#[derive(Debug, Clone, Serialize)]
pub struct WorkflowRow {
    pub id: String,
    pub name: String,
    /// The newest.
    pub version: i32,
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub triggers: Vec<TriggerRow>,
}

#[derive(Debug, Serialize)]
pub struct WorkflowPage {
    pub data: Vec<WorkflowRow>,
    /// The id after which the next page begins.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct WorkflowDetail {
    pub id: String,
    pub name: String,
    pub version: i32,
    pub newest_version: i32,
    pub enabled: bool,
    /// `json` or `yaml`.
    pub format: String,
    /// The text as it was deployed, comments included.
    pub document: String,
    /// Those of the newest version, which are the ones that fire.
    pub triggers: Vec<TriggerRow>,
    /// When this version was deployed, and by whom.
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
}

/// What starting a run by hand has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkflowHead {
    pub version: i32,
    pub enabled: bool,
}

/// By id, those after `after`.
pub async fn list_workflows(
    engine: &Engine,
    enabled: Option<bool>,
    after: Option<&str>,
    limit: u16,
) -> Result<WorkflowPage, sqlx::Error> {
    let mut connection = engine.pool().acquire().await?;
    let mut rows =
        sqlx::query_file!("queries/list_workflows.sql", after.unwrap_or_default(), enabled, i64::from(limit) + 1)
            .fetch_all(&mut *connection)
            .await?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut triggers = list_triggers(&mut connection, &ids).await?;
    let next_cursor = ids.last().filter(|_| more).cloned();
    let data = rows
        .into_iter()
        .map(|row| WorkflowRow {
            triggers: triggers.extract_if(.., |trigger| trigger.workflow == row.id).collect(),
            id: row.id,
            name: row.name,
            version: row.version,
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect();
    Ok(WorkflowPage { data, next_cursor })
}

/// The newest version, or the given one; None when there is no such workflow or version.
pub async fn find_workflow(
    engine: &Engine,
    id: &str,
    version: Option<i32>,
) -> Result<Option<WorkflowDetail>, sqlx::Error> {
    let mut connection = engine.pool().acquire().await?;
    let row = sqlx::query_file!("queries/find_workflow.sql", id, version).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let triggers = list_triggers(&mut connection, std::slice::from_ref(&row.id)).await?;
    Ok(Some(WorkflowDetail {
        id: row.id,
        name: row.name,
        version: row.version,
        newest_version: row.newest_version,
        enabled: row.enabled,
        format: row.format,
        document: row.document,
        triggers,
        created_at: row.created_at,
        created_by: row.created_by,
        updated_at: row.updated_at,
    }))
}

pub async fn find_workflow_head(engine: &Engine, id: &str) -> Result<Option<WorkflowHead>, sqlx::Error> {
    sqlx::query_file_as!(WorkflowHead, "queries/find_workflow_head.sql", id).fetch_optional(engine.pool()).await
}
