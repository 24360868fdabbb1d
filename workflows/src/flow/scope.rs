//! Facts, errors and the run itself as expressions read them.
//!
//! Everything here is converted to the expression language when it is read for the first time: a run whose templates
//! are literals converts nothing, and a large output is converted once, however often it is read.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::RunFacts;
use crate::StepError;
use crate::expression::from_json;

/// The roots that never change in a run.
#[derive(Debug)]
pub(super) struct Shared {
    facts: Arc<RunFacts>,
    inputs: OnceLock<Value>,
    variables: OnceLock<Value>,
    env: OnceLock<Value>,
    trigger: OnceLock<Value>,
    secrets: OnceLock<Value>,
}

impl Shared {
    pub fn new(facts: Arc<RunFacts>) -> Self {
        Self {
            facts,
            inputs: OnceLock::new(),
            variables: OnceLock::new(),
            env: OnceLock::new(),
            trigger: OnceLock::new(),
            secrets: OnceLock::new(),
        }
    }
}

impl Object for Shared {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let facts = &self.facts;
        let once = |cell: &OnceLock<Value>, json: &Json| cell.get_or_init(|| from_json(json)).clone();
        Some(match key {
            "inputs" => once(&self.inputs, &facts.inputs),
            "variables" => once(&self.variables, &facts.variables),
            "env" => once(&self.env, &facts.env),
            "trigger" => once(&self.trigger, &facts.trigger),
            "secrets" => once(&self.secrets, &facts.secrets),
            "workflow" => Value::from_pairs([
                ("id", Value::from(facts.workflow.as_str())),
                ("name", Value::from(facts.workflow_name.as_str())),
                ("version", Value::from(facts.version)),
            ]),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["inputs", "variables", "env", "trigger", "workflow"])
    }
}

/// The run as documents read it.
#[derive(Debug, Clone)]
pub(super) struct RunView {
    pub facts: Arc<RunFacts>,
    pub status: &'static str,
    pub error: Option<Value>,
    /// Paths that were undone, with the instant at which that was over, in that order.
    pub compensated: Arc<Vec<(DateTime<Utc>, String)>>,
}

impl RunView {
    pub fn new(facts: Arc<RunFacts>) -> Self {
        Self { facts, status: "running", error: None, compensated: Arc::default() }
    }
}

impl Object for RunView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "id" => Value::from(self.facts.run.to_string()),
            "url" => Value::from(url(&self.facts)),
            "status" => Value::from(self.status),
            "error" => self.error.clone().unwrap_or(Value::from(())),
            // A run is never repeated as a whole under the same id.
            "attempt" => Value::from(1),
            "started_at" => instant(self.facts.created_at),
            "scheduled_at" => self.facts.scheduled_at.map_or(Value::from(()), instant),
            "labels" => from_json(&self.facts.labels),
            "compensated" => self.compensated.iter().map(|(_, path)| Value::from(path.as_str())).collect(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&[
            "id",
            "url",
            "status",
            "error",
            "attempt",
            "started_at",
            "scheduled_at",
            "labels",
            "compensated",
        ])
    }
}

/// The run's page: absolute when the server's public address is among the values that documents may read.
pub(super) fn url(facts: &RunFacts) -> String {
    let base = facts.env.get("ONWARD_PUBLIC_URL").and_then(Json::as_str).unwrap_or_default();
    format!("{}/runs/{}", base.trim_end_matches('/'), facts.run)
}

/// What `now()`-like instants look like in expressions.
pub(super) fn instant(at: DateTime<Utc>) -> Value {
    Value::from(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// An error as documents read it; every field is there, so that `error.code == 'x'` never fails for want of a code.
pub(super) fn error_value(error: &StepError) -> Value {
    let StepError { kind, code, message, status, retryable, retry_after_ms: _, step, attempt, details } = error;
    let kind = serde_json::to_value(kind).expect("a kind is a word");
    Value::from_pairs([
        ("kind", from_json(&kind)),
        ("code", Value::from(code.clone())),
        ("message", Value::from(message.as_str())),
        ("status", Value::from(*status)),
        ("retryable", Value::from(*retryable)),
        ("step", Value::from(step.clone())),
        ("attempt", Value::from(*attempt)),
        ("details", details.as_ref().map_or(Value::from(()), from_json)),
    ])
}
