//! Starting runs: everything that waits in this process goes into one statement.

mod batch;
mod eager;
mod insert;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_workflows::{EvaluationError, InputProblem, PayloadProblem, RunId};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub(crate) use batch::{Waiting, spawn};
pub(crate) use eager::EagerLine;
pub use eager::{Begun, EagerBatch};
pub(crate) use insert::insert_in;

use crate::{Engine, Priority, Version};

pub const DEFAULT_QUEUE: &str = "default";

/// What a caller brings; [`Engine::prepare`] makes a [`StartRun`] of it.
#[derive(Debug)]
pub struct PrepareRun {
    /// The trigger's id in the document; `None` for a run started by hand.
    pub trigger_id: Option<String>,
    /// What the document reads as `trigger`.
    pub trigger: Value,
    pub inputs: Value,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub key: Option<StartKey>,
}

/// Why something cannot become a run; nothing is stored.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("the inputs do not fit the workflow")]
    Inputs(Vec<InputProblem>),
    #[error("the inputs cannot be stored: {0}")]
    Payload(PayloadProblem),
    #[error("the workflow's variables have no value: {0}")]
    Variables(EvaluationError),
}

/// Checked, and so cannot be wrong.
#[derive(Debug, Clone)]
pub struct StartRun {
    pub run: RunId,
    pub version: Arc<Version>,
    pub trigger_id: Option<String>,
    pub trigger: Value,
    pub inputs: Value,
    /// Evaluated; `None` when the document's variables have no holes.
    pub variables: Option<Value>,
    pub created_at: DateTime<Utc>,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub queue: String,
    pub priority: Priority,
    pub key: Option<StartKey>,
}

/// One key, one run, for as long as `ttl`.
#[derive(Debug, Clone)]
pub struct StartKey {
    pub scope: String,
    pub key: String,
    pub request_hash: [u8; 32],
    pub ttl: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The new run, or the first one of the same key.
    pub run: RunId,
    pub duplicate: Option<Duplicate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    pub same_request: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Whether the run exists is not known; the same key asks again safely.
    #[error("the database did not take the run")]
    Unavailable(#[source] Arc<sqlx::Error>),
    #[error("the process is shutting down")]
    Closed,
}

impl Engine {
    /// Checks what a caller brought and evaluates the document's variables.
    pub fn prepare(&self, version: Arc<Version>, request: PrepareRun) -> Result<StartRun, PrepareError> {
        self.prepare_as(self.new_run_id(), version, request)
    }

    /// Like `prepare`, for a run whose id is derived from what starts it.
    pub(crate) fn prepare_as(
        &self,
        run: RunId,
        version: Arc<Version>,
        request: PrepareRun,
    ) -> Result<StartRun, PrepareError> {
        onward_workflows::check_payload(&request.inputs).map_err(PrepareError::Payload)?;
        onward_workflows::check_payload(&request.trigger).map_err(PrepareError::Payload)?;
        let inputs = version.inputs.check(request.inputs).map_err(PrepareError::Inputs)?;
        let created_at = self.clock().now();
        let variables = if version.variables_are_literal() {
            None
        } else {
            let facts = version.facts(run, &inputs, request.trigger.clone(), Value::clone(self.env()), created_at);
            Some(onward_workflows::evaluate_variables(&version.definition, &facts).map_err(PrepareError::Variables)?)
        };
        Ok(StartRun {
            run,
            version,
            trigger_id: request.trigger_id,
            trigger: request.trigger,
            inputs,
            variables,
            created_at,
            scheduled_at: request.scheduled_at,
            queue: DEFAULT_QUEUE.to_owned(),
            priority: Priority::Normal,
            key: request.key,
        })
    }
}

pub(crate) async fn join(line: &mpsc::Sender<Waiting>, start: StartRun) -> Result<Started, StartError> {
    let (answer, answered) = oneshot::channel();
    line.send(Waiting { start: Arc::new(start), answer }).await.map_err(|_| StartError::Closed)?;
    answered.await.map_err(|_| StartError::Closed)?
}
