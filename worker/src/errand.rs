//! What the engine does for a step itself: sending an event, starting another run.

use onward_engine::{CallError, CancelError, Engine, NewEvent, call, cancel, send_event, wake_runs};
use onward_workflows::{CallChild, EmitEvent, ErrorKind, Event, Outcome, RunId, StepError};
use serde_json::json;

#[derive(Debug)]
pub(crate) enum Errand {
    Emit(EmitEvent),
    Call(CallChild),
}

impl Errand {
    pub fn name(&self) -> (String, u32) {
        match self {
            Self::Emit(event) => (event.path.clone(), event.attempt),
            Self::Call(call) => (call.path.clone(), call.attempt),
        }
    }
}

pub(crate) async fn run(engine: Engine, run: RunId, errand: Errand) -> Event {
    let (path, attempt) = errand.name();
    let started_at = engine.clock().now();
    let outcome = match errand {
        Errand::Emit(event) => send(&engine, run, event).await,
        Errand::Call(child) => match call(&engine, run, &child).await {
            Ok(()) if child.wait => return Event::ChildStarted { path, attempt },
            Ok(()) => {
                let url = format!("/runs/{}", child.child);
                Outcome::Done(json!({ "run_id": child.child, "url": url }))
            }
            Err(error) => Outcome::Failed(not_called(&error)),
        },
    };
    let finished_at = engine.clock().now().max(started_at);
    Event::Outcome { path, attempt, outcome, started_at, finished_at }
}

async fn send(engine: &Engine, run: RunId, event: EmitEvent) -> Outcome {
    let EmitEvent { path: _, attempt: _, id, name, key, data, depth } = event;
    let new = NewEvent { id, name, key, data, depth, run: Some(run) };
    match send_event(engine, &new).await {
        Ok(sent) => Outcome::Done(json!({ "event_id": id, "woke": sent.woke, "started": sent.started })),
        Err(error) => {
            tracing::warn!(run.id = %run, error = %error, "an event could not be stored");
            Outcome::Failed(StepError::new(ErrorKind::Internal, "the event could not be stored").retryable())
        }
    }
}

fn not_called(error: &CallError) -> StepError {
    let new = |kind| StepError::new(kind, error.to_string());
    match error {
        CallError::NoWorkflow(_) | CallError::Refused { .. } => new(ErrorKind::Config),
        CallError::Disabled(_) => StepError { code: Some("workflow_disabled".to_owned()), ..new(ErrorKind::Config) },
        CallError::Undecodable { .. } => new(ErrorKind::Internal),
        CallError::Database(_) => new(ErrorKind::Internal).retryable(),
    }
}

/// A child that has ended meanwhile needs no cancel.
pub(crate) async fn cancel_child(engine: &Engine, child: RunId) {
    match cancel(engine, child).await {
        Ok(_) | Err(CancelError::AlreadyEnded | CancelError::NotFound) => {}
        Err(CancelError::Database(error)) => {
            tracing::warn!(run.id = %child, error = %error, "a called run could not be canceled");
        }
    }
}

/// A lost wake-up is found by housekeeping.
pub(crate) async fn wake_parent(engine: &Engine, parent: RunId) {
    if let Err(error) = wake_runs(engine, &[parent]).await {
        tracing::warn!(run.id = %parent, error = %error, "the caller of a run could not be woken");
    }
}
