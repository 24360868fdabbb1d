//! Asking a server: address and key from the settings, answers as JSON, problems as failures.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

pub const DEVELOPMENT_KEY: &str = "dev.key";
const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Client {
    http: reqwest::Client,
    pub base: String,
    key: Option<SecretString>,
}

impl Client {
    /// The server of the settings; without one, the server of this folder and its development key.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let base = settings.server.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
        let mut builder =
            reqwest::Client::builder().timeout(TIMEOUT).user_agent(concat!("onward/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment knows nothing of this machine, and would get to see the key.
        if settings.server.is_none() || is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Failure::because(Exit::Failed, error))?;
        let key = settings.key.clone().or_else(|| {
            let local = settings.server.is_none().then(|| settings.data_dir.join(DEVELOPMENT_KEY))?;
            std::fs::read_to_string(local).ok().map(|key| SecretString::from(key.trim()))
        });
        Ok(Self { http, base, key })
    }

    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        let (status, body) = self.exchange(method, path, body, headers).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    /// The same with every answer, for those who make something of a refusal.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<(StatusCode, Value), Failure> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_connect() { "nobody listens there" } else { "no answer" };
        let text = format!(
            "{} does not answer ({why}); start it with `onward dev` or `onward serve`, or name another with --server",
            self.base
        );
        Failure::new(Exit::Unreachable, text)
    }

    pub fn refused(&self, status: StatusCode, body: &Value) -> Failure {
        let exit = match status.as_u16() {
            401 | 403 => Exit::NotAllowed,
            404 => Exit::NotFound,
            409 | 412 => Exit::Conflict,
            422 if body["code"] == "invalid_workflow" => Exit::Invalid,
            422 if body["code"] == "idempotency_key_reused" => Exit::Conflict,
            503 => Exit::Unreachable,
            _ => Exit::Failed,
        };
        let (title, detail) = (body["title"].as_str(), body["detail"].as_str());
        let text = match (title, detail) {
            // The one kind whose details are about places in what was sent; the title says in what.
            (Some(title), Some(detail)) if status == StatusCode::UNPROCESSABLE_ENTITY => format!("{title}: {detail}"),
            (title, detail) => detail.or(title).unwrap_or("the server refused").to_owned(),
        };
        let offered = ["waiting", "steps"].into_iter().find_map(|name| {
            let names: Vec<&str> = body[name].as_array()?.iter().filter_map(Value::as_str).collect();
            (!names.is_empty()).then(|| format!("\n  there are: {}", names.join(", ")))
        });
        let hint = match status.as_u16() {
            401 if self.key.is_none() => "\n  no key was sent; make one with `onward keys create`, and set ONWARD_KEY",
            _ => "",
        };
        let findings = body["diagnostics"].as_array().map(|list| list.iter().map(show_finding).collect::<String>());
        Failure::new(
            exit,
            format!(
                "{text} ({}){hint}{}{}",
                status.as_u16(),
                offered.unwrap_or_default(),
                findings.unwrap_or_default()
            ),
        )
    }
}

fn is_loopback(base: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(base) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A finding of the server about a document that is not at hand: position and words without the author's line.
fn show_finding(finding: &Value) -> String {
    let text = |name: &str| finding[name].as_str().unwrap_or_default();
    let start = &finding["range"]["start"];
    let (severity, code, message) = (text("severity"), text("code"), text("message"));
    format!("\n{severity}[{code}]: {message}\n  --> {}:{}:{}", text("file"), start["line"], start["column"])
}
