//! Runs: starting by hand, watching.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use onward_engine::{
    Duplicate, PrepareRun, RunDetail, RunFilter, Scope, find_run, find_workflow_head, list_runs, match_run, read_names,
    read_step, read_steps,
};
use onward_workflows::RunId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::auth;
use crate::body;
use crate::idempotency::{self, REPLAYED};
use crate::page::Query;
use crate::path::{Name, Names};
use crate::problem::{Code, Problem};
use crate::router::Api;

const KEY_BYTES_MAX: usize = 255;
/// Paths that an answer names when it does not know the one that was asked for.
const STEPS_NAMED_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartRequest {
    #[serde(default = "no_inputs")]
    inputs: Value,
    version: Option<i32>,
    idempotency_key: Option<String>,
    /// Starts a disabled workflow all the same.
    #[serde(default)]
    force: bool,
}

fn no_inputs() -> Value {
    Value::Object(Map::new())
}

pub async fn start(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::RunsWrite).await?;
    Query::refuse(&uri)?;
    let bytes = body::read(body, api.settings.body_bytes_max, api.settings.body_timeout).await?;
    let request: StartRequest = body::parse_request(&headers, &bytes)?;
    let head = find_workflow_head(&api.engine, &id).await?;
    let head = head.ok_or_else(|| Problem::not_found(&format!("workflow `{id}`")))?;
    if !head.enabled && !request.force {
        return Err(Problem::new(
            Code::WorkflowDisabled,
            format!("`{id}` is disabled; `force` starts it all the same"),
        ));
    }
    let route = format!("workflows/{id}/runs");
    let key = match idempotency::start_key(&headers, Some(&caller), &route, &bytes)? {
        Some(key) => Some(key),
        None => match request.idempotency_key {
            Some(key) if !(1..=KEY_BYTES_MAX).contains(&key.len()) => {
                return Err(Problem::new(
                    Code::InvalidRequest,
                    format!("`idempotency_key` has 1 to {KEY_BYTES_MAX} bytes"),
                ));
            }
            key => key.map(|key| idempotency::named_start_key(key, Some(&caller), &route, &bytes)),
        },
    };
    let version = request.version.unwrap_or(head.version);
    let version = api.engine.versions().load(api.engine.pool(), &id, version).await?;
    let trigger = json!({ "type": "manual", "time": api.engine.clock().now(), "user": caller.name });
    let prepare = PrepareRun { trigger_id: None, trigger, inputs: request.inputs, scheduled_at: None, key };
    let started = api.engine.start(api.engine.prepare(version, prepare)?).await?;
    let replayed = match started.duplicate {
        None => false,
        Some(Duplicate::SameRequest | Duplicate::KeyOfDocument) => true,
        Some(Duplicate::OtherRequest) => {
            return Err(Problem::new(Code::IdempotencyKeyReused, "send another body with another key"));
        }
    };
    let url = format!("/api/v1/runs/{}", started.run);
    let body = json!({ "id": started.run, "workflow": id, "status": "queued", "url": url });
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(&url).expect("an id is made of ASCII letters"));
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    let known = ["status", "workflow", "version", "trigger", "since", "until", "limit", "cursor"];
    let query = Query::parse_repeatable(&uri, &known)?;
    let now = api.engine.clock().now();
    let filter = RunFilter {
        states: query.each("status")?,
        workflows: query.all("workflow").map(str::to_owned).collect(),
        versions: query.each("version")?,
        triggers: query.all("trigger").map(str::to_owned).collect(),
        since: query.instant("since", now)?,
        until: query.instant("until", now)?,
    };
    let page = list_runs(&api.engine, &filter, query.parsed("cursor")?, query.limit()?).await?;
    Ok(Json(page).into_response())
}

pub async fn show(State(api): State<Api>, Name(id): Name, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    let query = Query::parse(&uri, &["expand"])?;
    let run = find(&api, &id).await?;
    let detail: RunDetail = find_run(&api.engine, run).await?.ok_or_else(|| no_run(&id))?;
    let mut body = shown(&detail)?;
    match query.one("expand") {
        None => {}
        Some("steps") => body["steps"] = json!(steps_of(&api, run).await?),
        Some("names") => body["names"] = json!(read_names(&api.engine, run).await?.ok_or_else(|| no_run(&id))?),
        Some(other) => {
            let detail = format!("`expand={other}`: there are `steps` and `names`");
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
    }
    Ok(Json(body).into_response())
}

fn shown(detail: &RunDetail) -> Result<Value, Problem> {
    let mut body = serde_json::to_value(detail).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    body["url"] = json!(format!("/api/v1/runs/{}", detail.id));
    Ok(body)
}

async fn steps_of(api: &Api, run: RunId) -> Result<Value, Problem> {
    let steps = read_steps(&api.engine, run).await?.ok_or_else(|| no_run(&run.to_string()))?;
    Ok(json!(steps))
}

pub async fn steps(State(api): State<Api>, Name(id): Name, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    Query::refuse(&uri)?;
    let run = find(&api, &id).await?;
    Ok(Json(json!({ "data": steps_of(&api, run).await?, "next_cursor": null })).into_response())
}

pub async fn step(
    State(api): State<Api>,
    Names([id, path]): Names<2>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    Query::refuse(&uri)?;
    let run = find(&api, &id).await?;
    let step = read_step(&api.engine, run, &path).await?.ok_or_else(|| no_run(&id))?;
    let no_step = |paths: Vec<String>| {
        let shown = paths.into_iter().take(STEPS_NAMED_MAX).collect::<Vec<_>>();
        Problem::not_found(&format!("step `{path}` in this run")).with("steps", json!(shown))
    };
    Ok(Json(step.map_err(no_step)?).into_response())
}

/// A whole id, or the beginning of one that is unique.
pub(super) async fn find(api: &Api, id: &str) -> Result<RunId, Problem> {
    match_run(&api.engine, id).await?.ok_or_else(|| no_run(id))
}

fn no_run(id: &str) -> Problem {
    Problem::not_found(&format!("run `{id}`, or more than one begins so"))
}
