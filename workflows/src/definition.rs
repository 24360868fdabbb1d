//! A version's checked content. A value of these types came out of the checker and cannot be wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::{Expression, Template};

/// One document, checked.
#[derive(Debug)]
pub struct Definition {
    /// Identity for deploy and URLs: a slug, or a UUID from the replaced system.
    pub id: String,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub triggers: Vec<Trigger>,
    pub inputs: BTreeMap<String, Input>,
    /// Evaluated once, at the start of a run, over `inputs`, `env` and `run`.
    pub variables: Template,
    /// The run's result; without it the output of the last step.
    pub output: Option<Template>,
    /// Of the whole run, waiting included.
    pub timeout: Duration,
    pub steps: Vec<Step>,
    /// Runs when an error reaches the top; cannot make the run succeed.
    pub on_error: Vec<Step>,
}

/// One declared input. Without a default it is required.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub schema: Value,
    pub default: Option<Value>,
}

#[derive(Debug)]
pub struct Step {
    /// Unique in the document; letters, digits, `_` and `-`, at most 50.
    pub id: String,
    pub name: String,
    pub body: Body,
    /// Places in the same list, all above this step, that must be over before it starts.
    pub needs: Vec<usize>,
    pub condition: Option<Expression>,
    pub retry: Retry,
    /// Of one attempt; `None` for steps that do no work.
    pub timeout: Option<Duration>,
    pub on_error: OnError,
}

#[derive(Debug)]
pub enum Body {
    /// A dotted type: done by a worker, outside the engine.
    Work {
        step_type: String,
        config: Template,
    },
    Value(Template),
    Wait(WaitFor),
    Log {
        message: Template,
        level: LogLevel,
        data: Option<Template>,
    },
    Return(Option<Template>),
    Fail {
        message: Template,
        code: Option<Template>,
        details: Option<Template>,
    },
}

/// The config of `wait`. Both forms may be templates, so they are parsed when the step is ready.
#[derive(Debug)]
pub enum WaitFor {
    /// A duration as text, or a number of milliseconds.
    For(Template),
    /// An RFC 3339 instant.
    Until(Template),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    #[default]
    Fail,
    /// The flow goes on with output null; the step's status stays `failed`.
    Continue,
}

/// How often and when a failed attempt is repeated.
#[derive(Debug)]
pub struct Retry {
    /// Repetitions after the first attempt.
    pub max: u32,
    pub delay: Duration,
    pub backoff: Backoff,
    pub max_delay: Duration,
    /// Full jitter: the delay is drawn between zero and its value, from a hash of run, path and attempt.
    pub jitter: bool,
    /// Bounds the total time from the first attempt's start.
    pub within: Option<Duration>,
    /// Over `error`; without it an attempt is repeated when its error is retryable.
    pub condition: Option<Expression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backoff {
    #[default]
    Exponential,
    Linear,
    Constant,
}

#[derive(Debug)]
pub struct Trigger {
    /// Unique in the document; the default is the type.
    pub id: String,
    pub kind: TriggerKind,
    pub enabled: bool,
}

#[derive(Debug)]
pub enum TriggerKind {
    Cron(CronTrigger),
    Webhook(WebhookTrigger),
    Manual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronTrigger {
    /// As written: five fields, an `@` name, or `@every 90s`.
    pub schedule: String,
    /// IANA name.
    pub timezone: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTrigger {
    pub endpoint: String,
    pub auth: WebhookAuth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebhookAuth {
    /// A key with scope `triggers:create`.
    #[default]
    ApiKey,
    /// Anybody; has to be written down.
    None,
}
