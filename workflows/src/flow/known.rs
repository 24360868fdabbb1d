//! What a run knows at one moment, and the evaluation of expressions over it.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::value::Value;
use serde_json::{Map, Value as Json};

use super::RunFacts;
use super::list::List;
use super::rooms::{RUN, RoomId, Rooms};
use super::scope::{RunView, Shared, error_value};
use crate::{Definition, EvaluationError, Expression, Scope, StepError, Template};

#[derive(Debug)]
pub(super) struct Known {
    pub facts: Arc<RunFacts>,
    definition: Arc<Definition>,
    pub rooms: Rooms,
    shared: Value,
    view: RunView,
    /// What `run` shows, made when an expression is evaluated.
    run: OnceLock<Value>,
    /// Paths whose undo failed for good.
    pub not_undone: Vec<String>,
    /// How many steps have had their turn.
    pub executed: usize,
    /// Since when a `finally` has little time.
    pub canceled_at: Option<DateTime<Utc>>,
}

/// How long `finally` may take after a cancel.
pub(super) const FINALLY_AFTER_CANCEL_MAX: TimeDelta = TimeDelta::minutes(5);
/// How long undo, the document's `on_error` and any `finally` may take, each.
pub(super) const WIND_UP_MAX: TimeDelta = TimeDelta::days(8);

/// Where a list stands: whose results it can read, how its paths begin, what it handles.
#[derive(Debug, Clone)]
pub(super) struct Env {
    pub room: RoomId,
    /// Before the ids of its steps.
    pub prefix: Arc<str>,
    /// In place of the path of its only step.
    pub alias: Option<Arc<str>>,
    /// What `error` is, inside `on_error` and what comes after a failure.
    pub error: Option<Arc<StepError>>,
    /// What `output` is, inside `compensate`.
    pub output: Option<Value>,
    /// What would have its turn later than this, has none: what encloses it is too late by then.
    pub horizon: Option<DateTime<Utc>>,
    /// A `finally` or an undo: it goes on when the run has done too much.
    pub cleans_up: bool,
}

impl Env {
    pub fn run() -> Self {
        let prefix = Arc::from("");
        Self { room: RUN, prefix, alias: None, error: None, output: None, horizon: None, cleans_up: false }
    }

    /// Of a document's `on_error` and `finally`.
    pub fn end() -> Self {
        Self { cleans_up: true, ..Self::run() }
    }

    pub fn until(self, horizon: DateTime<Utc>) -> Self {
        Self { horizon: Some(self.horizon.map_or(horizon, |known| known.min(horizon))), ..self }
    }

    pub fn handling(&self, error: &Arc<StepError>) -> Self {
        Self { error: Some(Arc::clone(error)), alias: None, ..self.clone() }
    }
}

impl Known {
    pub fn new(facts: Arc<RunFacts>, definition: Arc<Definition>) -> Self {
        let shared = Value::from_object(Shared::new(Arc::clone(&facts)));
        let view = RunView::new(Arc::clone(&facts));
        Self {
            rooms: Rooms::new(definition.slots.ids().len()),
            run: OnceLock::new(),
            facts,
            definition,
            shared,
            view,
            not_undone: Vec::new(),
            executed: 0,
            canceled_at: None,
        }
    }

    /// From here on `run.status` is this, and `run.error` what brought the run down.
    pub fn set_status(&mut self, status: &'static str, error: Option<&StepError>) {
        self.view.status = status;
        self.view.error = error.map(error_value);
        self.run = OnceLock::new();
    }

    /// The step of this path is undone.
    pub fn compensated(&mut self, at: DateTime<Utc>, path: String) {
        // Expressions share it only while they are evaluated.
        self.run = OnceLock::new();
        let compensated = Arc::make_mut(&mut self.view.compensated);
        // Known in any order.
        let place = compensated.partition_point(|(known, _)| *known <= at);
        compensated.insert(place, (at, path));
    }

    /// After a cancel a `finally` has only a few minutes.
    pub fn bound_finally(&self, list: &mut List) {
        if let Some(canceled_at) = self.canceled_at {
            let until = list.since.max(canceled_at) + FINALLY_AFTER_CANCEL_MAX;
            list.env.horizon = list.env.horizon.into_iter().chain([until]).min();
        }
    }

