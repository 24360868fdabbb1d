//! What a flow starts from: the run's facts, and what is stored of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunStatus;
use crate::{ErrorKind, Outcome, RunId, StepError};

/// What the run's row holds and no step may change.
#[derive(Debug, Clone)]
pub struct RunFacts {
    pub run: RunId,
    pub workflow: String,
    pub workflow_name: String,
    pub version: i32,
    pub inputs: Value,
    /// Evaluated at the start and stored.
    pub variables: Value,
    /// Snapshot of what the server's configuration shows to documents.
    pub env: Value,
    /// `type`, `id`, `time`, and what the trigger brought.
    pub trigger: Value,
    pub labels: Value,
    /// The values of the secrets that the document declares. They are never stored with the run.
    pub secrets: Value,
    /// How many runs stand above this one.
    pub depth: u32,
    pub created_at: DateTime<Utc>,
    /// When the limits of its document let it begin, if it had to ask them.
    pub admitted_at: Option<DateTime<Utc>>,
    pub scheduled_at: Option<DateTime<Utc>>,
}

/// Everything stored of a run, in any order.
#[derive(Debug, Clone, Default)]
pub struct Past {
    pub checkpoints: Vec<Checkpoint>,
    /// Attempts that were announced before their effect and have no checkpoint.
    pub begun: Vec<Begun>,
    /// Events that the run may have waited for, in the order of their arrival.
    pub events: Vec<ArrivedEvent>,
    pub children: Vec<ChildRun>,
    /// Attempts that are jobs of their own.
    pub routed: Vec<RoutedStep>,
    /// That somebody has asked for the run to be canceled is to be known before anything is computed.
    pub cancel: Option<Cancel>,
}

/// Somebody asked for the run to be canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancel {
    pub at: DateTime<Utc>,
    /// What has succeeded is undone as well.
    pub undo: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointStatus {
    /// This attempt failed, another follows.
    Retrying,
    Succeeded,
    Failed,
    Skipped,
    /// Sent and never answered; waits to be settled.
    Ambiguous,
}

/// A stored outcome of one attempt. The highest attempt of a path counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub path: String,
    /// Counted from 1.
    pub attempt: u32,
    pub status: CheckpointStatus,
    pub output: Option<Value>,
    pub error: Option<StepError>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// An attempt that was announced. Whether it had its effect is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub path: String,
    pub attempt: u32,
    /// Announced only because it can be undone: it may be sent again.
    pub repeatable: bool,
}

/// An attempt that was handed to another queue.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedStep {
    pub path: String,
    pub attempt: u32,
    pub queue: String,
    /// There once a worker has carried it out.
    pub end: Option<RoutedEnd>,
}

impl RoutedStep {
    /// It was not begun, because its run did not need it any more.
    pub fn is_taken_back(&self) -> bool {
        let outcome = self.end.as_ref().map(|end| &end.outcome);
        matches!(outcome, Some(Outcome::Failed(error)) if error.kind == ErrorKind::Canceled)
    }
}

/// What a routed attempt came to. What follows from it, its checkpoint included, is for the run's owner to say.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedEnd {
    pub outcome: Outcome,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// An event as `wait_for_event` gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrivedEvent {
    pub id: String,
    pub name: String,
    pub key: Option<String>,
    pub data: Value,
    pub received_at: DateTime<Utc>,
}

/// A run that a `call` step started.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRun {
    pub run: RunId,
    /// There once it has ended.
    pub end: Option<ChildEnd>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    pub status: RunStatus,
    pub output: Option<Value>,
    pub error: Option<StepError>,
    pub finished_at: DateTime<Utc>,
}
