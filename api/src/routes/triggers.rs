//! `POST /triggers/{endpoint}`: a service outside starts a run.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use onward_engine::{PrepareRun, Scope, Started, find_endpoint};
use serde_json::{Map, Value, json};

use crate::auth;
use crate::body;
use crate::deadline::answered;
use crate::idempotency::{self, REPLAYED};
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;

/// Headers that documents may read; the others may hold secrets.
const SHOWN_HEADERS: [&str; 6] =
    ["content-type", "user-agent", "x-request-id", "x-correlation-id", "traceparent", "idempotency-key"];

pub async fn start(
    State(api): State<Api>,
    Name(endpoint): Name,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let found = answered(&api, find_endpoint(&api.engine, &endpoint)).await?;
    // A stranger learns nothing about which endpoints there are.
    let authenticated = found.as_ref().is_none_or(|found| found.authenticated);
    let caller = if authenticated { Some(auth::require(&api, &headers, Scope::TriggersCreate).await?) } else { None };
    let found = found.ok_or_else(|| Problem::not_found(&format!("endpoint `{endpoint}`")))?;
    if !found.enabled {
        return Err(Problem::new(
            Code::WorkflowDisabled,
            format!("`{}` does not take requests at the moment", found.workflow),
        ));
    }
    let bytes = body::read(body, api.settings.body_bytes_max, api.settings.body_timeout).await?;
    let inputs = body::parse_payload(&headers, &bytes)?;
    let key = idempotency::start_key(&headers, caller.as_deref(), &format!("triggers/{endpoint}"), &bytes)?;
    let version = api.engine.versions().load(api.engine.pool(), &found.workflow, found.version).await?;
    let trigger = json!({
        "type": "webhook",
        "id": found.trigger_id,
        "time": api.engine.clock().now(),
        "method": method.as_str(),
        "query": query(&uri)?,
        "headers": shown(&headers),
        "body": inputs,
    });
    // An old document declares no inputs and reads `trigger.body`; the body is not stored twice.
    let inputs = if version.definition.inputs.is_empty() { json!({}) } else { inputs };
    let request = PrepareRun { trigger_id: Some(found.trigger_id.clone()), trigger, inputs, scheduled_at: None, key };
    let start = api.engine.prepare(version, request)?;
    accepted(api.engine.start(start).await?)
}

fn accepted(started: Started) -> Result<Response, Problem> {
    let replayed = match started.duplicate {
        None => false,
        Some(duplicate) if duplicate.same_request => true,
        Some(_) => {
            return Err(Problem::new(Code::IdempotencyKeyReused, "send another body with another Idempotency-Key"));
        }
    };
    let url = format!("/api/v1/runs/{}", started.run);
    let body = json!({
        "status": "accepted",
        "run_id": started.run,
        // Callers of the replaced system look here.
        "jobId": started.run,
        "message": "The run is stored and will be carried out.",
        "url": url,
    });
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(&url).expect("an id is made of ASCII letters"));
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
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
