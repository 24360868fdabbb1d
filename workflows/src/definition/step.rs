//! One step and what it may do.

use std::time::Duration;

use super::limits::{Concurrency, RateLimit};
use crate::{Expression, Template};

#[derive(Debug)]
pub struct Step {
    /// Unique in the document; letters, digits, `_` and `-`, at most 50.
    pub id: String,
    pub name: String,
    pub body: Body,
    /// Places in the same list, all above this step, that must be over before it starts.
    pub needs: Vec<usize>,
    pub condition: Option<Expression>,
    /// With it every other field is per item, `needs` apart.
    pub foreach: Option<Foreach>,
    pub retry: Retry,
    /// Of one attempt; `None` for steps that have no limit of their own.
    pub timeout: Option<Duration>,
    /// Over `output`; false makes an attempt that succeeded a failed one.
    pub expect: Option<Expression>,
    /// What the step's output will be, over the raw `output`.
    pub output: Option<Template>,
    pub cache: Option<Cache>,
    /// Written by the author: then the other side honours it.
    pub idempotency_key: Option<Template>,
    pub concurrency: Option<Concurrency>,
    pub rate_limit: Option<RateLimit>,
    /// Where the step's work is done, when not with the run.
    pub queue: Option<Template>,
    pub priority: Option<Template>,
    pub on_error: OnError,
    pub finally: Vec<Step>,
    pub compensate: Option<Compensate>,
    /// Filled in by [`crate::Definition::numbered`].
    pub number: Number,
}

/// Where a step stands among all steps of its document, in the order of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Number {
    pub slot: usize,
    /// How many slots the step takes, with everything inside it.
    pub slots: usize,
    /// It, or something inside it, can be undone.
    pub undoable: bool,
}

#[derive(Debug)]
pub enum Body {
    /// A dotted type: done by a worker, outside the engine.
    Work {
        step_type: String,
        config: Template,
    },
    /// Its steps, in their order as far as their `needs` say so.
    Block {
        steps: Vec<Step>,
        /// At most so many at once, in the order of the list; `None`: as many as are ready.
        at_once: Option<usize>,
        /// Its output is a map from child to output.
        parallel: bool,
    },
    /// The first arm whose condition holds.
    Switch(Vec<Arm>),
    Value(Template),
    Wait(WaitFor),
    WaitForEvent(EventPattern),
    Emit {
        event: Template,
        key: Option<Template>,
        data: Option<Template>,
    },
    Call {
        workflow: Template,
        input: Option<Template>,
        mode: CallMode,
    },
    Log {
        message: Template,
        level: LogLevel,
        data: Option<Template>,
    },
    Return(Option<Template>),
    Fail(Option<Failure>),
}

#[derive(Debug)]
pub struct Arm {
    /// `None` is the "else".
    pub condition: Option<Expression>,
    pub steps: Vec<Step>,
}

/// The config of `fail`; a `fail` without one raises the error again that is being handled.
#[derive(Debug)]
pub struct Failure {
    pub message: Template,
    pub code: Option<Template>,
    pub details: Option<Template>,
}

/// The config of `wait`. Both forms may be templates, so they are parsed when the step is ready.
#[derive(Debug)]
pub enum WaitFor {
    /// A duration as text, or a number of milliseconds.
    For(Template),
    /// An RFC 3339 instant.
    Until(Template),
}

