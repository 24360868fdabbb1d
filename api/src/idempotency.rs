//! The `Idempotency-Key` header: one key, one effect, the same answer again.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use onward_engine::{Answer, AnswerKey, Answered, Principal, StartKey};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};

const HEADER: &str = "idempotency-key";
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEY_BYTES_MAX: usize = 255;
const KEPT_FOR: Duration = Duration::from_hours(24);

/// The key as sent. The replaced system's name for it is understood too.
fn read(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER).or_else(|| headers.get("x-idempotency-key")) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Problem::new(Code::Malformed, format!("an Idempotency-Key has 1 to {KEY_BYTES_MAX} visible ASCII characters"))
    })
}

/// For effects whose answer must not be stored: better refused than dropped silently.
pub fn refuse(headers: &HeaderMap, why: &str) -> Result<(), Problem> {
    match read(headers)? {
        None => Ok(()),
        Some(_) => Err(Problem::new(Code::InvalidRequest, format!("no Idempotency-Key here: {why}"))),
    }
}

/// Keys of one caller and one route do not meet those of others.
fn scope(caller: Option<&Principal>, route: &str) -> String {
    format!("{}:{route}", caller.map_or_else(|| "anyone".to_owned(), |caller| caller.id.to_string()))
}

fn hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

pub fn start_key(
    headers: &HeaderMap,
    caller: Option<&Principal>,
    route: &str,
    body: &[u8],
) -> Result<Option<StartKey>, Problem> {
    Ok(read(headers)?.map(|key| named_start_key(key, caller, route, body)))
}

pub fn named_start_key(key: String, caller: Option<&Principal>, route: &str, body: &[u8]) -> StartKey {
    let scope = scope(caller, route);
    StartKey { scope, key, request_hash: hash(body), ttl: KEPT_FOR, of_document: false }
}

pub fn answer_key(
    headers: &HeaderMap,
    caller: &Principal,
    route: &str,
    body: &[u8],
) -> Result<Option<AnswerKey>, Problem> {
    let key = read(headers)?;
    Ok(key.map(|key| AnswerKey { scope: scope(Some(caller), route), key, request_hash: hash(body), ttl: KEPT_FOR }))
}

/// The answer as it was given the first time, to the byte.
pub fn give(answered: Answered) -> Response {
    let Answered { answer: Answer { status, location, etag, body }, replayed } = answered;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [(header::LOCATION, location), (header::ETAG, etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
