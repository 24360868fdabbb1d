//! Which path leads where, and what every request passes through.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, delete, get, on, post, put};
use metrics_exporter_prometheus::PrometheusHandle;
use onward_engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;

use crate::deadline::answer_in_time;
use crate::problem::{Code, Problem};
use crate::request_id::identify;
use crate::routes::{
    events, files, health, keys, operate, runs, schedules, secrets, simulate, triggers, whatsapp, workflows,
};

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
    /// Of a webhook, whatever its document allows.
    pub webhook_bytes_max: usize,
    pub connections_max: usize,
    /// From the first byte of a request to the last of its head.
    pub head_timeout: Duration,
    /// From the head to the last byte of the body.
    pub body_timeout: Duration,
    /// From the last byte of the body to the answer. Above what the engine gives a statement and its repeats.
    pub answer_timeout: Duration,
    /// Without any progress, while an answer is sent.
    pub write_timeout: Duration,
    /// What a stop waits for requests in work.
    pub drain_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            body_bytes_max: 512 * 1024,
            webhook_bytes_max: 5 * 1024 * 1024,
            connections_max: 1_024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(8),
            write_timeout: Duration::from_secs(30),
            drain_max: Duration::from_secs(10),
        }
    }
}

/// Which of them an endpoint takes is in its document.
const TRIGGER_METHODS: MethodFilter =
    MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::PATCH).or(MethodFilter::DELETE);

/// The paths below the base, as they are matched. What a path offers is in the `Allow` of its answer to `OPTIONS`.
pub fn paths() -> impl Iterator<Item = &'static str> {
    routes().into_iter().map(|(path, _)| path)
}

fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    let mut routes = vec![
        ("/triggers/{*endpoint}", on(TRIGGER_METHODS, triggers::start)),
        ("/workflows", get(workflows::list).post(workflows::create)),
        ("/workflows/validate", post(workflows::validate)),
        ("/workflows/deploy", post(workflows::deploy)),
        ("/workflows/simulate", post(simulate::simulate)),
        ("/workflows/{id}", get(workflows::show).put(workflows::replace)),
        ("/workflows/{id}/runs", post(runs::start)),
        ("/runs", get(runs::list)),
        ("/runs/{id}", get(runs::show)),
        ("/runs/{id}/steps", get(runs::steps)),
        ("/runs/{id}/cancel", post(operate::cancel)),
        ("/runs/{id}/retry", post(operate::retry)),
        ("/runs/{id}/replay", post(operate::replay)),
        ("/runs/{id}/steps/{path}", get(runs::step)),
        ("/runs/{id}/steps/{path}/complete", post(operate::complete)),
        ("/runs/{id}/steps/{path}/skip", post(operate::skip)),
        ("/runs/{id}/steps/{path}/retry", post(operate::retry_step)),
        ("/events", get(events::list).post(events::send)),
        ("/events/{id}", get(events::show)),
        ("/schedules", get(schedules::list)),
        ("/schedules/next", get(schedules::next)),
        ("/schedules/{id}/pause", post(schedules::pause)),
        ("/schedules/{id}/resume", post(schedules::resume)),
        ("/schedules/{id}/backfill", post(schedules::backfill)),
        ("/workers", get(schedules::workers)),
        ("/limits", get(schedules::limits)),
        ("/api-keys", get(keys::list).post(keys::create)),
        ("/api-keys/{id}", delete(keys::revoke)),
        ("/secrets", get(secrets::list)),
        ("/secrets/{name}", put(secrets::set).delete(secrets::unset)),
        ("/webhooks/whatsapp", get(whatsapp::handshake).post(whatsapp::receive)),
        ("/files/{id}/{name}", get(files::fetch)),
        ("/me", get(keys::me)),
    ];
    routes.extend(health::routes());
    routes
}

fn mount(routes: Vec<(&'static str, MethodRouter<Api>)>) -> Router<Api> {
    routes.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods))
}

pub fn router(api: Api) -> Router {
    Router::new()
        .nest("/api/v1", mount(routes()))
        .merge(mount(health::routes()))
        .fallback(async || Problem::not_found("such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the `Allow` header names the methods of this path")
        })
        // Bodies are limited where they are read, so that the limit is a problem like every other.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(api.clone(), answer_in_time))
        .layer(from_fn_with_state(api.clone(), health::count))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler panicked");
            Problem::new(Code::Internal, "the request could not be handled").into_response()
        }))
        .layer(from_fn(identify))
        .with_state(api)
}