    pub fn scope(&self, env: &Env, path: &str, ready_at: DateTime<Utc>) -> Scope {
        self.timeless(env).at(&ready_at, key(&self.facts, path))
    }

    /// Without `now()` and `uuid()`: for conditions whose answer must not depend on the moment.
    fn timeless(&self, env: &Env) -> Scope {
        let mut scope = Scope::over(self.shared.clone())
            .with_value("steps", self.rooms.view(&self.definition, env.room))
            .with_value("run", self.run.get_or_init(|| Value::from_object(self.view.clone())).clone());
        if env.room != RUN {
            let items: Vec<_> = self.rooms.chain(env.room).filter_map(|room| room.item.as_ref()).collect();
            for item in items.iter().rev() {
                scope = scope
                    .with_value(item.name.to_string(), item.value.clone())
                    .with_value("index", Value::from(item.index));
            }
        }
        if let Some(error) = &env.error {
            scope = scope.with_value("error", error_value(error));
        }
        match &env.output {
            Some(output) => scope.with_value("output", output.clone()),
            None => scope,
        }
    }

    pub fn names(&self, end: Option<(&'static str, Option<&StepError>)>) -> Map<String, Json> {
        let mut scope = self.timeless(&Env::run());
        if let Some((status, error)) = end {
            let view = RunView { status, error: error.map(error_value), ..self.view.clone() };
            scope = scope.with_value("run", Value::from_object(view));
        }
        let root = scope.root();
        let read = |name: &str| {
            let value = root.get_attr(name).unwrap_or_default();
            serde_json::to_value(value).expect("all of it came from JSON")
        };
        let roots = ["inputs", "variables", "env", "trigger", "steps", "run", "workflow"];
        let mut names: Map<String, Json> = roots.into_iter().map(|name| (name.to_owned(), read(name))).collect();
        if let Some(Json::Object(steps)) = names.get_mut("steps") {
            let hyphened: Vec<String> = steps.keys().filter(|id| id.contains('-')).cloned().collect();
            for id in hyphened {
                steps.insert(id.replace('-', "_"), steps[&id].clone());
            }
        }
        names
    }

    pub fn test(
        &self,
        condition: &Expression,
        env: &Env,
        path: &str,
        ready_at: DateTime<Utc>,
    ) -> Result<bool, EvaluationError> {
        condition.test(&self.scope(env, path, ready_at))
    }

    /// Whether an attempt that ended in `error` is repeated.
    pub fn test_retry(&self, condition: &Expression, env: &Env, error: &StepError) -> Result<bool, EvaluationError> {
        condition.test(&self.timeless(env).with_value("error", error_value(error)))
    }

    /// Whether an output is what the step expects.
    pub fn test_output(&self, condition: &Expression, env: &Env, output: &Value) -> Result<bool, EvaluationError> {
        condition.test(&self.timeless(env).with_value("output", output.clone()))
    }

    /// Whether an event is the one that a step waits for.
    pub fn test_event(&self, condition: &Expression, env: &Env, event: &Json) -> Result<bool, EvaluationError> {
        condition.test(&self.timeless(env).with("event", event))
    }

    pub fn render(
        &self,
        template: &Template,
        env: &Env,
        path: &str,
        ready_at: DateTime<Utc>,
    ) -> Result<Json, EvaluationError> {
        match template {
            Template::Literal(value) => Ok(value.clone()),
            _ => template.render(&self.scope(env, path, ready_at)),
        }
    }

    /// Like `render`, with the raw `output` beside the rest.
    pub fn shape(
        &self,
        template: &Template,
        env: &Env,
        path: &str,
        ready_at: DateTime<Utc>,
        output: &Value,
    ) -> Result<Json, EvaluationError> {
        template.render(&self.scope(env, path, ready_at).with_value("output", output.clone()))
    }

    pub fn render_text(
        &self,
        template: &Template,
        env: &Env,
        path: &str,
        at: DateTime<Utc>,
    ) -> Result<String, EvaluationError> {
        match template {
            Template::Literal(Json::String(text)) => Ok(text.clone()),
            _ => template.render_text(&self.scope(env, path, at)),
        }
    }
}

/// The idempotency key of a step, the same for all its attempts.
pub(super) fn key(facts: &RunFacts, path: &str) -> String {
    format!("{}/{path}", facts.run)
}
