//! Which error of the engine becomes which problem. Exhaustive: a new error does not compile until somebody has decided.

use onward_engine::{
    AuthError, CancelError, CorruptRow, DeployError, KeyError, OnceError, PrepareError, ReadError, ReplayError,
    RetryError, ScheduleError, SendError, SetSecretError, SettleError, SimulateError, StartError, UnsetSecretError,
    VersionError, WebhookError,
};
use onward_workflows::NotAgain;
use serde_json::json;

use super::{Code, Problem};

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        // A refused statement is our fault, everything else is the database not being there.
        match &error {
            sqlx::Error::Database(refused) if !is_passing(refused.code().as_deref()) => {
                tracing::error!(error = %error, "the database refused a statement");
                Self::new(Code::Internal, "the database refused a statement")
            }
            sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound => {
                tracing::error!(error = %error, "the database answered what cannot be read");
                Self::new(Code::Internal, "the database answered what cannot be read")
            }
            _ => {
                tracing::warn!(error = %error, "the database did not answer");
                Self::new(Code::Unavailable, "nothing was lost; try again in a moment")
            }
        }
    }
}

/// Shutdown, start-up, crash, too many connections, a statement that took too long.
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.starts_with("57")
            || code == "25006"
            || code.starts_with("53")
            || code.starts_with("08")
            || code.starts_with("40")
    })
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(why) => {
                tracing::info!(why, "a key was refused");
                Self::new(Code::Unauthorized, "the key is not accepted")
            }
            AuthError::Database(error) => error.into(),
        }
    }
}

impl From<PrepareError> for Problem {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Inputs(problems) => {
                let errors: Vec<_> = problems
                    .iter()
                    .map(|problem| json!({ "pointer": problem.pointer, "message": problem.message }))
                    .collect();
                let first = problems
                    .first()
                    .map_or_else(String::new, |problem| format!("{}: {}", problem.pointer, problem.message));
                let detail = match problems.len() {
                    0 | 1 => first,
                    more => format!("{first}, and {} more", more - 1),
                };
                Self::new(Code::InvalidInputs, detail).with("errors", json!(errors))
            }
            PrepareError::Payload(problem) => Self::new(Code::InvalidRequest, problem.to_string()),
            PrepareError::Variables(error) => Self::new(Code::InvalidInputs, error.to_string()),
            PrepareError::Trigger(_) | PrepareError::Field { .. } | PrepareError::Filtered => {
                Self::new(Code::InvalidInputs, error.to_string())
            }
        }
    }
}

impl From<SimulateError> for Problem {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Invalid { diagnostics, omitted } => {
                Self::new(Code::InvalidWorkflow, "the document has errors; nothing was simulated")
                    .with("diagnostics", json!(diagnostics))
                    .with("omitted", json!(omitted))
            }
            SimulateError::Corrupt(error) => {
                tracing::error!(error = %error, "a run cannot be read");
                Self::new(Code::Internal, "a recorded run cannot be read")
            }
            SimulateError::Version(error) => error.into(),
            SimulateError::Database(error) => error.into(),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Unavailable(_) => {
                Self::new(Code::Unavailable, "whether the run was stored is not known; send it again with the same key")
            }
            StartError::Closed => Self::new(Code::Unavailable, "this server is shutting down"),
            StartError::QueueFull { .. } => Self::new(Code::QueueFull, error.to_string()),
        }
    }
}

impl From<VersionError> for Problem {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::NotFound { .. } => Self::new(Code::NotFound, error.to_string()),
            VersionError::Undecodable { .. } => {
                tracing::error!(error = %error, "a stored version cannot be read");
                Self::new(Code::Internal, error.to_string())
            }
            VersionError::Database(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => error.into(),
            ReadError::Version(error) => error.into(),
            ReadError::Corrupt { .. } => {
                tracing::error!(error = %error, "a stored row cannot be read");
                Self::new(Code::Internal, error.to_string())
            }
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::not_found("such run"),
            CancelError::AlreadyEnded => Self::new(Code::RunAlreadyEnded, error.to_string()),
            CancelError::Database(error) => error.into(),
        }
    }
}

