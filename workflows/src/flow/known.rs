//! What the expressions of a run can read.
//!
//! Everything here is converted to the expression language when it is read for the first time: a run whose templates
//! are literals converts nothing, and a large output is converted once, however often it is read.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::RunFacts;
use super::results::{Results, StepResult};
use crate::expression::from_json;
use crate::{EvaluationError, Expression, Scope, StepError, Template};

#[derive(Debug)]
pub(super) struct Known {
    pub facts: Arc<RunFacts>,
    pub results: Arc<Results>,
    shared: Value,
    run: Value,
    /// What brought the run down, once something has.
    error: Option<Value>,
}

impl Known {
    pub fn new(facts: Arc<RunFacts>, results: Results) -> Self {
        let shared = Value::from_object(Shared {
            facts: Arc::clone(&facts),
            inputs: OnceLock::new(),
            variables: OnceLock::new(),
            env: OnceLock::new(),
            trigger: OnceLock::new(),
        });
        let run = run_value(Arc::clone(&facts));
        Self { facts, results: Arc::new(results), shared, run, error: None }
    }

    /// From here on `error` can be read and `run.status` is `failed`.
    pub fn fail(&mut self, error: &StepError) {
        let error = error_value(error);
        self.run = Value::from_object(Run { facts: Arc::clone(&self.facts), error: Some(error.clone()) });
        self.error = Some(error);
    }

    pub fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    pub fn set_result(&mut self, place: usize, result: StepResult) {
        // Scopes are dropped after their evaluation, so this copies nothing.
        Arc::make_mut(&mut self.results).set(place, result);
    }

    pub fn scope(&self, path: &str, ready_at: DateTime<Utc>) -> Scope {
        let scope = Scope::over(self.shared.clone())
            .with_value("steps", Value::from_dyn_object(Arc::clone(&self.results)))
            .with_value("run", self.run.clone())
            .at(&ready_at, key(&self.facts, path));
        match &self.error {
            Some(error) => scope.with_value("error", error.clone()),
            None => scope,
        }
    }

    pub fn test(&self, condition: &Expression, path: &str, ready_at: DateTime<Utc>) -> Result<bool, EvaluationError> {
        condition.test(&self.scope(path, ready_at))
    }

    /// Whether an attempt that ended in `error` is repeated.
    pub fn test_retry(&self, condition: &Expression, error: &StepError) -> Result<bool, EvaluationError> {
        let scope = Scope::over(self.shared.clone())
            .with_value("steps", Value::from_dyn_object(Arc::clone(&self.results)))
            .with_value("run", self.run.clone())
            .with_value("error", error_value(error));
        condition.test(&scope)
    }

    pub fn render(&self, template: &Template, path: &str, ready_at: DateTime<Utc>) -> Result<Json, EvaluationError> {
        match template {
            Template::Literal(value) => Ok(value.clone()),
            _ => template.render(&self.scope(path, ready_at)),
        }
    }

    pub fn render_text(&self, template: &Template, path: &str, at: DateTime<Utc>) -> Result<String, EvaluationError> {
        match template {
            Template::Literal(Json::String(text)) => Ok(text.clone()),
            _ => template.render_text(&self.scope(path, at)),
        }
    }
}

/// The run as documents read it, before anything has failed.
pub(super) fn run_value(facts: Arc<RunFacts>) -> Value {
    Value::from_object(Run { facts, error: None })
}

/// The idempotency key of a step, the same for all its attempts.
pub(super) fn key(facts: &RunFacts, path: &str) -> String {
    format!("{}/{path}", facts.run)
}

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

/// The roots that never change in a run.
#[derive(Debug)]
struct Shared {
    facts: Arc<RunFacts>,
    inputs: OnceLock<Value>,
    variables: OnceLock<Value>,
    env: OnceLock<Value>,
    trigger: OnceLock<Value>,
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

#[derive(Debug)]
struct Run {
    facts: Arc<RunFacts>,
    error: Option<Value>,
}

impl Object for Run {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "id" => Value::from(self.facts.run.to_string()),
            "url" => Value::from(url(&self.facts)),
            "status" => Value::from(if self.error.is_some() { "failed" } else { "running" }),
            "error" => self.error.clone().unwrap_or(Value::from(())),
            // A run is never repeated as a whole under the same id.
            "attempt" => Value::from(1),
            "started_at" => instant(self.facts.created_at),
            "scheduled_at" => self.facts.scheduled_at.map_or(Value::from(()), instant),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["id", "url", "status", "error", "attempt", "started_at", "scheduled_at"])
    }
}

/// The run's page: absolute when the server's public address is among the values that documents may read.
fn url(facts: &RunFacts) -> String {
    let base = facts.env.get("ONWARD_PUBLIC_URL").and_then(Json::as_str).unwrap_or_default();
    format!("{}/runs/{}", base.trim_end_matches('/'), facts.run)
}
