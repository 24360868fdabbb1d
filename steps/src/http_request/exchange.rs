//! One attempt under way: send, follow, read, and say what it came to.

use std::time::Duration;

use onward_workflows::{ErrorKind, Outcome, StepError};
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderValue};
use reqwest::{Body, Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use super::answer::{BODY_MAX, BodyError, excerpt_text, header_map, parse_body, read_body, read_excerpt};
use super::classify::{Verdict, classify};
use super::redirect::{Hop, REDIRECTS_MAX, RedirectError};
use super::request::{Parse, Request};
use crate::client::Clients;
use crate::failure::{broken, refused, shown, timed_out, unanswered};
use crate::retry_after::retry_after;
use crate::watched::{Sent, Watched};

/// How long the explanation in an error's body may keep the error itself waiting.
const EXCERPT_TIMEOUT: Duration = Duration::from_secs(2);

struct Exchange<'a> {
    clients: &'a Clients,
    request: &'a Request,
    started: Instant,
    deadline: Instant,
}

/// Redirects included, all within `timeout`.
pub(super) async fn exchange(clients: &Clients, request: &Request, timeout: Duration) -> Outcome {
    let started = Instant::now();
    Exchange { clients, request, started, deadline: started + timeout }.run().await
}

impl Exchange<'_> {
    async fn run(&self) -> Outcome {
        let mut hop = Hop {
            method: self.request.method.clone(),
            url: self.request.url.clone(),
            headers: self.request.headers.clone(),
            body: self.request.body.clone(),
            effect_done: false,
        };
        for _ in 0..=REDIRECTS_MAX {
            let sent = Sent::default();
            let response = match self.send(&hop, sent.clone()).await {
                Ok(response) => response,
                Err(error) => return unanswered(error, self.request.safe || !(hop.effect_done || sent.get())),
            };
            let status = response.status();
            let verdict = classify(status.as_u16(), &self.request.expected);
            if verdict == Verdict::Done {
                return self.finish(&hop, response).await;
            }
            match hop.next(status, response.headers()).filter(|_| self.request.follow_redirects) {
                Some(Ok(next)) => hop = next,
                Some(Err(error)) => return Outcome::Failed(dead_end(&hop, status, &error)),
                None => return self.fail(&hop, response, verdict).await,
            }
        }
        let text = format!("{} led to more than {REDIRECTS_MAX} redirects", self.shown());
        Outcome::Failed(StepError { code: code("too_many_redirects"), ..StepError::new(ErrorKind::Http, text) })
    }

    async fn send(&self, hop: &Hop, sent: Sent) -> Result<Response, StepError> {
        let shown = shown(&hop.method, &hop.url);
        let destination = self.clients.destinations.check(&hop.url).map_err(|reason| refused(&reason))?;
        let mut headers = hop.headers.clone();
        if let Some(host) = destination.host {
            headers.insert(HOST, host);
        }
        // Some servers refuse a POST that says nothing of its length.
        if hop.body.is_empty() && matches!(hop.method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        let (client, body) = if self.request.safe {
            (&self.clients.pooled, Body::from(hop.body.clone()))
        } else {
            (&self.clients.fresh, Body::wrap(Watched::new(hop.body.clone(), sent)))
        };
        let request = client.request(hop.method.clone(), destination.url).headers(headers).body(body);
        let response = match timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(broken(&shown, &error)),
            Err(_) => return Err(timed_out(&shown)),
        };
        let host = hop.url.host_str().unwrap_or_default();
        tracing::debug!(method = %hop.method, host, status = response.status().as_u16(), "http.request was answered");
        Ok(response)
    }

    async fn finish(&self, hop: &Hop, mut response: Response) -> Outcome {
        let shown = shown(&hop.method, &hop.url);
        let status = response.status().as_u16();
        let body = if self.request.parse == Parse::None {
            Vec::new()
        } else {
            match timeout_at(self.deadline, read_body(&mut response)).await {
                Ok(Ok(body)) => body,
                Ok(Err(BodyError::TooLarge)) => return Outcome::Failed(too_large(&shown, status)),
                // It was done, but what came of it is lost: asking again is only fine where repeating is.
                Ok(Err(BodyError::Broken(error))) => return unanswered(broken(&shown, &error), self.request.safe),
                Err(_) => return unanswered(timed_out(&shown), self.request.safe),
            }
        };
        match parse_body(&body, response.headers(), self.request.parse) {
            Ok(parsed) => Outcome::Done(self.output(&response, parsed)),
            Err(text) => Outcome::Failed(StepError {
                code: code("body_not_json"),
                status: Some(status),
                details: Some(json!({ "body": excerpt_text(&body[..body.len().min(super::answer::EXCERPT_MAX)]) })),
                ..StepError::new(ErrorKind::Http, format!("{shown} answered with a body that is not JSON: {text}"))
            }),
        }
    }

    fn output(&self, response: &Response, parsed: Map<String, Value>) -> Value {
        let mut output = parsed;
        output.insert("status".to_owned(), response.status().as_u16().into());
        output.insert("headers".to_owned(), header_map(response.headers()));
        let elapsed = self.started.elapsed().as_millis();
        output.insert("duration_ms".to_owned(), u64::try_from(elapsed).unwrap_or(u64::MAX).into());
        Value::Object(output)
    }

    async fn fail(&self, hop: &Hop, mut response: Response, verdict: Verdict) -> Outcome {
        let mut error = answered(&shown(&hop.method, &hop.url), response.status());
        error.retryable = verdict == Verdict::Retryable;
        if error.retryable {
            let wanted = retry_after(response.headers());
            error.retry_after_ms = wanted.and_then(|wanted| u64::try_from(wanted.as_millis()).ok());
        }
        let mut excerpt = Vec::new();
        let until = self.deadline.min(Instant::now() + EXCERPT_TIMEOUT);
        // The status decides; a reason that does not arrive in time is left out.
        let _ = timeout_at(until, read_excerpt(&mut response, &mut excerpt)).await;
        error.details = Some(json!({ "body": excerpt_text(&excerpt) }));
        unanswered(error, self.request.safe || !hop.effect_done)
    }

    fn shown(&self) -> String {
        shown(&self.request.method, &self.request.url)
    }
}

fn answered(shown: &str, status: StatusCode) -> StepError {
    let text = match status.canonical_reason() {
        Some(reason) => format!("{shown} answered {} {reason}", status.as_u16()),
        None => format!("{shown} answered {}", status.as_u16()),
    };
    StepError { status: Some(status.as_u16()), ..StepError::new(ErrorKind::Http, text) }
}

fn dead_end(hop: &Hop, status: StatusCode, error: &RedirectError) -> StepError {
    let reason = match error {
        RedirectError::Location => "its location is not a URL",
        RedirectError::Downgrade => "it leads from https to http",
    };
    let error = answered(&shown(&hop.method, &hop.url), status);
    StepError { code: code("redirect_refused"), message: format!("{}, but {reason}", error.message), ..error }
}

fn too_large(shown: &str, status: u16) -> StepError {
    let text = format!("{shown} answered with more than {} MiB", BODY_MAX / 1024 / 1024);
    StepError { code: code("body_too_large"), status: Some(status), ..StepError::new(ErrorKind::Limit, text) }
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field that is an option")]
fn code(text: &str) -> Option<String> {
    Some(text.to_owned())
}
