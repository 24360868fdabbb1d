//! A request to a service and what came back, within the attempt's time.

use bytes::Bytes;
use onward_workflows::{ErrorKind, Outcome, StepError};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::client::Clients;
use crate::config::Problem;
use crate::failure::{broken, refused, shown, timed_out, unanswered};
use crate::watched::{Sent, Watched};

/// Of an answer; services that say more than this say something else than was asked.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

pub(crate) struct Call {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Sending it twice does no harm.
    pub repeatable: bool,
    /// Bytes of the answer.
    pub answer_max: usize,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// No answer that could be read.
#[derive(Debug)]
pub(crate) struct Lost {
    pub error: StepError,
    /// The request may have had its effect.
    pub perhaps_done: bool,
}

pub(crate) type Reply = Result<Answer, Lost>;

impl Lost {
    /// Of a request that must not be repeated blindly; see [`Call::repeatable`].
    pub(crate) fn outcome(self) -> Outcome {
        unanswered(self.error, !self.perhaps_done)
    }
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, repeatable: bool) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), repeatable, answer_max: ANSWER_MAX }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        self.body = Bytes::from(body.to_string());
        self
    }

    pub(crate) fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut form = Url::parse("form:").expect("a scheme alone is a URL");
        form.query_pairs_mut().extend_pairs(pairs);
        self.body = Bytes::from(form.query().unwrap_or_default().to_owned());
        self
    }

    pub(crate) fn bearer(self, token: &SecretString) -> Result<Self, Problem> {
        self.secret(AUTHORIZATION, &SecretString::from(format!("Bearer {}", token.expose_secret())))
    }

    /// A header that is never shown.
    pub(crate) fn secret(mut self, name: HeaderName, value: &SecretString) -> Result<Self, Problem> {
        let mut value = HeaderValue::from_str(value.expose_secret().trim())
            .map_err(|_| Problem::new("token", "has characters that no header can carry"))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(crate) async fn send(mut self, clients: &Clients, deadline: Instant) -> Reply {
        let shown = shown(&self.method, &self.url);
        let destination = clients.destinations.check(&self.url).map_err(|reason| unsent(refused(&reason)))?;
        if let Some(host) = destination.host {
            self.headers.insert(HOST, host);
        }
        let sent = Sent::default();
        let (client, body) = if self.repeatable {
            (&clients.pooled, Body::from(self.body))
        } else {
            (&clients.fresh, Body::wrap(Watched::new(self.body, sent.clone())))
        };
        let request = client.request(self.method, destination.url).headers(self.headers).body(body);
        let perhaps_done = || !self.repeatable && sent.get();
        let mut response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Lost { error: broken(&shown, &error), perhaps_done: perhaps_done() }),
            Err(_) => return Err(Lost { error: timed_out(&shown), perhaps_done: perhaps_done() }),
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: Vec::new(),
        };
        match timeout_at(deadline, read(&mut response, &mut answer.body, self.answer_max, &shown)).await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(error)) => Err(Lost { error, perhaps_done: perhaps_done() }),
            Err(_) => Err(Lost { error: timed_out(&shown), perhaps_done: perhaps_done() }),
        }
    }
}

fn unsent(error: StepError) -> Lost {
    Lost { error, perhaps_done: false }
}

async fn read(response: &mut Response, body: &mut Vec<u8>, max: usize, shown: &str) -> Result<(), StepError> {
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(shown, &error))? {
        if body.len() + chunk.len() > max {
            return Err(too_large(shown, max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(())
}

fn too_large(shown: &str, max: usize) -> StepError {
    let text = format!("{shown} answered with more than {} MiB", max >> 20);
    StepError::new(ErrorKind::Limit, text).retryable()
}
