//! One webhook of Meta, stored and passed on. It may come late, twice, and before the answer to the send.

use chrono::{DateTime, Utc};
use onward_workflows::EventId;
use serde_json::{Value, json};

use super::report::{Report, What, contact_of, reports, step_of};
use crate::operate::{SettleError, Settling, settle};
use crate::{Engine, NewEvent, SendError, send_event};

/// A report belongs to a message that left at most so long before it, as far as its time tells.
const LEFT_BEFORE_SECONDS: f64 = 30.0 * 60.0;
/// Their clock and ours.
const SKEW_SECONDS: f64 = 5.0;
/// Steps that one pass settles.
const SETTLED_AT_ONCE: i64 = 100;
/// What a message goes through.
const STATUSES: [&str; 4] = ["sent", "delivered", "read", "failed"];

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error("a run could not be told")]
    Send(#[from] SendError),
}

/// Takes everything in the body; how many things there were. What has come before is not told again.
pub async fn receive_whatsapp(engine: &Engine, body: &Value) -> Result<usize, WebhookError> {
    let reports = reports(body);
    for report in &reports {
        store(engine, report).await?;
        match &report.what {
            What::Status { .. } => tell_status(engine, report).await?,
            What::Message { phone, message_id } => {
                let key = phone.as_deref().unwrap_or(message_id);
                tell(engine, &report.dedup_key, None, key).await?;
            }
            What::Template { name, language, status, reason } => {
                sqlx::query_file!(
                    "queries/set_whatsapp_template_status.sql",
                    name,
                    language,
                    status,
                    reason.as_deref()
                )
                .execute(engine.pool())
                .await?;
                tell(engine, &report.dedup_key, None, name).await?;
            }
            What::Other => {}
        }
    }
    Ok(reports.len())
}

async fn store(engine: &Engine, report: &Report) -> Result<(), sqlx::Error> {
    sqlx::query_file!(
        "queries/insert_whatsapp_event.sql",
        report.dedup_key,
        engine.new_event_id().0,
        report.event().unwrap_or("other"),
        None::<&str>,
        report.message_id(),
        report.phone(),
        report.data.to_string()
    )
    .execute(engine.pool())
    .await?;
    Ok(())
}

/// A report whose message is not known yet is kept: it is told with the one that says whose it is.
async fn tell_status(engine: &Engine, report: &Report) -> Result<(), WebhookError> {
    let What::Status { message_id, status, phone, .. } = &report.what else { return Ok(()) };
    let Some(key) = key_of(engine, report).await? else {
        tracing::debug!(message.id = %message_id, status, "a report of a message that nobody here has sent");
        return Ok(());
    };
    settle_sender(engine, &key, Some(message_id), phone.as_deref().unwrap_or_default()).await?;
    tell(engine, &report.dedup_key, Some(message_id), &key).await
}

/// By the name that we gave it; by Meta's id; by the contact's number and the time.
async fn key_of(engine: &Engine, report: &Report) -> Result<Option<String>, sqlx::Error> {
    let What::Status { message_id, status, phone, callback } = &report.what else { return Ok(None) };
    let known = sqlx::query_file_scalar!("queries/find_whatsapp_key.sql", callback.as_deref(), message_id)
        .fetch_optional(engine.pool())
        .await?;
    if known.is_some() {
        return Ok(known);
    }
    // Only these come right after the send, so that their time tells which one it was.
    if !matches!(status.as_str(), "sent" | "failed") {
        return Ok(None);
    }
    let contact = callback.as_deref().and_then(contact_of).or_else(|| phone.clone());
    let (Some(contact), Some(at)) = (contact, reported_at(&report.data)) else { return Ok(None) };
    sqlx::query_file_scalar!("queries/claim_whatsapp.sql", message_id, contact, at, LEFT_BEFORE_SECONDS, SKEW_SECONDS)
        .fetch_optional(engine.pool())
        .await
}

/// Settles sends that became ambiguous after their message had been reported; says how many.
pub async fn settle_reported(engine: &Engine) -> Result<usize, sqlx::Error> {
    let rows = sqlx::query_file!("queries/list_reported_sends.sql", SETTLED_AT_ONCE).fetch_all(engine.pool()).await?;
    let mut settled = 0;
    for row in rows {
        settled +=
            usize::from(settle_sender(engine, &row.correlation_key, row.message_id.as_deref(), &row.phone).await?);
    }
    Ok(settled)
}

/// A send whose answer was lost is known to have left: its step has succeeded. Says whether there was such a step.
async fn settle_sender(engine: &Engine, key: &str, id: Option<&str>, phone: &str) -> Result<bool, sqlx::Error> {
    let Some((run, path)) = step_of(key) else { return Ok(false) };
    let output = json!({ "message_id": id, "correlation_key": key, "contact_id": phone });
    match settle(engine, run, path, Settling::Complete(output), "whatsapp").await {
        Ok(()) => {
            tracing::info!(run.id = %run, step.path = path, "a report has settled a send without an answer");
            Ok(true)
        }
        Err(SettleError::Database(error)) => Err(error),
        // It has its answer, as nearly always.
        Err(error) => {
            tracing::trace!(run.id = %run, step.path = path, error = %error, "nothing to settle");
            Ok(false)
        }
    }
}

/// Sends what has not been sent, this report's own and the earlier ones of its message.
async fn tell(engine: &Engine, dedup_key: &str, message_id: Option<&str>, key: &str) -> Result<(), WebhookError> {
    let rows =
        sqlx::query_file!("queries/list_whatsapp_unsent.sql", dedup_key, message_id).fetch_all(engine.pool()).await?;
    for row in rows {
        let data: Value = serde_json::from_str(&row.data).unwrap_or_default();
        if message_id.is_some() {
            grow(engine, key, &data).await?;
        }
        let event = NewEvent {
            id: EventId(row.event_id),
            name: row.name,
            key: Some(key.to_owned()),
            data,
            depth: 0,
            run: None,
        };
        send_event(engine, &event).await?;
        sqlx::query_file!("queries/mark_whatsapp_sent.sql", row.dedup_key, key).execute(engine.pool()).await?;
    }
    Ok(())
}

/// Meta may add words that mean nothing to us yet; runs are told of them all the same.
async fn grow(engine: &Engine, key: &str, data: &Value) -> Result<(), sqlx::Error> {
    let Some(status) = data["status"].as_str().filter(|status| STATUSES.contains(status)) else { return Ok(()) };
    let (failure, pricing) = (failure(data), data.get("pricing").map(Value::to_string));
    let message_id = data["message_id"].as_str();
    sqlx::query_file!("queries/report_whatsapp.sql", key, status, reported_at(data), failure, pricing, message_id)
        .execute(engine.pool())
        .await?;
    Ok(())
}

fn failure(data: &Value) -> Option<String> {
    let error = data["errors"].get(0)?;
    let said =
        [&error["error_data"]["details"], &error["message"], &error["title"]].into_iter().find_map(Value::as_str);
    Some(format!("{} {}", error["code"], said.unwrap_or("unknown error")))
}

fn reported_at(data: &Value) -> Option<DateTime<Utc>> {
    data["timestamp"].as_str()?.parse().ok()
}
