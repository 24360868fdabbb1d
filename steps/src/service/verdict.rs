//! What a service says about a request that it did not carry out.

use std::time::Duration;

use onward_workflows::{ErrorKind, Outcome, StepError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same request would get the same answer.
    Refused,
    /// Too much at the moment, of everybody who shares the limit.
    Throttled,
    /// A fault of the other side that may pass.
    Transient,
    /// It may have done what was asked.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub class: Class,
    /// The service's own word, for programs that read the error.
    pub code: String,
    pub message: String,
    /// Not sooner than this.
    pub wait: Option<Duration>,
}

impl Verdict {
    pub(crate) fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), wait: None }
    }

    pub(crate) fn after(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }

    /// What the answer means for the step.
    pub(crate) fn outcome(self, service: &str, status: u16) -> Outcome {
        let Self { class, code, message, wait } = self;
        let mut error = StepError::new(ErrorKind::Http, format!("{service}: {message}"));
        error.status = Some(status);
        error.code = Some(code);
        match class {
            Class::Refused => {}
            Class::Throttled | Class::Transient => {
                error.retryable = true;
                error.retry_after_ms = wait.and_then(|wait| u64::try_from(wait.as_millis()).ok());
            }
            Class::Unknown => {
                error.kind = ErrorKind::Ambiguous;
                return Outcome::Ambiguous(error);
            }
        }
        Outcome::Failed(error)
    }
}
