//! Who is calling, and what the key allows.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use onward_engine::{Principal, Scope, authenticate};
use serde_json::json;

use crate::deadline::answered;
use crate::problem::{Code, Problem};
use crate::router::Api;

/// The holder of the presented key, if it has the scope.
pub async fn require(api: &Api, headers: &HeaderMap, scope: Scope) -> Result<Arc<Principal>, Problem> {
    let caller = identify(api, headers).await?;
    if caller.allows(scope) {
        return Ok(caller);
    }
    let detail = format!("this needs a key with the scope `{}`", scope.as_str());
    Err(Problem::new(Code::MissingScope, detail).with("scope", json!(scope.as_str())))
}

pub async fn identify(api: &Api, headers: &HeaderMap) -> Result<Arc<Principal>, Problem> {
    let presented = presented(headers)?
        .ok_or_else(|| Problem::new(Code::Unauthorized, "send `Authorization: Bearer KEY` or `X-API-Key: KEY`"))?;
    answered(api, authenticate(&api.engine, presented)).await
}

/// One key, in one of two headers. Two of them would leave open which one counts.
fn presented(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        bearer.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let bearer = bearer.map(|(_, key)| key.trim());
    match (bearer, headers.get("x-api-key").and_then(|value| value.to_str().ok())) {
        (Some(_), Some(_)) => {
            Err(Problem::new(Code::Malformed, "send one key: `Authorization` or `X-API-Key`, not both"))
        }
        (bearer, other) => Ok(bearer.or(other)),
    }
}
