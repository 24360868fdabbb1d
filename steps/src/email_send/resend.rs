//! A mail through Resend's API, which recognises an idempotency key for a day.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onward_workflows::Outcome;
use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::letter::Letter;
use crate::retry_after::retry_after;
use crate::service::{Answer, Call, Class, Lost, Verdict};
use crate::services::address;
use crate::step::Outside;

pub(super) async fn send(
    outside: &Outside,
    key: &SecretString,
    letter: &Letter,
    idempotency_key: &str,
    deadline: Instant,
) -> Result<Value, Outcome> {
    let url = address(&outside.services.resend_url, &["emails"]);
    let call = Call::new(Method::POST, url, true).json(&body(letter)).header("idempotency-key", idempotency_key);
    let call = call.bearer(key)?;
    let Answer { status, headers, body } = call.send(&outside.clients, deadline).await.map_err(Lost::outcome)?;
    judge(status, &headers, &body).map_err(|verdict| verdict.outcome("Resend", status))
}

fn body(letter: &Letter) -> Value {
    let texts = |boxes: &[lettre::message::Mailbox]| boxes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut body = Map::new();
    body.insert("from".to_owned(), letter.from.to_string().into());
    body.insert("to".to_owned(), texts(&letter.to).into());
    body.insert("subject".to_owned(), letter.subject.clone().into());
    if !letter.cc.is_empty() {
        body.insert("cc".to_owned(), texts(&letter.cc).into());
    }
    for (name, value) in [("text", &letter.text), ("html", &letter.html)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.clone().into());
        }
    }
    if let Some(reply_to) = &letter.reply_to {
        body.insert("reply_to".to_owned(), reply_to.to_string().into());
    }
    if !letter.attachments.is_empty() {
        let files = letter.attachments.iter().map(|file| {
            json!({ "filename": file.name, "content": STANDARD.encode(&file.bytes), "content_type": file.media_type })
        });
        body.insert("attachments".to_owned(), files.collect());
    }
    body.insert("headers".to_owned(), json!({ "Message-ID": letter.message_id, "Auto-Submitted": "auto-generated" }));
    Value::Object(body)
}

fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Value, Verdict> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = body["name"].as_str().map_or_else(|| format!("status_{status}"), str::to_owned);
    let said = body["message"].as_str().unwrap_or_default();
    let verdict = |class| Verdict::new(class, word.clone(), format!("answered {status} {word}: {said}"));
    match (status, word.as_str()) {
        (200, _) if body["id"].is_string() => Ok(json!({ "message_id": body["id"] })),
        (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => Err(verdict(Class::Refused)),
        (429, _) => Err(verdict(Class::Throttled).after(retry_after(headers))),
        // The first one with this key is still at it.
        (409, "concurrent_idempotent_requests") | (408 | 500..=599, _) => {
            Err(verdict(Class::Transient).after(retry_after(headers)))
        }
        // It took the mail and says it badly; the key makes asking again harmless.
        (200..=299, _) => Err(verdict(Class::Transient)),
        _ => Err(verdict(Class::Refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_meaning() {
        let check = |status: u16, name: &str, class: Class| {
            let body = json!({ "name": name, "message": "invented" }).to_string();
            let verdict = judge(status, &HeaderMap::new(), body.as_bytes()).unwrap_err();
            assert_eq!((verdict.class, verdict.code.as_str()), (class, name), "{status}");
        };
        check(422, "missing_required_field", Class::Refused);
        check(401, "missing_api_key", Class::Refused);
        check(409, "invalid_idempotent_request", Class::Refused);
        check(409, "concurrent_idempotent_requests", Class::Transient);
        check(429, "rate_limit_exceeded", Class::Throttled);
        check(429, "daily_quota_exceeded", Class::Refused);
        check(500, "application_error", Class::Transient);
        assert_eq!(judge(200, &HeaderMap::new(), br#"{"id":"x"}"#), Ok(json!({ "message_id": "x" })));
        assert_eq!(judge(200, &HeaderMap::new(), b"<html>").unwrap_err().class, Class::Transient);
    }
}
