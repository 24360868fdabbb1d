//! Secrets: values go in and do not come out.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use onward_engine::{Scope, SetSecret, list_secrets, set_secret, unset_secret};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::request;
use crate::router::Api;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRequest {
    /// Any, so that no refusal repeats it.
    value: Value,
}

/// All of them: there are few enough for one answer.
pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::SecretsWrite).await?;
    Query::refuse(&uri)?;
    let secrets = list_secrets(&api.engine).await?;
    Ok(Json(json!({ "data": secrets, "next_cursor": null })).into_response())
}

pub async fn set(
    State(api): State<Api>,
    Name(name): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, request): (_, SetRequest) = request::read(&api, Scope::SecretsWrite, &headers, &uri, body).await?;
    let Value::String(value) = request.value else {
        return Err(Problem::new(Code::InvalidRequest, "`value` takes a text"));
    };
    let set = SetSecret { name, value: SecretString::from(value), by: caller.name.clone() };
    let secret = set_secret(&api.engine, set).await?;
    let is_new = secret.created_at == secret.updated_at;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(secret)).into_response())
}

pub async fn unset(
    State(api): State<Api>,
    Name(name): Name,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::SecretsWrite).await?;
    Query::refuse(&uri)?;
    unset_secret(&api.engine, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
