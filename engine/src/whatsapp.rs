//! WhatsApp messages and what Meta reports of them: which step a report belongs to, and who is told.

mod report;
mod webhook;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::Engine;

pub use webhook::{WebhookError, receive_whatsapp, settle_reported};

/// Meta repeats a report for a week at most.
const KEPT_FOR: Duration = Duration::from_hours(90 * 24);
/// Rows that one pass deletes.
const FORGET_MAX: i64 = 1_000;

/// A template as Meta knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTemplate {
    pub status: String,
    pub params: i32,
    pub header: Option<String>,
}

/// A message before it leaves, and again once its id is known.
pub async fn note_whatsapp(
    engine: &Engine,
    correlation_key: &str,
    phone: &str,
    template: &str,
    message_id: Option<&str>,
) -> Result<(), sqlx::Error> {
    let (run, path) = report::step_of(correlation_key).map(|(run, path)| (run.0, path)).unzip();
    sqlx::query_file!("queries/note_whatsapp.sql", correlation_key, phone, template, message_id, run, path)
        .execute(engine.pool())
        .await?;
    Ok(())
}

/// It did not leave after all.
pub async fn forget_whatsapp(engine: &Engine, correlation_key: &str) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/forget_whatsapp.sql", correlation_key).execute(engine.pool()).await?;
    Ok(())
}

pub async fn find_whatsapp_template(
    engine: &Engine,
    name: &str,
    language: &str,
) -> Result<Option<KnownTemplate>, sqlx::Error> {
    sqlx::query_file_as!(KnownTemplate, "queries/find_whatsapp_template.sql", name, language)
        .fetch_optional(engine.pool())
        .await
}

/// Deletes messages and reports that are older than that; says how many messages.
pub async fn forget_whatsapp_reports(engine: &Engine) -> Result<u64, sqlx::Error> {
    let kept = KEPT_FOR.as_secs_f64();
    let deleted = sqlx::query_file!("queries/delete_whatsapp.sql", kept, FORGET_MAX).execute(engine.pool()).await?;
    Ok(deleted.rows_affected())
}

/// One template, to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRow {
    pub name: String,
    pub language: String,
    pub status: String,
    pub category: String,
    pub params: i32,
    pub header: Option<String>,
    /// JSON.
    pub components: String,
    pub quality: Option<String>,
    pub rejected_reason: Option<String>,
    pub correct_category: Option<String>,
}

/// Keeps these templates in place of all that are known.
pub async fn keep_whatsapp_templates(engine: &Engine, rows: &[TemplateRow]) -> Result<(), sqlx::Error> {
    let texts = |of: fn(&TemplateRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    let perhaps = |of: fn(&TemplateRow) -> &Option<String>| rows.iter().map(of).cloned().collect::<Vec<_>>();
    let params: Vec<i32> = rows.iter().map(|row| row.params).collect();
    sqlx::query_file!(
        "queries/keep_whatsapp_templates.sql",
        &texts(|row| &row.name),
        &texts(|row| &row.language),
        &texts(|row| &row.status),
        &texts(|row| &row.category),
        &params,
        &perhaps(|row| &row.header) as &[Option<String>],
        &texts(|row| &row.components),
        &perhaps(|row| &row.quality) as &[Option<String>],
        &perhaps(|row| &row.rejected_reason) as &[Option<String>],
        &perhaps(|row| &row.correct_category) as &[Option<String>]
    )
    .execute(engine.pool())
    .await?;
    Ok(())
}

/// An instant as Meta writes it: seconds since 1970, as text.
fn instant(seconds: &serde_json::Value) -> Option<DateTime<Utc>> {
    let seconds = seconds.as_i64().or_else(|| seconds.as_str()?.parse().ok())?;
    DateTime::from_timestamp(seconds, 0)
}
