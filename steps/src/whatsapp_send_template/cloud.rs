//! Meta's Cloud API: sending, and what its errors mean.

use std::time::Duration;

use onward_workflows::Outcome;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::message::Message;
use super::{CLOUD_TOKEN, number, pair};
use crate::config::Problem;
use crate::retry_after::retry_after;
use crate::service::{Answer, Call, Class, Lost, Verdict};
use crate::services::address;
use crate::step::{Attempt, Outside};

/// The id under which Meta knows the message.
pub(super) async fn send(
    outside: &Outside,
    attempt: &Attempt<'_>,
    token: Option<&str>,
    message: &Message,
) -> Result<String, Outcome> {
    let services = &outside.services;
    let from = services.whatsapp_phone_number_id.as_deref().ok_or_else(|| {
        Problem::new("via", "is cloud, and no number is configured (ONWARD_WHATSAPP_PHONE_NUMBER_ID)")
    })?;
    let token = attempt.credential(token, CLOUD_TOKEN)?;
    let deadline = Instant::now() + attempt.timeout;
    let url = address(&services.graph_url, &[from, "messages"]);
    let body = message.body(message.link().as_ref(), attempt.idempotency_key);
    let call = Call::new(Method::POST, url, false).json(&body).bearer(&token)?;
    let Answer { status, headers, body } = call.send(&outside.clients, deadline).await.map_err(Lost::outcome)?;
    match judge(status, &headers, &body) {
        Ok(id) => Ok(id),
        Err((verdict, limit)) => {
            let key = match limit {
                Limit::None => None,
                Limit::Number => Some(number().key),
                Limit::Pair => Some(pair(&message.to).key),
            };
            if let Some(key) = key {
                attempt.backing.pause(&key, verdict.wait.unwrap_or(Duration::from_secs(10))).await;
            }
            Err(verdict.outcome("WhatsApp", status))
        }
    }
}

/// An answer of any other call that is not what was hoped for.
pub(crate) fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Outcome {
    match judge(status, headers, body) {
        // Such an answer has no message in it.
        Ok(_) => Verdict::new(Class::Transient, "unexpected_body", "answered with something else")
            .outcome("WhatsApp", status),
        Err((verdict, _)) if verdict.class == Class::Unknown => {
            Verdict { class: Class::Transient, ..verdict }.outcome("WhatsApp", status)
        }
        Err((verdict, _)) => verdict.outcome("WhatsApp", status),
    }
}

/// Whose limit was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    None,
    Number,
    Pair,
}

/// The code decides; titles and statuses have changed over the versions.
fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<String, (Verdict, Limit)> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().map_or(&Value::Null, |body| &body["error"]);
    if status == 200 && error.is_null() {
        let id = parsed.as_ref().and_then(|body| body["messages"][0]["id"].as_str());
        return id.map(str::to_owned).ok_or_else(|| {
            let text = "answered 200 without the message's id";
            (Verdict::new(Class::Unknown, "unexpected_body", text), Limit::None)
        });
    }
    let wait = retry_after(headers);
    let Some(code) = error["code"].as_i64() else {
        let class = if status == 429 {
            Class::Throttled
        } else if status >= 500 || status == 408 {
            Class::Transient
        } else {
            Class::Refused
        };
        let limit = if status == 429 { Limit::Number } else { Limit::None };
        return Err((Verdict::new(class, format!("status_{status}"), format!("answered {status}")).after(wait), limit));
    };
    let said =
        [&error["error_data"]["details"], &error["message"]].into_iter().find_map(Value::as_str).unwrap_or_default();
    let transient = error["is_transient"] == true || status >= 500;
    let (class, limit, pause, hint) = meaning(code, transient);
    let separator = if hint.is_empty() { "" } else { ": " };
    let trace = error["fbtrace_id"].as_str().map(|trace| format!(" (trace {trace})")).unwrap_or_default();
    let message = format!("refused with code {code}{separator}{hint}: {said}{trace}");
    let wait = wait.max(pause.map(Duration::from_secs));
    Err((Verdict::new(class, format!("meta_{code}"), message).after(wait), limit))
}

