//! What every built-in step type has: the words of the checker, the judgement about repeating, the way to run it.

use std::collections::BTreeMap;
use std::time::Duration;

use onward_workflows::{Outcome, StepType};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::backing::{Backing, Bound, BoxFuture};
use crate::client::Clients;
use crate::config::Problem;
use crate::services::Services;

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
    /// Those that the document declares, and the conventional ones of its step types.
    pub secrets: &'a BTreeMap<String, SecretString>,
    pub backing: &'a dyn Backing,
}

impl Attempt<'_> {
    /// What the config says itself, or the secret of this name.
    pub(crate) fn credential(&self, written: Option<&str>, name: &str) -> Result<SecretString, Problem> {
        if let Some(written) = written {
            return Ok(SecretString::from(written));
        }
        self.secrets.get(name).cloned().ok_or_else(|| {
            Problem::new("token", format!("is not given, and the secret {name} is not set: onward secrets set {name}"))
        })
    }

    pub(crate) fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(ExposeSecret::expose_secret)
    }
}

/// What attempts share in one process.
#[derive(Debug)]
pub(crate) struct Outside {
    pub clients: Clients,
    pub services: Services,
}

/// One step type.
pub(crate) struct BuiltIn {
    pub step_type: StepType,
    /// Whether sending this config twice comes to the same as sending it once; a config that cannot be taken is never
    /// sent. `key_is_written`: the author wrote the idempotency key, and so says that the other side honours it.
    pub safe_to_repeat: fn(&Value, key_is_written: bool) -> bool,
    /// The provider's limits that an attempt has to pass before it begins.
    pub bounds: fn(&Services, &Value) -> Vec<Bound>,
    pub run: for<'a> fn(&'a Outside, Attempt<'a>) -> BoxFuture<'a, Outcome>,
}

pub(crate) fn unbounded(_: &Services, _: &Value) -> Vec<Bound> {
    Vec::new()
}
