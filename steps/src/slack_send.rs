//! `slack.send`: a message to a channel.

use std::time::Duration;

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::backing::Bound;
use crate::config::{Fields, Problem};
use crate::documents::{Kind, document};
use crate::retry_after::retry_after;
use crate::service::{Answer, Call, Class, Lost, Verdict};
use crate::services::{Services, address};
use crate::step::{Attempt, BuiltIn, Outside};

const TOKEN: &str = "SLACK_BOT_TOKEN";
/// Slack's own limit; what is longer it cuts off without a word.
const TEXT_MAX: usize = 40_000;
const BLOCKS_MAX: usize = 50;
/// Slack takes about one message a second in a channel.
const MESSAGE_EVERY: Duration = Duration::from_secs(1);
/// When Slack says that it is too much and not for how long.
const PAUSE: Duration = Duration::from_secs(5);

const TYPE: StepType = StepType {
    name: "slack.send",
    summary: "Posts a message to Slack: {ts, channel}.",
    fields: &[
        ConfigField {
            name: "channel",
            kind: FieldKind::Text,
            required: true,
            summary: "#name, @name or a channel's id.",
        },
        field("message", FieldKind::Text, "The text, in Slack's own markup."),
        field("blocks", FieldKind::Any, "Slack's blocks; `message` beside them is what notifications show."),
        field("template", FieldKind::Text, "The name of a text template, instead of a text."),
        field("variables", FieldKind::Object, "What the template reads."),
        field("thread_ts", FieldKind::Text, "The `ts` of a message to answer to."),
        field("token", FieldKind::Text, "Instead of the secret SLACK_BOT_TOKEN."),
    ],
    secrets: &[TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // Slack has no idempotency keys.
    safe_to_repeat: |_, _| false,
    bounds: |_, config| config["channel"].as_str().map(bound).into_iter().collect(),
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

fn bound(channel: &str) -> Bound {
    Bound { key: format!("slack/{channel}"), limit: 1, per: MESSAGE_EVERY }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match post(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn post(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let deadline = Instant::now() + attempt.timeout;
    let fields = Fields::open(attempt.config, &TYPE)?;
    let channel = fields.text("channel")?;
    let message = message(fields, &channel, &outside.services).await?;
    let token = attempt.credential(fields.text_or_none("token")?.as_deref(), TOKEN)?;
    let url = address(&outside.services.slack_url, &["chat.postMessage"]);
    let call = Call::new(Method::POST, url, false).json(&Value::Object(message)).bearer(&token)?;
    let Answer { status, headers, body } = call.send(&outside.clients, deadline).await.map_err(Lost::outcome)?;
    match judge(status, &headers, &body) {
        Ok(output) => Ok(output),
        Err(verdict) => {
            if verdict.class == Class::Throttled {
                attempt.backing.pause(&bound(&channel).key, verdict.wait.unwrap_or(PAUSE)).await;
            }
            Err(verdict.outcome("Slack", status))
        }
    }
}

async fn message(fields: Fields<'_>, channel: &str, services: &Services) -> Result<Map<String, Value>, Problem> {
    let mut message = Map::from_iter([("channel".to_owned(), json!(channel))]);
    let blocks = fields.value("blocks");
    if let Some(blocks) = blocks {
        let fits = blocks.as_array().is_some_and(|blocks| blocks.len() <= BLOCKS_MAX);
        if !fits {
            return Err(Problem::new("blocks", format!("must be a list of at most {BLOCKS_MAX} blocks")));
        }
        message.insert("blocks".to_owned(), blocks.clone());
    }
    let text = match (fields.text_or_none("message")?, fields.text_or_none("template")?) {
        (Some(_), Some(_)) => return Err(Problem::new("template", "cannot stand beside `message`")),
        (None, Some(name)) => {
            let data = fields.value("variables").cloned().unwrap_or_else(|| json!({}));
            Some(document(services, Kind::Text, &name, &data).await?)
        }
        (message, None) => message,
    };
    match text {
        Some(text) if text.trim().is_empty() => return Err(Problem::new("message", "is empty")),
        Some(text) if text.chars().count() > TEXT_MAX => {
            return Err(Problem::new("message", format!("is longer than {TEXT_MAX} characters")));
        }
        Some(text) => {
            message.insert("text".to_owned(), text.into());
        }
        None if blocks.is_none() => {
            return Err(Problem::new("message", "is required, or `blocks`, or `template`"));
        }
        None => {}
    }
    if let Some(thread) = fields.text_or_none("thread_ts")? {
        message.insert("thread_ts".to_owned(), thread.into());
    }
    Ok(message)
}

/// Slack says in the body whether it has worked; the status is 200 most of the time.
fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Value, Verdict> {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let word = body.as_ref().and_then(|body| body["error"].as_str());
    let verdict = |class, word: &str, hint: &str| {
        let separator = if hint.is_empty() { "" } else { ": " };
        Verdict::new(class, word, format!("answered `{word}`{separator}{hint}"))
    };
    if status == 429 {
        let wait = retry_after(headers).unwrap_or(PAUSE);
        return Err(verdict(Class::Throttled, "ratelimited", "too many messages").after(Some(wait)));
    }
    if status >= 500 || status == 408 {
        return Err(Verdict::new(Class::Transient, format!("status_{status}"), format!("answered {status}"))
            .after(retry_after(headers)));
    }
    let Some(body) = &body else {
        return Err(Verdict::new(
            Class::Unknown,
            "unexpected_body",
            format!("answered {status} without saying whether it posted"),
        ));
    };
    if body["ok"] == true {
        return Ok(json!({ "ts": body["ts"], "channel": body["channel"] }));
    }
    Err(match word.unwrap_or("unknown_error") {
        "ratelimited" | "rate_limited" => verdict(Class::Throttled, "ratelimited", "too many messages")
            .after(Some(retry_after(headers).unwrap_or(PAUSE))),
        // The message may be there all the same.
        word @ ("fatal_error" | "internal_error") => verdict(Class::Unknown, word, "it may have been posted"),
        word @ ("service_unavailable" | "request_timeout" | "team_added_to_org") => verdict(Class::Transient, word, ""),
        word @ ("invalid_auth" | "account_inactive" | "token_revoked" | "token_expired" | "not_authed") => {
            verdict(Class::Refused, word, "the token is not accepted")
        }
        "missing_scope" => verdict(Class::Refused, "missing_scope", "the token lacks the scope chat:write"),
        word @ ("channel_not_found" | "not_in_channel" | "is_archived") => {
            verdict(Class::Refused, word, "invite the app to the channel, or correct the name")
        }
        word => verdict(Class::Refused, word, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_decides() {
        let check = |status: u16, body: &str, class: Class, code: &str| {
            let verdict = judge(status, &HeaderMap::new(), body.as_bytes()).unwrap_err();
            assert_eq!((verdict.class, verdict.code.as_str()), (class, code), "{status} {body}");
        };
        check(200, r#"{"ok":false,"error":"channel_not_found"}"#, Class::Refused, "channel_not_found");
        check(200, r#"{"ok":false,"error":"invalid_auth"}"#, Class::Refused, "invalid_auth");
        check(200, r#"{"ok":false,"error":"something_new"}"#, Class::Refused, "something_new");
        check(200, r#"{"ok":false,"error":"fatal_error"}"#, Class::Unknown, "fatal_error");
        check(200, r#"{"ok":false,"error":"service_unavailable"}"#, Class::Transient, "service_unavailable");
        check(200, r#"{"ok":false,"error":"ratelimited"}"#, Class::Throttled, "ratelimited");
        check(429, "", Class::Throttled, "ratelimited");
        check(503, "", Class::Transient, "status_503");
        check(200, "<html>", Class::Unknown, "unexpected_body");
        let posted = judge(200, &HeaderMap::new(), br#"{"ok":true,"ts":"1.2","channel":"C1"}"#);
        assert_eq!(posted, Ok(json!({ "ts": "1.2", "channel": "C1" })));
    }
}
