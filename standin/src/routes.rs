//! The routes. Every request except those about the ledger is counted, delayed and, if it asks, made to fail.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use super::fault::Fault;
use super::ledger::{Received, Totals};
use super::{Shared, airtable, cbb, graph, resend, shop, slack};

const BODY_MAX: usize = 1024 * 1024;
const DELAY_MAX_MS: u64 = 60_000;

/// How often this call has been made with this key, itself included.
#[derive(Debug, Clone, Copy)]
struct Count(u64);

/// A request that is being answered.
struct AtWork {
    shared: Shared,
    path: String,
}

impl AtWork {
    fn new(shared: Shared, path: String) -> Self {
        shared.ledger().entered(&path);
        Self { shared, path }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.shared.ledger().left(&self.path);
    }
}

/// An answer that is not what was hoped for.
type Answer<T = Json<Value>> = Result<T, (StatusCode, Json<Value>)>;

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/orders", get(list_orders))
        .route("/orders/{id}", get(show_order))
        .route("/customers/{id}", get(show_customer))
        .route("/rates", get(|| async { Json(shop::rates()) }))
        .route("/confirmations", post(add_confirmation))
        .route("/confirmations/{order}", put(write).get(read))
        .route("/reports/{date}", put(write).get(read))
        .route("/heartbeats/{run}", put(write).get(read))
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/latest", get(|| async { Json(shop::rates()) }))
        .route("/exports", post(create))
        .route("/exports/{id}", get(show_export))
        .route("/nightly", post(create))
        .route("/v1/{kind}", post(create))
        .route("/v1/{kind}/{id}", put(write).get(read).delete(undo))
        .route("/charges", post(create))
        .route("/charges/{id}/refund", post(create))
        .route("/echo", get(echo).post(echo))
        .nest("/airtable", airtable::router())
        .nest("/cbb", cbb::router())
        .nest("/graph", graph::router())
        .nest("/resend", resend::router())
        .nest("/slack", slack::router())
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is no such path here") })
        .layer(from_fn_with_state(shared.clone(), count_and_fail))
        .route("/ledger", get(show_ledger))
        .route("/ledger/reset", post(reset_ledger))
        .with_state(shared)
}

async fn count_and_fail(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").into_response();
    };
    let path = parts.uri.path().to_owned();
    let received = Received {
        method: parts.method.to_string(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        key: key(&parts.headers),
        headers: header_map(&parts.headers),
        body: body.to_vec(),
    };
    let arrived = shared.ledger().arrived(received);
    let call = match arrived {
        Ok(call) => call,
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}")).into_response(),
    };
    let _at_work = AtWork::new(shared.clone(), path.clone());
    let asked = query.get("delay_ms").and_then(|delay| delay.parse().ok()).unwrap_or(0);
    let delay = shared.delay + Duration::from_millis(DELAY_MAX_MS.min(asked));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Count(call));
    let work = next.run(request);
    let fault = Fault::wanted(&query, &path, call).or_else(|| shared.services().fault(&path));
    match fault {
        Some(fault) => fault.strike(work).await,
        None => work.await,
    }
}

async fn list_orders(Query(query): Query<HashMap<String, String>>) -> Answer {
    match query.get("date") {
        Some(date) => Ok(Json(shop::orders(date))),
        None => Err(problem(StatusCode::BAD_REQUEST, "`date` is missing")),
    }
}

async fn show_order(Path(id): Path<String>, Extension(count): Extension<Count>) -> Answer {
    Ok(Json(shop::order(&id, find(&id, count)?)))
}

async fn show_customer(Path(id): Path<String>, Extension(count): Extension<Count>) -> Answer {
    Ok(Json(shop::customer(&id, find(&id, count)?)))
}

fn find(id: &str, Count(call): Count) -> Answer<u64> {
    let number = shop::number(id).ok_or_else(|| problem(StatusCode::NOT_FOUND, "ids here have a number"))?;
    if shop::stumbles(number) && call == 1 {
        return Err(problem(StatusCode::SERVICE_UNAVAILABLE, "the first call for this one always fails"));
    }
    Ok(number)
}

async fn add_confirmation(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Answer<Response> {
    let body = parse(&body)?;
    let order = match body.get("order") {
        Some(Value::String(order)) => order.clone(),
        Some(Value::Number(order)) => order.to_string(),
        _ => return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "`order` is missing")),
    };
    let resource = format!("/confirmations/{order}");
    let stored = shared.ledger().write("/confirmations", key(&headers).as_deref(), &resource, body);
    Ok((StatusCode::CREATED, Json(stored.map_err(failed)?)).into_response())
}

async fn write(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Answer {
    let body = parse(&body)?;
    let stored = shared.ledger().write(uri.path(), key(&headers).as_deref(), uri.path(), body);
    Ok(Json(stored.map_err(failed)?))
}

/// An export is done by the second look at it.
async fn show_export(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Extension(Count(call)): Extension<Count>,
) -> Json<Value> {
    let state = if call > 1 || shared.services().exports_are_ready { "done" } else { "running" };
    Json(json!({ "id": id, "state": state, "url": format!("https://bi.example.test/files/{id}.csv") }))
}

/// Makes something and gives it an id: once for each key.
async fn create(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Answer<Response> {
    let mut body = parse(&body)?;
    let id = super::ledger::fingerprint(&format!("{}{:?}{body}", uri.path(), key(&headers)));
    if body.is_object() {
        body["id"] = json!(id);
    }
    let resource = format!("{}/{id}", uri.path());
    let stored = shared.ledger().write(uri.path(), key(&headers).as_deref(), &resource, body);
    Ok((StatusCode::CREATED, Json(stored.map_err(failed)?)).into_response())
}

async fn undo(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Answer {
    let stored = shared.ledger().write(uri.path(), key(&headers).as_deref(), uri.path(), Value::Null);
    Ok(Json(stored.map_err(failed)?))
}

async fn read(State(shared): State<Shared>, uri: Uri) -> Answer {
    let written = shared.ledger().read(uri.path());
    written.map(Json).ok_or_else(|| problem(StatusCode::NOT_FOUND, "nothing was written here"))
}

/// Tells what it was sent, as some services do in their error pages; `status` chooses with which status.
async fn echo(Query(query): Query<HashMap<String, String>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let status = query.get("status").and_then(|status| status.parse().ok()).unwrap_or(StatusCode::OK);
    let told = json!({
        "url": uri.to_string(),
        "headers": header_map(&headers),
        "body": String::from_utf8_lossy(&body),
    });
    (status, Json(told)).into_response()
}

async fn show_ledger(State(shared): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Json<Totals> {
    Json(shared.ledger().totals(query.get("path").map_or("", String::as_str)))
}

async fn reset_ledger(State(shared): State<Shared>) -> Answer<StatusCode> {
    shared.ledger().reset().map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(body: &[u8]) -> Answer<Value> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| problem(StatusCode::BAD_REQUEST, &error.to_string()))
}

fn key(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key").map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned())
}

fn header_map(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn failed(error: anyhow::Error) -> (StatusCode, Json<Value>) {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}"))
}

fn problem(status: StatusCode, text: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": text })))
}