/// Class, whose limit, seconds to wait, what to do.
fn meaning(code: i64, transient: bool) -> (Class, Limit, Option<u64>, &'static str) {
    use Class::{Refused, Throttled, Transient};
    match code {
        0 | 190 => (Refused, Limit::None, None, "the token is not accepted"),
        1 | 2 | 131_000 | 131_016 | 133_004 => (Transient, Limit::None, None, ""),
        131_057 => (Transient, Limit::None, Some(60), "the number is being maintained"),
        4 | 80_007 | 131_064 => (Throttled, Limit::Number, Some(60), "the account's limit"),
        130_429 => (Throttled, Limit::Number, Some(5), "the number's limit"),
        131_056 => (Throttled, Limit::Pair, Some(60), "too many messages to this person"),
        131_048 => (Throttled, Limit::Number, Some(3_600), "too many people have blocked or reported the number"),
        368 | 131_031 => (Refused, Limit::None, None, "the account is locked"),
        131_042 => (Refused, Limit::None, None, "the account has a payment problem"),
        131_037 => (Refused, Limit::None, None, "the number's display name is not approved"),
        131_026 => (Refused, Limit::None, None, "this person cannot be reached by WhatsApp"),
        131_047 => (Refused, Limit::None, None, "24 hours have passed since their last message"),
        131_049 | 130_472 => (Refused, Limit::None, None, "Meta does not deliver this to them now"),
        131_050 => (Refused, Limit::None, None, "they have stopped such messages"),
        131_053 => (Refused, Limit::None, None, "the document could not be fetched"),
        132_000 => (Refused, Limit::None, None, "the number of params is not the template's"),
        132_001 => (Refused, Limit::None, None, "there is no such template, or not in this language"),
        132_015 | 132_016 => (Refused, Limit::None, None, "the template is paused or disabled"),
        131_008 | 131_009 | 132_005 | 132_007 | 132_008 | 132_012 | 135_000 | 100 => (Refused, Limit::None, None, ""),
        _ if transient => (Transient, Limit::None, None, ""),
        _ => (Refused, Limit::None, None, ""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_code_decides() {
        let check = |status: u16, code: i64, class: Class, limit: Limit| {
            let body = json!({ "error": { "message": "invented", "code": code, "fbtrace_id": "A1" } }).to_string();
            let (verdict, met) = judge(status, &HeaderMap::new(), body.as_bytes()).unwrap_err();
            assert_eq!((verdict.class, met), (class, limit), "{code}");
            assert_eq!(verdict.code, format!("meta_{code}"));
        };
        check(401, 190, Class::Refused, Limit::None);
        check(400, 130_429, Class::Throttled, Limit::Number);
        check(400, 131_056, Class::Throttled, Limit::Pair);
        check(404, 132_001, Class::Refused, Limit::None);
        check(400, 132_000, Class::Refused, Limit::None);
        check(503, 2, Class::Transient, Limit::None);
        check(500, 131_057, Class::Transient, Limit::None);
        check(500, 999_999, Class::Transient, Limit::None);
        check(400, 999_999, Class::Refused, Limit::None);
        // A code that says it wins over a status that says otherwise.
        check(500, 131_026, Class::Refused, Limit::None);
    }

    #[test]
    fn an_answer_without_an_id_may_have_sent() {
        let unknown = |status: u16, body: &str| judge(status, &HeaderMap::new(), body.as_bytes()).unwrap_err().0.class;
        assert_eq!(unknown(200, "{}"), Class::Unknown);
        assert_eq!(unknown(200, "<html>"), Class::Unknown);
        assert_eq!(unknown(502, "<html>"), Class::Transient);
        assert_eq!(unknown(400, "<html>"), Class::Refused);
        let sent = judge(200, &HeaderMap::new(), br#"{"messages":[{"id":"wamid.FAKE1"}]}"#);
        assert_eq!(sent, Ok("wamid.FAKE1".to_owned()));
    }
}
