//! Schedules and workers: what will happen, and who will do it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{Backfill, Paused, ScheduleId, Scope, list_limits, list_schedules, list_workers, next_fires};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::request;
use crate::router::Api;

const FIRES_DEFAULT: u16 = 10;

pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::WorkflowsRead).await?;
    let query = Query::parse(&uri, &["workflow"])?;
    let schedules = list_schedules(&api.engine, query.one("workflow")).await?;
    Ok(Json(json!({ "data": schedules, "next_cursor": null })).into_response())
}

pub async fn next(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::WorkflowsRead).await?;
    let query = Query::parse(&uri, &["workflow", "n"])?;
    let count = query.count("n")?.unwrap_or(FIRES_DEFAULT);
    let times = next_fires(&api.engine, query.one("workflow"), usize::from(count)).await?;
    let body = json!({ "data": times.fires, "clock_changes": times.clock_changes, "next_cursor": null });
    Ok(Json(body).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseRequest {
    /// An instant, or after how long.
    until: Option<String>,
}

pub async fn pause(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, PauseRequest) = request::read(&api, Scope::SchedulesWrite, &headers, &uri, body).await?;
    let now = api.engine.clock().now();
    let until =
        request.until.map(|until| instant("until", &until, |length| now.checked_add_signed(length))).transpose()?;
    let paused = onward_engine::pause(&api.engine, &parse(&id)?, until).await?;
    tracing::info!(schedule = %paused.id, by = %caller.name, "a schedule was paused");
    Ok(Json(shown(&paused)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeRequest {}

pub async fn resume(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, ResumeRequest {}) = request::read(&api, Scope::SchedulesWrite, &headers, &uri, body).await?;
    let resumed = onward_engine::resume(&api.engine, &parse(&id)?).await?;
    tracing::info!(schedule = %resumed.id, by = %caller.name, "a schedule was resumed");
    Ok(Json(shown(&resumed)).into_response())
}

fn shown(paused: &Paused) -> Value {
    let id = &paused.id;
    json!({
        "id": id.to_string(), "workflow": id.workflow, "trigger_id": id.trigger_id,
        "paused": paused.paused, "paused_until": paused.until, "skipped": paused.skipped,
    })
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BackfillOverlap {
    /// One after the end of the other.
    #[default]
    Queue,
    /// All at once.
    Allow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackfillRequest {
    /// An instant, or how long ago.
    from: String,
    to: Option<String>,
    #[serde(default)]
    overlap: BackfillOverlap,
    #[serde(default)]
    dry_run: bool,
}

/// 200 for a dry run, 202 for a backfill.
pub async fn backfill(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, BackfillRequest) =
        request::read(&api, Scope::SchedulesWrite, &headers, &uri, body).await?;
    let at_once = match request.overlap {
        BackfillOverlap::Queue => false,
        BackfillOverlap::Allow => true,
    };
    let now = api.engine.clock().now();
    let ago = |name: &str, text: &str| instant(name, text, |length| now.checked_sub_signed(length));
    let from = ago("from", &request.from)?;
    let to = request.to.map(|to| ago("to", &to)).transpose()?;
    let wish = Backfill { from, to, at_once, dry_run: request.dry_run };
    let done = onward_engine::backfill(&api.engine, &parse(&id)?, wish).await?;
    let status = if wish.dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
    if !wish.dry_run {
        tracing::info!(schedule = %done.id, by = %caller.name, runs = done.count, "a schedule was back-filled");
    }
    let body = json!({
        "id": done.id.to_string(), "workflow": done.id.workflow, "trigger_id": done.id.trigger_id,
        "from": done.from, "to": done.to, "count": done.count, "known": done.known, "dry_run": wish.dry_run,
    });
    Ok((status, Json(body)).into_response())
}

/// An instant, or a duration that somebody knows the beginning of.
fn instant(name: &str, text: &str, at: impl Fn(TimeDelta) -> Option<DateTime<Utc>>) -> Result<DateTime<Utc>, Problem> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let length = onward_workflows::parse_duration(text).ok().and_then(|length| TimeDelta::from_std(length).ok());
    length.and_then(at).ok_or_else(|| {
        let detail = format!("`{name}` is a time (RFC 3339) or a duration such as 2h, not {}", Value::from(text));
        Problem::new(Code::InvalidRequest, detail)
    })
}

fn parse(id: &str) -> Result<ScheduleId, Problem> {
    id.parse().map_err(|_| Problem::not_found(&format!("schedule `{id}`; its name is WORKFLOW or WORKFLOW:TRIGGER")))
}

pub async fn workers(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::QueuesRead).await?;
    Query::refuse(&uri)?;
    Ok(Json(json!({ "data": list_workers(&api.engine).await?, "next_cursor": null })).into_response())
}

pub async fn limits(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::QueuesRead).await?;
    Query::refuse(&uri)?;
    Ok(Json(json!({ "data": list_limits(&api.engine).await?, "next_cursor": null })).into_response())
}
