//! What containers and monitors ask, at the root and under the base.

use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use onward_engine::{check_ready, list_workers, queue_depths};
use serde_json::json;

use crate::problem::{Code, Problem};
use crate::router::Api;

pub fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/healthz", get(alive)),
        ("/livez", get(alive)),
        ("/readyz", get(ready)),
        ("/version", get(version)),
        ("/metrics", get(metrics)),
    ]
}

/// The process answers; whether it can work is `readyz`'s business.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

async fn ready(State(api): State<Api>) -> Result<Response, Problem> {
    match check_ready(&api.engine).await {
        Ok(()) => Ok(Json(json!({ "status": "ready" })).into_response()),
        Err(why) => Err(Problem::new(Code::NotReady, why.to_string())),
    }
}

async fn version(State(api): State<Api>) -> Json<serde_json::Value> {
    Json(json!({ "version": api.settings.version, "tzdb": onward_workflows::tzdb_version() }))
}

async fn metrics(State(api): State<Api>) -> Response {
    match (queue_depths(&api.engine).await, list_workers(&api.engine).await) {
        (Ok(depths), Ok(workers)) => {
            for (queue, depth) in depths {
                metrics::gauge!("onward_queue_depth", "queue" => queue)
                    .set(f64::from(u32::try_from(depth).unwrap_or(u32::MAX)));
            }
            let alive = workers.iter().filter(|worker| worker.alive).count();
            metrics::gauge!("onward_workers").set(f64::from(u32::try_from(alive).unwrap_or(u32::MAX)));
        }
        (Err(error), _) | (_, Err(error)) => tracing::debug!(error = %error, "the queues could not be counted"),
    }
    api.metrics.run_upkeep();
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
        .into_response()
}

/// Counts requests by route and status; ids never become labels.
pub async fn count(State(_api): State<Api>, request: Request, next: Next) -> Response {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::counter!("onward_http_requests_total", "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("onward_http_request_seconds", "route" => route).record(began.elapsed().as_secs_f64());
    response
}
