//! The finished steps of a run, as the flow keeps them and as `steps` shows them to expressions.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::known::{error_value, instant};
use crate::expression::from_json;
use crate::{Definition, Step, StepError};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Succeeded,
    Failed,
    Skipped,
}

/// A step that is over.
#[derive(Debug)]
pub(super) struct StepResult {
    pub verdict: Verdict,
    pub output: Json,
    pub error: Option<StepError>,
    pub attempts: u32,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    /// The output as expressions see it, made when one reads it.
    pub readable: OnceLock<Value>,
}

impl StepResult {
    pub fn new(verdict: Verdict, output: Json, attempts: u32, at: (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let (started_at, finished_at) = at;
        Self { verdict, output, error: None, attempts, started_at, finished_at, readable: OnceLock::new() }
    }
}

/// One place for every step of the document: those of `steps` first, then those of `on_error`.
#[derive(Debug, Clone)]
pub(super) struct Results {
    definition: Arc<Definition>,
    over: Vec<Option<Arc<StepResult>>>,
}

impl Results {
    pub fn new(definition: Arc<Definition>) -> Self {
        let places = definition.steps.len() + definition.on_error.len();
        Self { definition, over: vec![None; places] }
    }

    pub fn get(&self, place: usize) -> Option<&StepResult> {
        self.over[place].as_deref()
    }

    pub fn set(&mut self, place: usize, result: StepResult) {
        self.over[place] = Some(Arc::new(result));
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.definition.steps.iter().chain(&self.definition.on_error)
    }

    /// By id, or by the alias in which `_` stands for the hyphens of an id.
    fn find(&self, name: &str) -> Option<usize> {
        self.steps().position(|step| step.id == name).or_else(|| {
            let dashed = |byte: u8| if byte == b'-' { b'_' } else { byte };
            self.steps().position(|step| step.id.len() == name.len() && step.id.bytes().map(dashed).eq(name.bytes()))
        })
    }
}

impl Object for Results {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let place = self.find(key)?;
        Some(match &self.over[place] {
            Some(result) => Value::from_dyn_object(Arc::clone(result)),
            None => Value::from_object(NotRun),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.steps().map(|step| Value::from(step.id.as_str())).collect())
    }
}

const FIELDS: &[&str] = &["output", "status", "error", "attempts", "started_at", "finished_at"];

impl Object for StepResult {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "output" => self.readable.get_or_init(|| from_json(&self.output)).clone(),
            "status" => Value::from(match self.verdict {
                Verdict::Succeeded => "succeeded",
                Verdict::Failed => "failed",
                Verdict::Skipped => "skipped",
            }),
            "error" => self.error.as_ref().map_or(Value::from(()), error_value),
            "attempts" => Value::from(self.attempts),
            "started_at" => instant(self.started_at),
            "finished_at" => instant(self.finished_at),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(FIELDS)
    }
}

/// What `on_error` reads of a step that never came to an end.
#[derive(Debug)]
struct NotRun;

impl Object for NotRun {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "status" => Value::from("canceled"),
            "attempts" => Value::from(0),
            "output" | "error" | "started_at" | "finished_at" => Value::from(()),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(FIELDS)
    }
}
