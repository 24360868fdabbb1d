//! The flow interpreter: from a definition and a run's checkpoints to what happens next.
//!
//! Pure: the same checkpoints give the same actions, so recovery after a crash is nothing but [`Flow::resume`]. The
//! caller carries out the actions and reports back with events; `now` only stamps what the flow records itself.

mod advance;
mod known;
mod list;
mod recomputed;
mod results;
mod retry;
mod step;
mod variables;
mod view;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::known::Known;
use self::list::List;
use self::results::Results;
pub use self::variables::evaluate_variables;
use crate::{Definition, LogLevel, Outcome, RunId, StepError};

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
    pub created_at: DateTime<Utc>,
    pub scheduled_at: Option<DateTime<Utc>>,
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

/// What the flow asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Carry out one attempt, then report [`Event::Outcome`].
    Run(RunStep),
    /// Store this, then report [`Event::Committed`]; what follows from it comes only after that.
    Record { checkpoint: Checkpoint, line: Option<LogLine> },
    /// Stop the attempt in flight of this path, if there is one; its outcome is not wanted any more.
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
    /// `run-id/path`: the same for all attempts.
    pub idempotency_key: String,
    pub timeout: Duration,
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
    /// The checkpoint of this attempt is stored.
    Committed {
        path: String,
        attempt: u32,
    },
    /// Time has passed: look at the waits.
    Time,
    /// Somebody asked for the run to be cancelled.
    Cancel,
}

/// What a run is waiting for; the earliest `due_at` decides when it has to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub path: String,
    pub attempt: u32,
    pub kind: WaitKind,
    pub due_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitKind {
    /// A `wait` step.
    Timer,
    /// The pause before another attempt.
    Retry,
    /// An ambiguous step: a person or a settling event, until the deadline.
    Person,
}

#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub status: RunStatus,
    pub output: Option<Value>,
    pub error: Option<StepError>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Succeeded,
    Failed,
    Canceled,
}

/// One step of a run as people see it, recomputed steps included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    pub path: String,
    pub name: String,
    #[serde(rename = "type")]
    pub step_type: String,
    /// `pending`, `running`, `waiting`, `retrying`, `ambiguous`, `succeeded`, `failed`, `skipped`, `canceled`.
    pub status: StepStatus,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Pending,
    Running,
    Waiting,
    Retrying,
    Ambiguous,
    Succeeded,
    Failed,
    Skipped,
    Canceled,
}

#[derive(Debug)]
pub struct Flow {
    definition: Arc<Definition>,
    known: Known,
    main: List,
    /// The document's `on_error`.
    handler: List,
    phase: Phase,
    timed_out: bool,
    unanswered: Vec<(String, u32)>,
    /// What resuming brought to light and [`Flow::next`] hands out.
    found: Vec<Action>,
}

#[derive(Debug)]
enum Phase {
    Main,
    /// The run has failed with this error, and its `on_error` steps are at work.
    OnError(Box<StepError>),
    Ended,
}

impl Flow {
    /// `checkpoints` in any order. `unanswered` are the attempts that were announced before their effect and have no
    /// checkpoint: whether they happened is not known, so they are recorded as ambiguous instead of being sent again.
    ///
    /// The flow is complete for readers at once: [`Flow::steps`] and [`Flow::waits`] need no [`Flow::next`].
    pub fn resume(
        definition: Arc<Definition>,
        facts: Arc<RunFacts>,
        checkpoints: Vec<Checkpoint>,
        unanswered: Vec<(String, u32)>,
    ) -> Self {
        let since = facts.created_at;
        let mut flow = Self {
            main: List::new(0, &definition.steps, since),
            handler: List::new(definition.steps.len(), &definition.on_error, since),
            known: Known::new(facts, Results::new(Arc::clone(&definition))),
            definition,
            phase: Phase::Main,
            timed_out: false,
            unanswered,
            found: Vec::new(),
        };
        flow.load(checkpoints);
        flow.found = flow.advance(None);
        flow
    }

    /// What to do now; call it once after [`Flow::resume`], then only [`Flow::apply`].
    pub fn next(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        let mut actions = std::mem::take(&mut self.found);
        for (path, attempt) in std::mem::take(&mut self.unanswered) {
            self.with_list(now, &mut actions, |list, round| {
                if let Some(index) = list.find_open(round.steps, &path).filter(|_| !list.halted) {
                    list.doubt(round, index, attempt);
                }
            });
        }
        actions.append(&mut self.advance(Some(now)));
        actions
    }

    /// The actions are to be taken on, in their order, before the next event is reported: one of them may give up what
    /// an earlier one began.
    pub fn apply(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Outcome { path, attempt, outcome, started_at, finished_at } => {
                self.with_list(now, &mut actions, |list, round| {
                    if let Some(index) = list.find_open(round.steps, &path) {
                        list.outcome(round, (index, attempt), outcome, (started_at, finished_at));
                    }
                });
            }
            Event::Committed { path, attempt } => {
                self.with_list(now, &mut actions, |list, round| {
                    if let Some(index) = list.find_open(round.steps, &path) {
                        list.committed(round.steps, round.known, index, attempt);
                    }
                });
            }
            Event::Time => {}
            Event::Cancel => {
                self.with_list(now, &mut actions, |list, round| list.halt(round.steps, round.actions));
                self.end(RunStatus::Canceled, None, None, &mut actions);
            }
        }
        actions.append(&mut self.advance(Some(now)));
        actions
    }

    /// What the run waits for at this moment, the earliest first; the run's own age limit is not among them.
    pub fn waits(&self) -> Vec<Wait> {
        let mut waits: Vec<Wait> = match self.phase {
            Phase::Main => self.main.waits(&self.definition.steps).collect(),
            Phase::OnError(_) => self.handler.waits(&self.definition.on_error).collect(),
            Phase::Ended => Vec::new(),
        };
        waits.sort_by_key(|wait| wait.due_at);
        waits
    }

    /// When the run is too old: its creation plus the document's `timeout`.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.known.facts.created_at + self.definition.timeout
    }

    /// All steps in the document's order, with what is known of each; those of `on_error` once it has begun. A step
    /// whose turn has come counts as running.
    pub fn steps(&self) -> Vec<StepView> {
        let main = self.main.views(&self.definition.steps, &self.known);
        let handler = self.handler.views(&self.definition.on_error, &self.known);
        let has_failed = self.known.has_failed();
        main.chain(handler.filter(|_| has_failed)).collect()
    }
}
