//! A version's checked content. A value of these types came out of the checker and cannot be wrong.

mod limits;
mod number;
mod step;
mod trigger;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

pub use limits::{Concurrency, Overflow, Priority, RateLimit};
pub use number::Slots;
pub use step::{
    Arm, Backoff, Body, Cache, CallMode, Compensate, EventPattern, Failure, Foreach, LogLevel, Number, OnError, Retry,
    Step, WaitFor,
};
pub use trigger::{
    CatchUp, CronRules, CronTrigger, EventTrigger, Overlap, Respond, Signature, SignatureScheme, Trigger, TriggerKind,
    WebhookAuth, WebhookTrigger,
};

use crate::Template;

/// Of a whole run, for a document that says nothing.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_hours(30 * 24);
/// How long an idempotency key of a document counts, when it says nothing.
pub(crate) const IDEMPOTENCY_TTL_DEFAULT: Duration = Duration::from_hours(24);

/// One document, checked.
#[derive(Debug)]
pub struct Definition {
    /// Identity for deploy and URLs: a slug, or a UUID from the replaced system.
    pub id: String,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub triggers: Vec<Trigger>,
    pub inputs: BTreeMap<String, Input>,
    /// Evaluated once, at the start of a run, over `inputs`, `env` and `run`.
    pub variables: Template,
    /// Names that its steps may read.
    pub secrets: Vec<String>,
    /// Further ones that its step types read by themselves, when they are set.
    pub own_secrets: Vec<String>,
    /// The run's result; without it the output of the last step.
    pub output: Option<Template>,
    /// Of the whole run, waiting included.
    pub timeout: Duration,
    pub steps: Vec<Step>,
    /// Runs when an error reaches the top; cannot make the run succeed.
    pub on_error: Vec<Step>,
    /// Runs at every end.
    pub finally: Vec<Step>,
    /// Runs at once.
    pub concurrency: Option<Concurrency>,
    /// Starts per time.
    pub rate_limit: Option<RateLimit>,
    /// Over `inputs` and `trigger`.
    pub idempotency_key: Option<Template>,
    pub idempotency_ttl: Duration,
    /// Over `inputs`; the name of the queue of the run's steps.
    pub queue: Option<Template>,
    /// Over `inputs`; one of the words of [`Priority`].
    pub priority: Option<Template>,
    /// Filled in by [`Definition::numbered`].
    pub slots: Slots,
}

/// One declared input. Without a default it is required.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub schema: Value,
    pub default: Option<Value>,
}

impl Definition {
    /// A document with nothing but its names and steps, not numbered yet.
    pub fn new(id: impl Into<String>, name: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: String::new(),
            enabled: true,
            owner: None,
            labels: BTreeMap::new(),
            triggers: Vec::new(),
            inputs: BTreeMap::new(),
            variables: Template::Literal(Value::Object(serde_json::Map::new())),
            secrets: Vec::new(),
            own_secrets: Vec::new(),
            output: None,
            timeout: TIMEOUT_DEFAULT,
            steps,
            on_error: Vec::new(),
            finally: Vec::new(),
            concurrency: None,
            rate_limit: None,
            idempotency_key: None,
            idempotency_ttl: IDEMPOTENCY_TTL_DEFAULT,
            queue: None,
            priority: None,
            slots: Slots::default(),
        }
    }

    /// Every step of the document, in the order of its text.
    pub fn all_steps(&self) -> Vec<&Step> {
        fn collect<'d>(steps: &'d [Step], all: &mut Vec<&'d Step>) {
            for step in steps {
                all.push(step);
                for list in step.lists() {
                    collect(list, all);
                }
            }
        }
        let mut all = Vec::new();
        for list in [&self.steps, &self.on_error, &self.finally] {
            collect(list, &mut all);
        }
        all
    }
}
