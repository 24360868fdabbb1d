//! What the chatbot service's answers mean. Its status says little: an error may come with a 200.

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::retry_after::retry_after;
use crate::service::{Class, Verdict};

/// Words in an error with which it passes by itself.
const PASSING: [&str; 4] = ["too many", "rate limit", "temporarily", "try again"];

/// `sends`: an answer that cannot be understood may mean that the message has left.
pub(super) fn judge(status: u16, headers: &HeaderMap, body: &[u8], sends: bool) -> Result<Value, Verdict> {
    let wait = || retry_after(headers);
    if status == 429 {
        return Err(Verdict::new(Class::Throttled, "status_429", "answered 429: too many requests").after(wait()));
    }
    if status == 408 || status >= 500 {
        return Err(
            Verdict::new(Class::Transient, format!("status_{status}"), format!("answered {status}")).after(wait())
        );
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        let is_page = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
        let hint =
            if is_page { "a page for people; the token is not accepted, or the address is wrong" } else { "no JSON" };
        // A page is what somebody gets who is not let in.
        let class = match (is_page || status >= 400, sends) {
            (true, _) => Class::Refused,
            (false, true) => Class::Unknown,
            (false, false) => Class::Transient,
        };
        return Err(Verdict::new(class, "unexpected_body", format!("answered {status} with {hint}")));
    };
    let said = said(&body);
    if said.is_none() && body["success"] != false && (200..300).contains(&status) {
        return Ok(body);
    }
    let said = said.unwrap_or_else(|| "without a reason".to_owned());
    let lower = said.to_lowercase();
    let class = if PASSING.iter().any(|word| lower.contains(word)) { Class::Transient } else { Class::Refused };
    let code = if status == 200 { "refused".to_owned() } else { format!("status_{status}") };
    let hint = if status == 401 { "the token is not accepted: " } else { "" };
    Err(Verdict::new(class, code, format!("answered {status}: {hint}{said}")))
}

/// `{"success":false,"error"|"message"}`, `{"error":{code,message}}` or `{"errors":{field:[text]}}`.
fn said(body: &Value) -> Option<String> {
    let error = match &body["error"] {
        Value::String(text) => Some(text.clone()),
        Value::Object(error) => error.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let errors = body["errors"].as_object().map(|errors| {
        let texts: Vec<String> = errors
            .iter()
            .map(|(field, texts)| format!("{field}: {}", texts[0].as_str().or(texts.as_str()).unwrap_or("wrong")))
            .collect();
        texts.join(", ")
    });
    let message = (body["success"] == false).then(|| body["message"].as_str()).flatten().map(str::to_owned);
    error.or(errors).or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_a_200_is_an_error() {
        let check = |status: u16, body: &str, sends: bool, class: Class| {
            let verdict = judge(status, &HeaderMap::new(), body.as_bytes(), sends).unwrap_err();
            assert_eq!(verdict.class, class, "{status} {body}");
        };
        check(200, r#"{"success":false,"error":"no such field"}"#, false, Class::Refused);
        check(200, r#"{"success":false,"message":"no such field"}"#, true, Class::Refused);
        check(200, r#"{"error":{"code":400,"message":"wrong"}}"#, true, Class::Refused);
        check(200, r#"{"errors":{"phone":["is wrong"]}}"#, false, Class::Refused);
        check(200, r#"{"success":false}"#, false, Class::Refused);
        check(200, r#"{"success":false,"error":"Too many requests"}"#, false, Class::Transient);
        check(401, r#"{"success":false,"error":"bad token"}"#, false, Class::Refused);
        check(200, "<!doctype html><title>Log in", true, Class::Refused);
        check(200, "", true, Class::Unknown);
        check(200, "", false, Class::Transient);
        check(404, "not here", false, Class::Refused);
        check(429, "", true, Class::Throttled);
        check(502, "<html>", true, Class::Transient);
        assert!(judge(200, &HeaderMap::new(), br#"{"success":true,"message":"fine"}"#, true).is_ok());
        assert!(judge(200, &HeaderMap::new(), br#"{"id":"1","phone":""}"#, false).is_ok());
    }
}
