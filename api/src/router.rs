//! Which path leads where, and what every request passes through.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use onward_engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::{Code, Problem};
use crate::request_id::identify;
use crate::routes::{health, keys, runs, schedules, triggers, workflows};

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    pub engine: Engine,
    pub settings: Settings,
    /// Renders `/metrics`; the recorder is installed by the binary.
    pub metrics: PrometheusHandle,
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub version: String,
    pub body_bytes_max: usize,
    pub connections_max: usize,
    /// From the first byte of a request to the last of its head.
    pub head_timeout: Duration,
    /// From the head to the last byte of the body.
    pub body_timeout: Duration,
    /// What a stop waits for requests in work.
    pub drain_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            body_bytes_max: 512 * 1024,
            connections_max: 1_024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            drain_max: Duration::from_secs(10),
        }
    }
}

pub fn router(api: Api) -> Router {
    let base = Router::new()
        .route("/triggers/{*endpoint}", post(triggers::start))
        .route("/workflows", get(workflows::list).post(workflows::create))
        .route("/workflows/validate", post(workflows::validate))
        .route("/workflows/deploy", post(workflows::deploy))
        .route("/workflows/{id}", get(workflows::show).put(workflows::replace))
        .route("/workflows/{id}/runs", post(runs::start))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/steps", get(runs::steps))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/schedules", get(schedules::list))
        .route("/schedules/next", get(schedules::next))
        .route("/workers", get(schedules::workers))
        .route("/api-keys", get(keys::list).post(keys::create))
        .route("/api-keys/{id}", delete(keys::revoke))
        .route("/me", get(keys::me))
        .merge(health::routes());
    Router::new()
        .nest("/api/v1", base)
        .merge(health::routes())
        .fallback(async || Problem::not_found("such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the `Allow` header names the methods of this path")
        })
        // Bodies are limited where they are read, so that the limit is a problem like every other.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(api.clone(), health::count))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler panicked");
            Problem::new(Code::Internal, "the request could not be handled").into_response()
        }))
        .layer(from_fn(identify))
        .with_state(api)
}
