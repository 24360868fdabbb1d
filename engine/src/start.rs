//! Starting runs: everything that waits in this process goes into one statement.

mod batch;
mod eager;
mod insert;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_workflows::{
    Definition, EvaluationError, InputProblem, PayloadProblem, Reading, RunId, START_KEY_MAX, StartFields,
    is_queue_name, read_trigger,
};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub(crate) use batch::{Waiting, spawn};
pub(crate) use eager::EagerLine;
pub use eager::{Begun, EagerBatch};
pub(crate) use insert::{insert_in, insert_keyed_in};

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
    /// The trigger's `if` is false.
    #[error("the trigger's `if` is false")]
    Filtered,
    #[error("the trigger cannot read what it was given: {0}")]
    Trigger(EvaluationError),
    #[error("`{field}` of the workflow has no value: {reason}")]
    Field { field: &'static str, reason: String },
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
    /// Not before; `None` is at once.
    pub due_at: Option<DateTime<Utc>>,
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
    /// Written in the document, not by the caller: requests are not compared.
    pub of_document: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The new run, or the first one of the same key.
    pub run: RunId,
    pub duplicate: Option<Duplicate>,
}

/// What came again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    SameRequest,
    /// The caller used a key for two requests.
    OtherRequest,
    /// The document's own key.
    KeyOfDocument,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Whether the run exists is not known; the same key asks again safely.
    #[error("the database did not take the run")]
    Unavailable(#[source] Arc<sqlx::Error>),
    #[error("the process is shutting down")]
    Closed,
    /// Workers have to catch up first.
    #[error("the queue `{queue}` has {max} runs that wait for a worker")]
    QueueFull { queue: String, max: i64 },
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
        let definition = &version.definition;
        let trigger = request.trigger_id.as_deref();
        let trigger = trigger.and_then(|id| definition.triggers.iter().find(|trigger| trigger.id == id));
        let reading = match trigger {
            None => Reading::Run { inputs: request.inputs, key: None },
            Some(trigger) => read_trigger(definition, trigger, &request.trigger, request.inputs, self.env())
                .map_err(PrepareError::Trigger)?,
        };
        let Reading::Run { inputs, key } = reading else { return Err(PrepareError::Filtered) };
        let inputs = version.inputs.check(inputs).map_err(PrepareError::Inputs)?;
        let fields = StartFields::read(definition, &inputs, &request.trigger, self.env())
            .map_err(|error| PrepareError::Field { field: "a start field", reason: error.to_string() })?;
        let key = match (request.key, key.or(fields.idempotency_key.clone())) {
            // What the caller wrote counts first.
            (Some(key), _) => Some(key),
            (None, Some(key)) => Some(document_key(definition, key)?),
            (None, None) => None,
        };
        let (queue, priority) = (queue(&fields)?, priority(&fields)?);
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
            due_at: None,
            queue,
            priority,
            key,
        })
    }
}

/// A key of the document itself: whoever brings it again gets the first run, whatever else the request says.
fn document_key(definition: &Definition, key: String) -> Result<StartKey, PrepareError> {
    if key.is_empty() || key.len() > START_KEY_MAX {
        let reason = format!("it has {} bytes, and may have between 1 and {START_KEY_MAX}", key.len());
        return Err(PrepareError::Field { field: "idempotency_key", reason });
    }
    Ok(StartKey {
        scope: format!("workflow/{}", definition.id),
        key,
        request_hash: [0; 32],
        ttl: definition.idempotency_ttl,
        of_document: true,
    })
}

fn queue(fields: &StartFields) -> Result<String, PrepareError> {
    match &fields.queue {
        None => Ok(DEFAULT_QUEUE.to_owned()),
        Some(name) if is_queue_name(name) => Ok(name.clone()),
        Some(name) => Err(PrepareError::Field { field: "queue", reason: format!("`{name}` is no name of a queue") }),
    }
}

fn priority(fields: &StartFields) -> Result<Priority, PrepareError> {
    match (&fields.priority, fields.priority()) {
        (None, _) => Ok(Priority::Normal),
        (Some(_), Some(priority)) => Ok(priority.into()),
        (Some(word), None) => Err(PrepareError::Field {
            field: "priority",
            reason: format!("`{word}` is not low, normal, high or critical"),
        }),
    }
}

pub(crate) async fn join(line: &mpsc::Sender<Waiting>, start: StartRun) -> Result<Started, StartError> {
    let (answer, answered) = oneshot::channel();
    line.send(Waiting { start: Arc::new(start), answer }).await.map_err(|_| StartError::Closed)?;
    answered.await.map_err(|_| StartError::Closed)?
}
