//! Storing what runs have come to. One committer per process; each batch is one statement.

mod committer;
mod fault;
mod write;

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_workflows::{Checkpoint, CheckpointStatus, End, LogLevel, LogLine, RunId, RunStatus, Wait, WaitKind};
use serde_json::json;

pub use committer::Committer;

use crate::Priority;

/// Everything one run wants stored before it goes on. A run has at most one write on its way.
#[derive(Debug, Clone)]
pub struct RunWrite {
    pub run: RunId,
    /// The job's `wakes` when it became ours.
    pub claimed: i32,
    pub checkpoints: Vec<CheckpointRow>,
    /// Effects that are about to be sent and are not safe to repeat.
    pub announced: Vec<Announced>,
    /// Attempts that become jobs of their own.
    pub routed: Vec<RoutedRow>,
    /// Rows in `pending` exist that these checkpoints, or the end, settle.
    pub settles: bool,
    /// The run has crashed workers before, and this is progress.
    pub resets_crashes: bool,
    pub then: Then,
}

/// An attempt that is about to have an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub path: String,
    pub attempt: u32,
    /// Announced only because its undo has to know of it: it may be sent again.
    pub repeatable: bool,
}

/// An attempt for another queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedRow {
    pub path: String,
    pub attempt: u32,
    pub queue: String,
    pub priority: Priority,
}

/// What happens to the job.
#[derive(Debug, Clone)]
pub enum Then {
    Keep,
    Park(Park),
    /// Hand it back.
    Release(Release),
    End(EndRow),
}

/// The run waits without a worker.
#[derive(Debug, Clone)]
pub struct Park {
    /// The job's `wakes` before its state was read; another count means that something has happened meanwhile.
    pub seen: i32,
    pub due_at: DateTime<Utc>,
    pub waits: Vec<Wait>,
}

/// The run is handed back unharmed.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// As of a park: a release that is repeated after a lost answer must not take a run that was claimed again.
    pub seen: i32,
    pub due_at: DateTime<Utc>,
}

/// What became of one [`RunWrite`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    Stored,
    /// Not parked or handed back, or somebody else's checkpoint was there first: load the run again.
    ReadAgain,
    /// The run is not ours any more; drop it.
    Lost,
    /// The database will never take this; the run fails with this text.
    Refused(&'static str),
    /// Too heavy for the database right now; hand the run back.
    TooHeavy,
}

/// A checkpoint as its row, encoded by the run's own task so that the committer only copies.
#[derive(Debug, Clone)]
pub struct CheckpointRow {
    path: String,
    attempt: i32,
    status: &'static str,
    output: Option<String>,
    error: Option<String>,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
}

/// A run's end as its row.
#[derive(Debug, Clone)]
pub struct EndRow {
    status: &'static str,
    output: Option<String>,
    error: Option<String>,
    not_undone: Option<String>,
}

impl RunWrite {
    /// The write that stores nothing and keeps the job.
    pub fn nothing(run: RunId, claimed: i32) -> Self {
        Self {
            run,
            claimed,
            checkpoints: Vec::new(),
            announced: Vec::new(),
            routed: Vec::new(),
            settles: false,
            resets_crashes: false,
            then: Then::Keep,
        }
    }
}

impl CheckpointRow {
    /// A `log` step's checkpoint keeps its line as the output: one row for both.
    pub fn new(checkpoint: &Checkpoint, line: Option<&LogLine>) -> Self {
        let output = match line {
            Some(line) => Some(encode_line(line)),
            None => checkpoint.output.as_ref().map(ToString::to_string),
        };
        Self {
            path: checkpoint.path.clone(),
            attempt: i32::try_from(checkpoint.attempt).unwrap_or(i32::MAX),
            status: match checkpoint.status {
                CheckpointStatus::Retrying => "retrying",
                CheckpointStatus::Succeeded => "succeeded",
                CheckpointStatus::Failed => "failed",
                CheckpointStatus::Skipped => "skipped",
                CheckpointStatus::Ambiguous => "ambiguous",
            },
            output,
            error: checkpoint.error.as_ref().map(|error| json!(error).to_string()),
            started_at: checkpoint.started_at,
            finished_at: checkpoint.finished_at,
        }
    }
}

impl From<&End> for EndRow {
    fn from(end: &End) -> Self {
        Self {
            status: match end.status {
                RunStatus::Succeeded => "succeeded",
                RunStatus::Failed => "failed",
                RunStatus::Canceled => "canceled",
            },
            output: end.output.as_ref().map(ToString::to_string),
            error: end.error.as_ref().map(|error| json!(error).to_string()),
            not_undone: (!end.not_undone.is_empty()).then(|| json!(end.not_undone).to_string()),
        }
    }
}

fn encode_line(line: &LogLine) -> String {
    let level = match line.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    match &line.data {
        None => json!({ "level": level, "message": line.message }),
        Some(data) => json!({ "level": level, "message": line.message, "data": data }),
    }
    .to_string()
}

fn kind_of(wait: &Wait) -> &'static str {
    match &wait.kind {
        WaitKind::Timer => "timer",
        WaitKind::Retry => "retry",
        WaitKind::Person => "person",
        WaitKind::Event(_) => "event",
        WaitKind::Child(_) => "child",
        WaitKind::Slot { .. } => "slot",
        WaitKind::Routed { .. } => "routed",
    }
}

/// A parked run is looked at again after this long even when nothing wakes it: a lost wake-up costs an hour, not for ever.
pub const LOOK_AGAIN: Duration = Duration::from_hours(1);
