//! What one attempt of a step came to, and the error that goes with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A step that fails is not a Rust error: it is stored and acted on.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done(Value),
    /// Definite; [`StepError::retryable`] says whether another attempt makes sense.
    Failed(StepError),
    /// Sent, but never answered, and not safe to repeat.
    Ambiguous(StepError),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepError {
    pub kind: ErrorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub message: String,
    /// HTTP status, where the error is an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub retryable: bool,
    /// What the other side asked for; wins when it is longer than the computed delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Path of the step that failed, filled in by the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl StepError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            status: None,
            retryable: false,
            retry_after_ms: None,
            step: None,
            attempt: None,
            details: None,
        }
    }

    /// Of an attempt that was given up before it could matter.
    pub fn stopped() -> Self {
        Self::new(ErrorKind::Canceled, "stopped on request")
    }

    /// Of an attempt that is not safe to repeat and whose worker was lost.
    pub fn unanswered() -> Self {
        Self::new(ErrorKind::Ambiguous, "the worker was lost after it had begun, and no answer was recorded")
    }

    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The class of an error, decided once, where it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// An answer with a status that was not expected.
    Http,
    /// No answer: refused, reset, name not found.
    Network,
    /// The attempt, the wait or the run took too long.
    Timeout,
    /// A config whose rendered value the step type cannot take.
    Config,
    /// An expression that could not be evaluated.
    Expression,
    /// An attempt that succeeded, with an output that is not the expected one.
    Expectation,
    /// A `fail` step.
    Fail,
    /// Stopped on request, before it could matter.
    Canceled,
    /// Sent, never answered, never settled.
    Ambiguous,
    /// The workers that carried it kept dying.
    CrashLoop,
    /// An output or a result over its limit.
    Limit,
    /// A fault of ours: a panic, a version that cannot be decoded.
    Internal,
}
