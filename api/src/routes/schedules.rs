//! Schedules and workers: what will happen, and who will do it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use onward_engine::{Scope, list_schedules, list_workers, next_fires};
use serde_json::json;

use crate::auth;
use crate::page::Query;
use crate::problem::Problem;
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
    let fires = next_fires(&api.engine, query.one("workflow"), usize::from(count)).await?;
    Ok(Json(json!({ "data": fires, "next_cursor": null })).into_response())
}

pub async fn workers(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::QueuesRead).await?;
    Query::refuse(&uri)?;
    Ok(Json(json!({ "data": list_workers(&api.engine).await?, "next_cursor": null })).into_response())
}