impl From<CorruptRow> for Problem {
    fn from(error: CorruptRow) -> Self {
        tracing::error!(error = %error, "a stored row cannot be read");
        Self::new(Code::Internal, error.to_string())
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        let detail = error.to_string();
        match error {
            RetryError::NotFound => Self::not_found("such run"),
            RetryError::NotFailed(_) => Self::new(Code::RunNotFailed, detail),
            RetryError::Late => Self::new(Code::ChangedMeanwhile, detail),
            RetryError::NotAgain(NotAgain::Undone(path)) => {
                Self::new(Code::RunNotRepeatable, detail).with("why", json!("undone")).with("path", json!(path))
            }
            RetryError::NotAgain(NotAgain::Computed) => {
                Self::new(Code::RunNotRepeatable, detail).with("why", json!("computed"))
            }
            RetryError::NotAgain(NotAgain::NotThere(_)) => {
                Self::new(Code::RunNotRepeatable, detail).with("why", json!("not_there"))
            }
            RetryError::TooOld => Self::new(Code::RunNotRepeatable, detail).with("why", json!("too_old")),
            RetryError::Corrupt(error) => error.into(),
            RetryError::Version(error) => error.into(),
            RetryError::Database(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        let detail = error.to_string();
        match error {
            ReplayError::NotFound => Self::not_found("such run"),
            ReplayError::NoWorkflow => Self::new(Code::NotFound, detail),
            ReplayError::NoStep { steps, .. } => Self::new(Code::InvalidRequest, detail).with("steps", json!(steps)),
            ReplayError::Undone(path) => {
                Self::new(Code::RunNotRepeatable, detail).with("why", json!("undone")).with("path", json!(path))
            }
            ReplayError::Refused(error) => error.into(),
            ReplayError::Corrupt(error) => error.into(),
            ReplayError::Version(error) => error.into(),
            ReplayError::Database(error) => error.into(),
        }
    }
}

impl From<SettleError> for Problem {
    fn from(error: SettleError) -> Self {
        let detail = error.to_string();
        match error {
            SettleError::NotFound => Self::not_found("such run"),
            SettleError::Ended => Self::new(Code::RunAlreadyEnded, detail),
            SettleError::NotWaiting { waiting, .. } => {
                Self::new(Code::StepNotWaiting, detail).with("waiting", json!(waiting))
            }
            SettleError::NotRepeatable => Self::new(Code::StepNotRepeatable, detail),
            SettleError::Output(_) => Self::new(Code::InvalidRequest, detail),
            SettleError::Late => Self::new(Code::ChangedMeanwhile, detail),
            SettleError::Corrupt(error) => error.into(),
            SettleError::Version(error) => error.into(),
            SettleError::Database(error) => error.into(),
        }
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Database(error) => error.into(),
            SendError::Start(error) => error.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Database(error) => error.into(),
            WebhookError::Send(error) => error.into(),
        }
    }
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Self {
        let detail = error.to_string();
        match error {
            ScheduleError::NotFound(_) => Self::new(Code::NotFound, detail),
            ScheduleError::Disabled => Self::new(Code::WorkflowDisabled, detail),
            ScheduleError::Ambiguous(..)
            | ScheduleError::PauseEnds
            | ScheduleError::Range
            | ScheduleError::TooMany
            | ScheduleError::Refused(_) => Self::new(Code::InvalidRequest, detail),
            ScheduleError::Unreadable => {
                tracing::error!(error = detail, "a stored trigger cannot be read");
                Self::new(Code::Internal, detail)
            }
            ScheduleError::Database(error) => error.into(),
        }
    }
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Self {
        let detail = error.to_string();
        match error {
            DeployError::Invalid { diagnostics, omitted } => {
                let count =
                    diagnostics.iter().filter(|finding| finding.severity == onward_workflows::Severity::Error).count()
                        + omitted;
                let noun = if count == 1 { "error" } else { "errors" };
                Self::new(Code::InvalidWorkflow, format!("{count} {noun}; nothing was stored"))
                    .with("diagnostics", json!(diagnostics))
                    .with("omitted", json!(omitted))
            }
            DeployError::TooMany(_)
            | DeployError::TooManyPruned
            | DeployError::Reserved { .. }
            | DeployError::Twice { .. } => Self::new(Code::InvalidRequest, detail),
            DeployError::EndpointTaken { .. } => Self::new(Code::EndpointTaken, detail),
            DeployError::Exists { .. } => Self::new(Code::AlreadyExists, detail),
            DeployError::Changed { expected, current, .. } => Self::new(Code::PreconditionFailed, detail)
                .with("expected_version", json!(expected))
                .with("current_version", json!(current)),
            DeployError::Database(error) => error.into(),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Name | KeyError::Scopes | KeyError::Prefix | KeyError::Expired => {
                Self::new(Code::InvalidRequest, error.to_string())
            }
            KeyError::Database(error) => error.into(),
        }
    }
}

impl From<SetSecretError> for Problem {
    fn from(error: SetSecretError) -> Self {
        match error {
            SetSecretError::Name | SetSecretError::Value | SetSecretError::TooMany => {
                Self::new(Code::InvalidRequest, error.to_string())
            }
            SetSecretError::NoKey => Self::new(Code::NotReady, error.to_string()),
            SetSecretError::Database(error) => error.into(),
        }
    }
}

impl From<UnsetSecretError> for Problem {
    fn from(error: UnsetSecretError) -> Self {
        let detail = error.to_string();
        match error {
            UnsetSecretError::NotFound(_) => Self::new(Code::NotFound, detail),
            UnsetSecretError::InUse { used_by, .. } => {
                Self::new(Code::SecretInUse, detail).with("used_by", json!(used_by))
            }
            UnsetSecretError::Database(error) => error.into(),
        }
    }
}

impl<E: Into<Self> + std::fmt::Debug> From<OnceError<E>> for Problem {
    fn from(error: OnceError<E>) -> Self {
        match error {
            OnceError::Reused => Self::new(Code::IdempotencyKeyReused, "send another request with another key"),
            OnceError::InWork => Self::new(Code::IdempotencyInWork, "ask again in a moment"),
            OnceError::Corrupt(error) => {
                tracing::error!(error = %error, "a remembered answer cannot be read");
                Self::new(Code::Internal, "the remembered answer cannot be read")
            }
            OnceError::Effect(error) => error.into(),
            OnceError::Database(error) => error.into(),
        }
    }
}
