//! `POST /workflows/simulate`: a document against recorded runs; nothing is changed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use onward_engine::{SIMULATED_MAX, Scope};
use onward_workflows::{Format, Source};
use serde::Deserialize;
use serde_json::json;

use crate::auth;
use crate::body;
use crate::page::Query;
use crate::problem::{Code, Problem};
use crate::router::Api;

/// Room for the quoting of a document at its own limit.
const BYTES_MAX: usize = 512 * 1024;
const LAST_DEFAULT: u16 = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    format: String,
    text: String,
    /// How many of the newest ended runs.
    last: Option<u16>,
}

pub async fn simulate(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::RunsRead).await?;
    Query::refuse(&uri)?;
    let bytes = body::read(body, BYTES_MAX, api.settings.body_timeout).await?;
    let request: Request = body::parse_request(&headers, &bytes)?;
    let format: Format =
        request.format.parse().map_err(|_| Problem::new(Code::InvalidRequest, "`format` is json or yaml"))?;
    let last = request.last.unwrap_or(LAST_DEFAULT);
    if !(1..=SIMULATED_MAX).contains(&last) {
        return Err(Problem::new(Code::InvalidRequest, format!("`last` is between 1 and {SIMULATED_MAX}")));
    }
    let source = Source::new("document", request.text, format);
    let runs = onward_engine::simulate(&api.engine, &source, last).await?;
    Ok(Json(json!({ "data": runs })).into_response())
}
