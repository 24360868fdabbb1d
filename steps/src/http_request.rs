//! `http.request`: one HTTP request, its answer as the output.

mod answer;
mod classify;
mod exchange;
mod expected;
mod headers;
mod redirect;
mod request;

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::config::Problem;
use crate::step::{Attempt, BuiltIn, Outside, unbounded};
use exchange::exchange;
use request::{METHODS, PARSERS, Request};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

const TYPE: StepType = StepType {
    name: "http.request",
    summary: "Sends an HTTP request and gives its answer: {status, headers, body, duration_ms}.",
    fields: &[
        field("url", FieldKind::Url, "Where to send it."),
        field("method", FieldKind::OneOf(METHODS), "GET unless written. POST and PATCH are not safe to repeat."),
        field("headers", FieldKind::Object, "Names and values. An `Idempotency-Key` here makes a POST safe to repeat."),
        field("query", FieldKind::Object, "Added to the URL; a list repeats its name."),
        field("body", FieldKind::Any, "Sent as JSON; text with a `content-type` header is sent as it is."),
        field(
            "expect_status",
            FieldKind::Any,
            "Which statuses are a success: 404, \"2xx\", or a list. 2xx unless written.",
        ),
        field("follow_redirects", FieldKind::Boolean, "Follow up to five redirects. A redirect is an error otherwise."),
        field("parse", FieldKind::OneOf(PARSERS), "What the body becomes: auto (by its type), json, text, or none."),
    ],
    secrets: &[],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    safe_to_repeat,
    bounds: unbounded,
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: matches!(kind, FieldKind::Url), summary }
}

/// A config that cannot be taken is never sent, so repeating it does no harm.
fn safe_to_repeat(config: &Value, key_is_written: bool) -> bool {
    key_is_written || Request::parse(config).map_or(true, |request| request.safe)
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    let prepared = Request::parse(attempt.config).and_then(|mut request| {
        add_our_headers(&mut request.headers, &attempt)?;
        Ok(request)
    });
    match prepared {
        Ok(request) => exchange(&outside.clients, &request, attempt.timeout).await,
        Err(problem) => problem.outcome(),
    }
}

fn add_our_headers(headers: &mut HeaderMap, attempt: &Attempt<'_>) -> Result<(), Problem> {
    let key = HeaderValue::from_str(attempt.idempotency_key)
        .map_err(|_| Problem::new("idempotency_key", "has characters that no header can carry"))?;
    headers.entry(IDEMPOTENCY_KEY).or_insert(key);
    // A trace that cannot be passed on must not stop the step.
    if let Some(parent) = attempt.trace_parent.and_then(|parent| HeaderValue::from_str(parent).ok()) {
        headers.entry(TRACE_PARENT).or_insert(parent);
    }
    Ok(())
}
