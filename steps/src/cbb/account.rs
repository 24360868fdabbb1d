//! Requests to the service in the name of one account.

use std::sync::atomic::{AtomicBool, Ordering};

use onward_workflows::Outcome;
use reqwest::header::HeaderName;
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

use super::judge::judge;
use super::{TOKEN, bound};
use crate::config::Problem;
use crate::service::{Answer, Call, Class, Lost, Verdict, take_turn};
use crate::services::address;
use crate::step::{Attempt, Outside};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-access-token");
/// When it says that it is too much and not for how long.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) struct Account<'a> {
    outside: &'a Outside,
    attempt: Attempt<'a>,
    token: SecretString,
    deadline: Instant,
    /// The attempt's first request was let through before it began.
    first: AtomicBool,
}

/// What a request carries.
pub(crate) enum Content<'a> {
    Nothing,
    Json(&'a Value),
    /// Custom fields are only taken as a form.
    Value(&'a str),
}

impl<'a> Account<'a> {
    pub(crate) fn open(outside: &'a Outside, attempt: Attempt<'a>, token: Option<&str>) -> Result<Self, Problem> {
        let token = attempt.credential(token, TOKEN)?;
        let deadline = Instant::now() + attempt.timeout;
        Ok(Self { outside, attempt, token, deadline, first: AtomicBool::new(true) })
    }

    pub(crate) fn outside(&self) -> &'a Outside {
        self.outside
    }

    pub(crate) async fn read(&self, path: &[&str]) -> Result<Value, Outcome> {
        self.ask(Method::GET, path, Content::Nothing, true).await
    }

    /// Something that may be repeated.
    pub(crate) async fn write(&self, path: &[&str], content: Content<'_>) -> Result<Value, Outcome> {
        self.ask(Method::POST, path, content, true).await
    }

    /// A message: it leaves once.
    pub(crate) async fn send(&self, path: &[&str], content: Content<'_>) -> Result<Value, Outcome> {
        self.ask(Method::POST, path, content, false).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        content: Content<'_>,
        repeatable: bool,
    ) -> Result<Value, Outcome> {
        if !self.first.swap(false, Ordering::Relaxed) {
            take_turn(self.attempt.backing, &bound(), "CBB", self.deadline).await?;
        }
        let url: Url = address(&self.outside.services.cbb_url, path);
        let call = Call::new(method, url, repeatable).secret(ACCESS_TOKEN, &self.token)?;
        let call = match content {
            Content::Nothing => call,
            Content::Json(body) => call.json(body),
            Content::Value(value) => call.form(&[("value", value)]),
        };
        let answer = call.send(&self.outside.clients, self.deadline).await.map_err(Lost::outcome)?;
        let Answer { status, headers, body } = answer;
        match judge(status, &headers, &body, !repeatable) {
            Ok(body) => Ok(body),
            Err(verdict) => Err(self.refused(verdict, status).await),
        }
    }

    async fn refused(&self, verdict: Verdict, status: u16) -> Outcome {
        if verdict.class == Class::Throttled {
            self.attempt.backing.pause(&bound().key, verdict.wait.unwrap_or(PAUSE)).await;
        }
        verdict.outcome("CBB", status)
    }
}
