//! The registry: which step types there are, and the way into each of them.

use std::net::SocketAddr;
use std::time::Duration;

use onward_workflows::{ErrorKind, Outcome, StepError, StepType};
use serde_json::Value;

use crate::client::Clients;
use crate::http_request;

/// What the steps need to know of the server's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names that lead to a fixed address, guarded or not. For development and tests; see
    /// [`parse_http_hosts`](crate::parse_http_hosts).
    pub http_hosts: Vec<(String, SocketAddr)>,
    /// Lets documents reach loopback and private networks, for installations whose services live there.
    pub allow_private_addresses: bool,
    pub user_agent: String,
    /// The step types to carry out here; `None` is all.
    pub step_types: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http_hosts: Vec::new(),
            allow_private_addresses: false,
            user_agent: concat!("onward/", env!("CARGO_PKG_VERSION")).to_owned(),
            step_types: None,
        }
    }
}

/// One attempt of one step, its config rendered.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    pub step_type: &'a str,
    pub config: &'a Value,
    /// The same for every attempt of the step.
    pub idempotency_key: &'a str,
    pub timeout: Duration,
    /// A W3C `traceparent`, passed on to the other side.
    pub trace_parent: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum StepsError {
    #[error("failed to set up the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("failed to find the step type `{name}`; there is {}", known.join(", "))]
    NoType { name: String, known: Vec<&'static str> },
}

/// The built-in step types, ready to run. Cheap to share behind an `Arc`; holds connections.
#[derive(Debug)]
pub struct Steps {
    clients: Clients,
    offered: Vec<&'static str>,
}

#[derive(Clone, Copy)]
enum BuiltIn {
    HttpRequest,
}

impl BuiltIn {
    fn find(step_type: &str) -> Option<Self> {
        (step_type == http_request::TYPE.name).then_some(Self::HttpRequest)
    }
}

impl Steps {
    pub fn new(settings: Settings) -> Result<Self, StepsError> {
        let known: Vec<&'static str> = Self::types().iter().map(|step_type| step_type.name).collect();
        let wanted = settings.step_types.as_deref();
        if let Some(name) = wanted.into_iter().flatten().find(|name| !known.contains(&name.as_str())) {
            return Err(StepsError::NoType { name: name.clone(), known });
        }
        let is_wanted = |name: &&str| wanted.is_none_or(|wanted| wanted.iter().any(|other| other == name));
        let offered = known.into_iter().filter(is_wanted).collect();
        Ok(Self { clients: Clients::new(settings).map_err(StepsError::Client)?, offered })
    }

    /// The types that this process carries out.
    pub fn offered(&self) -> &[&'static str] {
        &self.offered
    }

    pub fn offers(&self, step_type: &str) -> bool {
        self.offered.contains(&step_type)
    }

    /// What the checker has to know of the types that [`Steps::run`] carries out.
    pub fn types() -> Vec<StepType> {
        vec![http_request::TYPE]
    }

    /// Whether sending this twice comes to the same as sending it once. A step for which it does not must be announced
    /// before its attempt starts, or a crash in between could send it again. `key_is_written`: the author wrote the
    /// idempotency key, and so says that the other side honours it.
    pub fn safe_to_repeat(&self, step_type: &str, config: &Value, key_is_written: bool) -> bool {
        match BuiltIn::find(step_type) {
            Some(BuiltIn::HttpRequest) => key_is_written || http_request::safe_to_repeat(config),
            None => false,
        }
    }

    /// Carries out one attempt and says what it came to, within the attempt's timeout. Dropping the future stops the
    /// attempt; a step not safe to repeat may then have had its effect.
    pub async fn run(&self, attempt: Attempt<'_>) -> Outcome {
        match BuiltIn::find(attempt.step_type) {
            Some(BuiltIn::HttpRequest) => http_request::run(&self.clients, attempt).await,
            None => Outcome::Failed(StepError::new(
                ErrorKind::Config,
                format!("this server does not run steps of type `{}`", attempt.step_type),
            )),
        }
    }
}
