//! Resend's `POST /emails`, which knows idempotency keys.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Shared;

#[derive(Debug)]
pub struct Resend {
    pub key: String,
    pub mails: Vec<Value>,
    /// By idempotency key: the mail and its id.
    known: HashMap<String, (Value, String)>,
}

impl Default for Resend {
    fn default() -> Self {
        Self { key: "re_fake".to_owned(), mails: Vec::new(), known: HashMap::new() }
    }
}

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/emails", post(send))
}

async fn send(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else { return refused(400, "validation_error") };
    let mut services = shared.services();
    let resend = &mut services.resend;
    if header("authorization") != format!("Bearer {}", resend.key) {
        return refused(401, "missing_api_key");
    }
    if header("user-agent").is_empty() {
        return refused(403, "validation_error");
    }
    for field in ["from", "to", "subject"] {
        if mail[field].is_null() {
            return refused(422, "missing_required_field");
        }
    }
    if mail["html"].is_null() && mail["text"].is_null() {
        return refused(422, "missing_required_field");
    }
    let key = header("idempotency-key").to_owned();
    if let Some((known, id)) = resend.known.get(&key).filter(|_| !key.is_empty()) {
        if *known != mail {
            return refused(409, "invalid_idempotent_request");
        }
        return Json(json!({ "id": id })).into_response();
    }
    resend.mails.push(mail.clone());
    let id = format!("00000000-0000-4000-8000-{:012}", resend.mails.len());
    resend.known.insert(key, (mail, id.clone()));
    Json(json!({ "id": id })).into_response()
}

fn refused(status: u16, name: &str) -> Response {
    let body = json!({ "statusCode": status, "name": name, "message": format!("the stand-in refuses this: {name}") });
    (StatusCode::from_u16(status).expect("a status of this file"), Json(body)).into_response()
}