/// The config of `wait_for_event`.
#[derive(Debug)]
pub struct EventPattern {
    /// One name or several.
    pub names: Template,
    pub key: Option<Template>,
    /// Over `event`.
    pub condition: Option<Expression>,
    /// How far to look back; without it to the run's start.
    pub since: Option<Template>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallMode {
    /// The child's output is the step's; a cancel goes down.
    #[default]
    Wait,
    /// Start it and go on.
    Start,
}

#[derive(Debug)]
pub struct Foreach {
    /// Gives a list.
    pub items: Template,
    /// The item's name in expressions.
    pub name: String,
    /// Items at once.
    pub concurrency: usize,
    /// Items are lists of up to so many.
    pub batch: Option<usize>,
}

/// Reuse of a successful output.
#[derive(Debug)]
pub struct Cache {
    pub ttl: Duration,
    /// In place of the rendered config.
    pub key: Option<Template>,
}

/// How to undo a step that has succeeded.
#[derive(Debug)]
pub struct Compensate {
    /// The written steps; or one step of the form `{type, config}`, which bears the id of the step that it undoes.
    pub steps: Vec<Step>,
    pub single: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

#[derive(Debug, Default)]
pub enum OnError {
    #[default]
    Fail,
    /// The flow goes on with output null; the step's status stays `failed`.
    Continue,
    /// The handler: what it comes to is the step's output; its own failure is the step's.
    Steps(Vec<Step>),
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

impl Retry {
    /// Never.
    pub const NONE: Self = Self {
        max: 0,
        delay: Duration::from_secs(1),
        backoff: Backoff::Exponential,
        max_delay: Duration::from_mins(5),
        jitter: true,
        within: None,
        condition: None,
    };
}

impl Step {
    /// A step with nothing but its body, tried once.
    pub fn new(id: impl Into<String>, body: Body) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            body,
            needs: Vec::new(),
            condition: None,
            foreach: None,
            retry: Retry::NONE,
            timeout: None,
            expect: None,
            output: None,
            cache: None,
            idempotency_key: None,
            concurrency: None,
            rate_limit: None,
            queue: None,
            priority: None,
            on_error: OnError::Fail,
            finally: Vec::new(),
            compensate: None,
            number: Number::default(),
        }
    }

    /// The lists of steps inside it, in the order of their slots.
    pub fn lists(&self) -> impl Iterator<Item = &[Step]> {
        let body: Vec<&[Step]> = match &self.body {
            Body::Block { steps, .. } => vec![steps],
            Body::Switch(arms) => arms.iter().map(|arm| arm.steps.as_slice()).collect(),
            _ => Vec::new(),
        };
        let handler = match &self.on_error {
            OnError::Steps(steps) => Some(steps.as_slice()),
            OnError::Fail | OnError::Continue => None,
        };
        let undo = self.compensate.as_ref().map(|undo| undo.steps.as_slice());
        body.into_iter().chain(handler).chain([self.finally.as_slice()]).chain(undo)
    }

    pub(super) fn lists_mut(&mut self) -> Vec<&mut Vec<Step>> {
        let mut lists: Vec<&mut Vec<Step>> = match &mut self.body {
            Body::Block { steps, .. } => vec![steps],
            Body::Switch(arms) => arms.iter_mut().map(|arm| &mut arm.steps).collect(),
            _ => Vec::new(),
        };
        if let OnError::Steps(steps) = &mut self.on_error {
            lists.push(steps);
        }
        lists.push(&mut self.finally);
        lists.extend(self.compensate.as_mut().map(|undo| &mut undo.steps));
        lists
    }

    /// Whether it has steps inside that are its work.
    pub fn is_container(&self) -> bool {
        matches!(self.body, Body::Block { .. } | Body::Switch(_))
    }

    /// The word for its body in lists and logs.
    pub fn kind(&self) -> &str {
        match &self.body {
            Body::Work { step_type, .. } => step_type,
            Body::Block { parallel: false, .. } => "steps",
            Body::Block { parallel: true, .. } => "parallel",
            Body::Switch(_) => "switch",
            Body::Value(_) => "value",
            Body::Wait(_) => "wait",
            Body::WaitForEvent(_) => "wait_for_event",
            Body::Emit { .. } => "emit",
            Body::Call { .. } => "call",
            Body::Log { .. } => "log",
            Body::Return(_) => "return",
            Body::Fail(_) => "fail",
        }
    }
}
