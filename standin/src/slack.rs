//! Slack's `chat.postMessage`: a 200 says nothing, the body does.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Shared;

#[derive(Debug)]
pub struct Slack {
    pub token: String,
    /// In the order in which they came.
    pub messages: Vec<Value>,
    /// What the next post is answered, after it has been carried out when the word says so.
    pub next_error: Option<String>,
}

impl Default for Slack {
    fn default() -> Self {
        Self { token: "xoxb-fake".to_owned(), messages: Vec::new(), next_error: None }
    }
}

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/api/chat.postMessage", post(post_message)).route("/api/auth.test", post(test))
}

async fn test() -> Json<Value> {
    Json(json!({ "ok": true, "user_id": "U00FAKE", "team_id": "T00FAKE" }))
}

async fn post_message(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = match fields(&headers, &body) {
        Ok(body) => body,
        Err(word) => return refused(word),
    };
    let channel = body["channel"].as_str().unwrap_or_default().to_owned();
    let text = body["text"].as_str().unwrap_or_default();
    let place = {
        let mut services = shared.services();
        let slack = &mut services.slack;
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if token != format!("Bearer {}", slack.token) {
            return refused("invalid_auth");
        }
        if channel.is_empty() || channel == "#nowhere" {
            return refused("channel_not_found");
        }
        if text.is_empty() && body["blocks"].is_null() {
            return refused("no_text");
        }
        // The one word after which the message is there all the same.
        if slack.next_error.as_deref() != Some("fatal_error")
            && let Some(word) = slack.next_error.take()
        {
            return refused(&word);
        }
        slack.messages.push(body.clone());
        slack.messages.len()
    };
    let identity = format!("/slack/messages/{channel}/{}", crate::ledger::fingerprint(&body.to_string()));
    if let Err(error) = shared.ledger().write(&identity, None, &identity, body.clone()) {
        return (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
    }
    if shared.services().slack.next_error.take().is_some() {
        return refused("fatal_error");
    }
    let ts = format!("1767322446.{place:06}");
    let message = json!({ "type": "message", "text": text, "ts": ts });
    Json(json!({ "ok": true, "channel": channel, "ts": ts, "message": message })).into_response()
}

fn refused(word: &str) -> Response {
    Json(json!({ "ok": false, "error": word })).into_response()
}

/// JSON, or a form whose `blocks` are JSON as text.
fn fields(headers: &HeaderMap, body: &[u8]) -> Result<Value, &'static str> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(body).map_err(|_| "invalid_json");
    }
    let pairs: Vec<(String, String)> = crate::form::pairs(body).ok_or("invalid_form_data")?;
    let value = |name: &str, text: String| {
        if name == "blocks" { serde_json::from_str(&text).unwrap_or(Value::String(text)) } else { Value::String(text) }
    };
    Ok(Value::Object(pairs.into_iter().map(|(name, text)| (name.clone(), value(&name, text))).collect()))
}
