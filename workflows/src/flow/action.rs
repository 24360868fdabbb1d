//! What the flow asks for, and what it is told.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Checkpoint;
use crate::{EventId, LogLevel, Outcome, Priority, RunId, StepError};

/// What the flow asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Carry out one attempt, then report [`Event::Outcome`].
    Run(RunStep),
    /// Send this event; report an outcome whose output is `{event_id, woke, started}`.
    Emit(EmitEvent),
    /// Start this child. Report an outcome if it could not be started, or if nobody waits for it; else
    /// [`Event::ChildStarted`].
    Call(CallChild),
    /// Ask for a child that is still running to be canceled.
    CancelChild(RunId),
    /// Store this, then report [`Event::Committed`]; what follows from it comes only after that.
    Record { checkpoint: Checkpoint, line: Option<LogLine> },
    /// The outcome of this attempt is needed by nobody but the undo: stop it if that is harmless, and report its
    /// outcome in any case.
    Abandon { path: String, attempt: u32 },
    /// The last action of a run.
    End(End),
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunStep {
    pub path: String,
    pub attempt: u32,
    pub step_type: String,
    pub config: Value,
    /// `run-id/path`, or what the author wrote: the same for all attempts.
    pub idempotency_key: String,
    /// The author wrote the key: then the other side honours it.
    pub key_is_written: bool,
    pub timeout: Duration,
    /// Its undo has to know whether it may have happened.
    pub undoable: bool,
    pub cache: Option<CacheUse>,
    /// Where it is to be done, when not with the run.
    pub queue: Option<String>,
    /// In that queue, and among those that wait for a slot; the run's own when it names none.
    pub priority: Option<Priority>,
    pub limits: Limits,
}

/// What bounds an attempt from outside. Where it has to wait, report [`Event::Deferred`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    pub slot: Option<SlotLimit>,
    pub rate: Option<RateBound>,
}

/// So many at once, over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotLimit {
    pub key: String,
    pub limit: u32,
}

/// So many per time, over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateBound {
    pub key: String,
    pub limit: u32,
    pub per: Duration,
}

/// A cached output counts as this attempt's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUse {
    /// A hash of the type and the rendered config, or of the author's key.
    pub key: String,
    pub ttl: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EmitEvent {
    pub path: String,
    pub attempt: u32,
    /// Derived from run and path: sending it twice makes one event.
    pub id: EventId,
    pub name: String,
    pub key: Option<String>,
    pub data: Value,
    /// How many events led to this one.
    pub depth: i16,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CallChild {
    pub path: String,
    pub attempt: u32,
    /// Derived from run, path and attempt: starting it twice makes one run.
    pub child: RunId,
    pub workflow: String,
    pub input: Value,
    /// Somebody waits for its end.
    pub wait: bool,
    /// Of the child.
    pub depth: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    pub level: LogLevel,
    pub message: String,
    pub data: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Outcome {
        path: String,
        attempt: u32,
        outcome: Outcome,
        started_at: DateTime<Utc>,
        finished_at: DateTime<Utc>,
    },
    ChildStarted {
        path: String,
        attempt: u32,
    },
    /// The attempt is a job of its own now; its outcome is found in [`Past::routed`](super::Past::routed).
    Routed {
        path: String,
        attempt: u32,
        queue: String,
    },
    /// A limit does not let the attempt begin: ask again at this instant, or when the run is woken.
    Deferred {
        path: String,
        attempt: u32,
        until: DateTime<Utc>,
        /// The instant is the attempt's own, and counts also for another process.
        reserved: bool,
    },
    /// The checkpoint of this attempt is stored.
    Committed {
        path: String,
        attempt: u32,
    },
    /// Time has passed: look at the waits.
    Time,
    /// Somebody asked for the run to be canceled, at this instant.
    Cancel {
        at: DateTime<Utc>,
        /// What has succeeded is undone as well.
        undo: bool,
    },
}

/// What a run is waiting for; the earliest `due_at` decides when it has to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub path: String,
    pub attempt: u32,
    pub kind: WaitKind,
    pub due_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitKind {
    /// A `wait` step, or the end of a block's time.
    Timer,
    /// The pause before another attempt.
    Retry,
    /// An ambiguous step: a person or a settling event, until the deadline.
    Person,
    /// A `wait_for_event` step.
    Event(EventWait),
    /// A `call` step: its child's end.
    Child(RunId),
    /// A limit: of the step, or of the runs (no path).
    Slot { reserved: bool },
    /// A worker of this queue.
    Routed { queue: String },
}

/// Which events end a wait, as far as the database can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWait {
    pub names: Vec<String>,
    pub key: Option<String>,
    pub since: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub status: RunStatus,
    pub output: Option<Value>,
    pub error: Option<StepError>,
    /// Paths whose undo failed for good: a person has to look.
    pub not_undone: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Succeeded,
    Failed,
    Canceled,
}
