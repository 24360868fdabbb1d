//! API keys: the secret is in one answer, once.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use onward_engine::{NewKey, Scope, create_key, list_keys, revoke_key};
use onward_workflows::ApiKeyId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::body;
use crate::idempotency;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<DateTime<Utc>>,
    prefix: Option<String>,
}

pub async fn create(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::KeysWrite).await?;
    Query::refuse(&uri)?;
    idempotency::refuse(&headers, "the answer holds a secret, which is never stored")?;
    let bytes = body::read(body, api.settings.body_bytes_max, api.settings.body_timeout).await?;
    let CreateRequest { name, scopes, expires_at, prefix } = body::parse_request(&headers, &bytes)?;
    // Nobody gives what he does not have.
    if let Some(missing) = scopes.iter().find(|scope| !caller.allows(**scope)) {
        let detail = format!("your key does not have the scope `{}`", missing.as_str());
        return Err(Problem::new(Code::MissingScope, detail).with("scope", json!(missing.as_str())));
    }
    let created = create_key(&api.engine, NewKey { name, scopes, expires_at, prefix }).await?;
    let mut body =
        serde_json::to_value(&created.key).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    body["secret"] = Value::String(created.secret);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::KeysWrite).await?;
    let query = Query::parse(&uri, &["limit", "cursor"])?;
    Ok(Json(list_keys(&api.engine, query.parsed("cursor")?, query.limit()?).await?).into_response())
}

pub async fn revoke(State(api): State<Api>, Name(id): Name, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::KeysWrite).await?;
    Query::refuse(&uri)?;
    let no_key = || Problem::not_found(&format!("key `{id}`"));
    let key: ApiKeyId = id.parse().map_err(|_| no_key())?;
    revoke_key(&api.engine, key).await?.ok_or_else(no_key)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn me(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let caller = auth::identify(&api, &headers).await?;
    Query::refuse(&uri)?;
    Ok(Json(caller).into_response())
}
