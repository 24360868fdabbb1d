//! What people do to runs: cancelling, going on after a failure, running again, settling what waits.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use onward_engine::{CancelOutcome, Principal, Replay, ReplayVersion, Scope, Settling};
use onward_workflows::RunId;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::runs::find;
use crate::idempotency;
use crate::path::{Name, Names};
use crate::problem::Problem;
use crate::request;
use crate::router::Api;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelRequest {
    reason: Option<String>,
    /// What has succeeded is undone as well.
    #[serde(default)]
    undo: bool,
}

pub async fn cancel(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, CancelRequest) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    let run = find(&api, &id).await?;
    let outcome = if request.undo {
        onward_engine::cancel_and_undo(&api.engine, run).await?
    } else {
        onward_engine::cancel(&api.engine, run).await?
    };
    let (by, reason) = (caller.name.as_str(), request.reason.as_deref());
    tracing::info!(run.id = %run, by, reason, undo = request.undo, "a cancel was requested");
    let outcome = match outcome {
        CancelOutcome::Acknowledged => "acknowledged",
        CancelOutcome::Requested | CancelOutcome::AlreadyRequested => "requested",
    };
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": run, "cancel": outcome, "url": url(run) }))).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryRequest {
    /// A path, or the beginning of one: `each[2]`.
    only: Option<String>,
}

pub async fn retry(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, RetryRequest) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    let run = find(&api, &id).await?;
    let again = onward_engine::retry(&api.engine, run, request.only.as_deref(), &caller.name).await?;
    tracing::info!(run.id = %run, by = %caller.name, paths = again.len(), "a failed run goes on");
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": run, "again": again, "url": url(run) }))).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayRequest {
    inputs: Option<Value>,
    from: Option<String>,
    #[serde(default, deserialize_with = "version")]
    version: ReplayVersion,
}

/// `"same"`, `"latest"`, or a number.
fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReplayVersion, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 1);
    match (value.as_str(), number) {
        (Some("same"), _) => Ok(ReplayVersion::Same),
        (Some("latest"), _) => Ok(ReplayVersion::Newest),
        (_, Some(number)) => Ok(ReplayVersion::Number(number)),
        _ => Err(serde::de::Error::custom("`version` is \"same\", \"latest\" or a number")),
    }
}

pub async fn replay(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    idempotency::refuse(&headers, "each replay is a new run; the list of runs shows what was started")?;
    let (caller, request): (_, ReplayRequest) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    let run = find(&api, &id).await?;
    let wish = Replay { inputs: request.inputs, version: request.version, from: request.from };
    let new = onward_engine::replay(&api.engine, run, &wish, &caller.name).await?;
    tracing::info!(run.id = %new, replay_of = %run, by = %caller.name, "a run is run again");
    let url = url(new);
    let body = json!({ "id": new, "replay_of": run, "status": "queued", "url": url });
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let location = HeaderValue::from_str(&url).expect("an id is made of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteRequest {
    #[serde(default)]
    output: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoRequest {}

pub async fn complete(
    State(api): State<Api>,
    Names([id, path]): Names<2>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, CompleteRequest) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    settle(&api, &id, &path, Settling::Complete(request.output), &caller).await
}

pub async fn skip(
    State(api): State<Api>,
    Names([id, path]): Names<2>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, NoRequest {}) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    settle(&api, &id, &path, Settling::Skip, &caller).await
}

pub async fn retry_step(
    State(api): State<Api>,
    Names([id, path]): Names<2>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, NoRequest {}) = request::read(&api, Scope::RunsWrite, &headers, &uri, body).await?;
    settle(&api, &id, &path, Settling::Retry, &caller).await
}

async fn settle(api: &Api, id: &str, path: &str, settling: Settling, caller: &Principal) -> Result<Response, Problem> {
    let run = find(api, id).await?;
    let settled = match &settling {
        Settling::Complete(_) => "completed",
        Settling::Skip => "skipped",
        Settling::Retry => "retrying",
    };
    onward_engine::settle(&api.engine, run, path, settling, &caller.name).await?;
    tracing::info!(run.id = %run, step.path = path, by = %caller.name, settled, "a step was settled by hand");
    let body = json!({ "id": run, "path": path, "settled": settled, "url": url(run) });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn url(run: RunId) -> String {
    format!("/api/v1/runs/{run}")
}
