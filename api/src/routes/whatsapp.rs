//! What Meta posts: its handshake, and reports about messages and templates.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use onward_engine::receive_whatsapp;
use onward_workflows::{Signature, SignatureScheme};
use serde_json::json;

use crate::body;
use crate::page::Query;
use crate::problem::Problem;
use crate::router::Api;
use crate::signature;

const APP_SECRET: &str = "WHATSAPP_APP_SECRET";
const VERIFY_TOKEN: &str = "WHATSAPP_VERIFY_TOKEN";
/// Meta packs many reports into one request.
const BODY_MAX: usize = 4 << 20;

/// Whether it is us whom Meta is told about: the answer is its challenge.
pub async fn handshake(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["hub.mode", "hub.challenge", "hub.verify_token"])?;
    let challenge = signature::challenge(&api, VERIFY_TOKEN, &query).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], challenge).into_response())
}

/// Verified over the bytes as they came, stored, and only then answered; what fails here, Meta sends again.
pub async fn receive(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let bytes = body::read(body, BODY_MAX, api.settings.body_timeout).await?;
    let expected = Signature {
        scheme: SignatureScheme::Meta,
        secret: APP_SECRET.to_owned(),
        header: None,
        prefix: None,
        // The scheme signs no time.
        tolerance: Duration::ZERO,
        verify_token: None,
    };
    signature::require(&api, &headers, &bytes, &expected).await?;
    let parsed = body::parse_value(&bytes)?;
    let taken = receive_whatsapp(&api.engine, &parsed).await?;
    Ok(Json(json!({ "status": "success", "taken": taken })).into_response())
}
