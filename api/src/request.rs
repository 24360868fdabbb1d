//! A request that changes something: who sends it, and what it asks for.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use onward_engine::{Principal, Scope};
use serde::de::DeserializeOwned;

use crate::auth;
use crate::body;
use crate::page::Query;
use crate::problem::Problem;
use crate::router::Api;

/// The caller, who has the scope, and what was sent.
pub async fn read<T: DeserializeOwned>(
    api: &Api,
    scope: Scope,
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<(Arc<Principal>, T), Problem> {
    let caller = auth::require(api, headers, scope).await?;
    Query::refuse(uri)?;
    let bytes = body::read(body, api.settings.body_bytes_max, api.settings.body_timeout).await?;
    Ok((caller, body::parse_request(headers, &bytes)?))
}
