//! `/triggers/{endpoint}`: a service outside starts a run.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use onward_engine::{Duplicate, PrepareError, PrepareRun, RunEnd, Scope, Started, Version, await_end, find_endpoint};
use onward_workflows::{Respond, RunStatus, TriggerKind, WebhookTrigger};
use serde_json::{Map, Value, json};

use crate::auth;
use crate::body;
use crate::deadline::{Patience, answered};
use crate::idempotency::{self, REPLAYED};
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;
use crate::signature;

/// Headers that documents may read; the others may hold secrets.
const SHOWN_HEADERS: [&str; 6] =
    ["content-type", "user-agent", "x-request-id", "x-correlation-id", "traceparent", "idempotency-key"];

pub async fn start(
    State(api): State<Api>,
    Extension(patience): Extension<Patience>,
    Name(endpoint): Name,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let found = answered(&api, find_endpoint(&api.engine, &endpoint)).await?;
    // A stranger learns nothing about which endpoints there are.
    let signature = answered(&api, signature::expected(&api, found.as_deref())).await?;
    let shakes = signature.as_ref().is_some_and(|signature| signature.verify_token.is_some());
    if method == Method::GET && shakes {
        return signature::handshake(State(api), Name(endpoint), headers, uri).await;
    }
    let authenticated = signature.is_none() && found.as_ref().is_none_or(|found| found.authenticated);
    let caller = if authenticated { Some(auth::require(&api, &headers, Scope::TriggersCreate).await?) } else { None };
    let found = found.ok_or_else(|| Problem::not_found(&format!("endpoint `{endpoint}`")))?;
    if !found.enabled {
        return Err(Problem::new(
            Code::WorkflowDisabled,
            format!("`{}` does not take requests at the moment", found.workflow),
        ));
    }
    let version = api.engine.versions().load(api.engine.pool(), &found.workflow, found.version).await?;
    let webhook = webhook(&version, &found.trigger_id)
        .ok_or_else(|| Problem::not_found(&format!("endpoint `{endpoint}`")))?
        .clone();
    if !webhook.methods.iter().any(|allowed| allowed == method.as_str()) {
        return Ok(method_not_allowed(&webhook.methods));
    }
    let bytes_max = webhook.max_body.min(api.settings.webhook_bytes_max);
    let bytes = body::read(body, bytes_max, api.settings.body_timeout).await?;
    if let Some(signature) = &signature {
        signature::require(&api, &headers, &bytes, signature).await?;
    }
    let payload =
        if bytes.is_empty() && method == Method::GET { json!({}) } else { body::parse_payload(&headers, &bytes)? };
    let key = idempotency::start_key(&headers, caller.as_deref(), &format!("triggers/{endpoint}"), &bytes)?;
    let trigger = json!({
        "type": "webhook",
        "id": found.trigger_id,
        "time": api.engine.clock().now(),
        "method": method.as_str(),
        "query": query(&uri)?,
        "headers": shown(&headers),
        "body": payload,
    });
    // An old document declares no inputs and reads `trigger.body`; the body is not stored twice.
    let inputs = if version.definition.inputs.is_empty() { json!({}) } else { payload };
    let request = PrepareRun { trigger_id: Some(found.trigger_id.clone()), trigger, inputs, scheduled_at: None, key };
    let start = match api.engine.prepare(version, request) {
        Err(PrepareError::Filtered) => return Ok(filtered()),
        prepared => prepared?,
    };
    let started = api.engine.start(start).await?;
    match webhook.respond {
        Respond::Accepted => accepted(started),
        Respond::Result(within) => {
            refuse_reused(started)?;
            patience.allow(within);
            match await_end(&api.engine, started.run, within).await? {
                Some(end) => result(started, end),
                None => accepted(started),
            }
        }
        Respond::Fixed { status, body, headers } => {
            refuse_reused(started)?;
            Ok(fixed(status, &body, &headers))
        }
    }
}

fn webhook<'v>(version: &'v Version, trigger_id: &str) -> Option<&'v WebhookTrigger> {
    let trigger = version.definition.triggers.iter().find(|trigger| trigger.id == trigger_id)?;
    match &trigger.kind {
        TriggerKind::Webhook(webhook) => Some(webhook),
        TriggerKind::Cron(_) | TriggerKind::Event(_) | TriggerKind::Manual => None,
    }
}

fn method_not_allowed(methods: &[String]) -> Response {
    let allowed = methods.join(", ");
    let problem = Problem::new(Code::MethodNotAllowed, format!("this endpoint takes {allowed}"));
    let mut response = problem.into_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// The trigger's `if` is false: that is no mistake of the caller.
fn filtered() -> Response {
    let body = json!({ "status": "filtered", "message": "The trigger does not want this request; there is no run." });
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

fn refuse_reused(started: Started) -> Result<(), Problem> {
    match started.duplicate {
        None | Some(Duplicate::SameRequest | Duplicate::KeyOfDocument) => Ok(()),
        Some(Duplicate::OtherRequest) => {
            Err(Problem::new(Code::IdempotencyKeyReused, "send another body with another Idempotency-Key"))
        }
    }
}

fn accepted(started: Started) -> Result<Response, Problem> {
    refuse_reused(started)?;
    let url = format!("/api/v1/runs/{}", started.run);
    let mut body = json!({
        "status": "accepted",
        "run_id": started.run,
        // Callers of the replaced system look here.
        "jobId": started.run,
        "message": "The run is stored and will be carried out.",
        "url": url,
    });
    let mut status = StatusCode::ACCEPTED;
    if started.duplicate == Some(Duplicate::KeyOfDocument) {
        status = StatusCode::OK;
        body["duplicate"] = Value::Bool(true);
        body["message"] = "This had been sent before; the first run is shown.".into();
    }
    Ok(about(started, (status, Json(body)).into_response()))
}

/// The run's output as the answer; a run that failed is a fault behind this server.
fn result(started: Started, end: RunEnd) -> Result<Response, Problem> {
    match end.status {
        RunStatus::Succeeded => Ok(about(started, (StatusCode::OK, Json(end.output)).into_response())),
        RunStatus::Failed | RunStatus::Canceled => {
            let why = end.error.map_or_else(|| "the run was canceled".to_owned(), |error| error.message);
            Err(Problem::new(Code::RunFailed, why).with("run_id", json!(started.run)))
        }
    }
}

/// Where the run is, and whether it had been started before.
fn about(started: Started, mut response: Response) -> Response {
    let url = format!("/api/v1/runs/{}", started.run);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(&url).expect("an id is made of ASCII letters"));
    if started.duplicate == Some(Duplicate::SameRequest) {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// What the document says that callers get, as soon as the run is stored.
fn fixed(status: u16, body: &Value, named: &[(String, String)]) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = match body {
        Value::Null => status.into_response(),
        Value::String(text) => (status, text.clone()).into_response(),
        other => (status, Json(other)).into_response(),
    };
    for (name, value) in named {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn query(uri: &Uri) -> Result<Value, Problem> {
    let mut query = Map::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.insert(body::decode(name)?, Value::String(body::decode(value)?));
    }
    Ok(Value::Object(query))
}

fn shown(headers: &HeaderMap) -> Value {
    let shown = SHOWN_HEADERS.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::String(value.to_owned())))
    });
    Value::Object(shown.collect())
}
