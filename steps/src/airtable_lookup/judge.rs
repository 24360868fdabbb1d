//! What Airtable's answers mean.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::retry_after::retry_after;
use crate::service::{Class, Verdict};

/// After too many requests Airtable refuses all of the base for so long.
pub(super) const PENALTY: Duration = Duration::from_secs(30);
const ITERATOR_GONE: &str = "LIST_RECORDS_ITERATOR_NOT_AVAILABLE";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Fine,
    /// The listing has to begin again: its cursor lives on their server, and not for long.
    CursorExpired,
    Not(Verdict),
}

/// The body of an error has one of three shapes: `{"error": {type, message}}`, `{"error": "TYPE"}`,
/// `{"errors": [{error, message}]}`.
pub(super) fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> Judgement {
    if status == 200 {
        return Judgement::Fine;
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let single = &body["error"];
    let first = &body["errors"][0];
    let word = [&single["type"], single, &first["error"]].into_iter().find_map(Value::as_str).unwrap_or("");
    let said = [&single["message"], &first["message"]].into_iter().find_map(Value::as_str).unwrap_or("");
    if word == ITERATOR_GONE {
        return Judgement::CursorExpired;
    }
    let code = if word.is_empty() { format!("status_{status}") } else { word.to_lowercase() };
    let message = |hint: &str| [hint, said].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    let verdict = |class, hint: &str| Verdict::new(class, code.clone(), format!("answered {status} {}", message(hint)));
    Judgement::Not(match (status, word) {
        (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED") => {
            verdict(Class::Refused, "the month's allowance of calls is used up")
        }
        (429, _) => {
            let wait = retry_after(headers).unwrap_or(PENALTY).max(PENALTY);
            verdict(Class::Throttled, "too many requests to this base").after(Some(wait))
        }
        (401, _) => verdict(Class::Refused, "the token is not accepted"),
        (403, _) => verdict(Class::Refused, "the token may not read this, or there is no such base or table"),
        (404, _) => verdict(Class::Refused, "there is no such base or table"),
        (408 | 500..=599, _) => verdict(Class::Transient, word).after(retry_after(headers)),
        _ => verdict(Class::Refused, word),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict {
        match judge(status, &HeaderMap::new(), body.as_bytes()) {
            Judgement::Not(verdict) => verdict,
            other => panic!("{status} {body} is {other:?}"),
        }
    }

    #[test]
    fn too_fast_is_not_the_same_as_used_up() {
        let fast = verdict(429, r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"slow down"}]}"#);
        assert_eq!(
            (fast.class, fast.code.as_str(), fast.wait),
            (Class::Throttled, "rate_limit_reached", Some(PENALTY))
        );
        let used_up = verdict(429, r#"{"error":{"type":"PUBLIC_API_BILLING_LIMIT_EXCEEDED","message":"x"}}"#);
        assert_eq!((used_up.class, used_up.wait), (Class::Refused, None));
    }

    #[test]
    fn every_shape_of_an_error_is_read() {
        let check = |status: u16, body: &str, class: Class, code: &str| {
            let verdict = verdict(status, body);
            assert_eq!((verdict.class, verdict.code.as_str()), (class, code), "{status} {body}");
        };
        check(401, r#"{"error":{"type":"AUTHENTICATION_REQUIRED"}}"#, Class::Refused, "authentication_required");
        check(404, r#"{"error":"NOT_FOUND"}"#, Class::Refused, "not_found");
        check(422, r#"{"error":{"type":"INVALID_FILTER_BY_FORMULA"}}"#, Class::Refused, "invalid_filter_by_formula");
        check(500, r#"{"error":{"type":"SERVER_ERROR"}}"#, Class::Transient, "server_error");
        check(502, "<html>bad gateway</html>", Class::Transient, "status_502");
        check(503, "", Class::Transient, "status_503");
        check(418, "[]", Class::Refused, "status_418");
    }

    #[test]
    fn an_expired_cursor_is_no_error() {
        let body = format!(r#"{{"error":{{"type":"{ITERATOR_GONE}"}}}}"#);
        assert_eq!(judge(422, &HeaderMap::new(), body.as_bytes()), Judgement::CursorExpired);
    }
}
