//! The step interpreter: from a step's turn to its checkpoint, and from a checkpoint to what the step is then.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::known::{Known, key};
use super::list::{List, State};
use super::recomputed::{OUTPUT_MAX, not_evaluated, storable};
use super::results::{StepResult, Verdict};
use super::{Action, Checkpoint, CheckpointStatus, LogLine, RunStep, retry, wait};
use crate::payload::check_output;
use crate::{Body, ErrorKind, Outcome, Step, StepError};

/// How long an ambiguous step waits to be settled.
const SETTLING_MAX: Duration = Duration::from_hours(7 * 24);
/// Of one attempt, for a step that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What one round of a flow works with.
pub(super) struct Round<'f> {
    pub steps: &'f [Step],
    pub known: &'f mut Known,
    pub now: DateTime<Utc>,
    pub actions: &'f mut Vec<Action>,
}

/// The end of an attempt, before it is recorded.
struct Ended {
    attempt: u32,
    status: CheckpointStatus,
    output: Option<serde_json::Value>,
    error: Option<StepError>,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
}

impl List {
    /// Starts what has its turn and what has waited long enough.
    pub fn start(&mut self, round: &mut Round<'_>) {
        let now = round.now;
        for index in self.first_open..self.places.len() {
            let attempt = self.places[index].attempts + 1;
            match &mut self.places[index].state {
                State::Ready => self.begin(round, index, attempt),
                State::Retrying { due_at, .. } if *due_at <= now => self.begin(round, index, attempt),
                State::Waiting { attempt, since, due_at } if *due_at <= now => {
                    let (attempt, since) = (*attempt, *since);
                    self.end_wait(round, index, attempt, since);
                }
                State::Ambiguous { due_at, since, error } if *due_at <= now => {
                    let (since, error) = (*since, error.take());
                    self.give_up(round, index, since, error);
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, round: &mut Round<'_>, index: usize, attempt: u32) {
        let steps = round.steps;
        let (step, now) = (&steps[index], round.now);
        let ready_at = self.ready_at(steps, round.known, index);
        let begun = match &step.body {
            Body::Work { step_type, config } => round.known.render(config, &step.id, ready_at).map(|config| {
                let run = RunStep {
                    path: step.id.clone(),
                    attempt,
                    step_type: step_type.clone(),
                    config,
                    idempotency_key: key(&round.known.facts, &step.id),
                    timeout: step.timeout.unwrap_or(TIMEOUT_DEFAULT),
                };
                round.actions.push(Action::Run(run));
                self.places[index].state = State::InFlight { attempt, started_at: now };
            }),
            Body::Log { message, level, data } => {
                let message = round.known.render_text(message, &step.id, ready_at);
                let data = data.as_ref().map(|data| round.known.render(data, &step.id, ready_at)).transpose();
                message.and_then(|message| Ok((message, data?))).map(|(message, data)| {
                    self.log(round, index, attempt, LogLine { level: *level, message, data });
                })
            }
            Body::Wait(wait) => {
                match wait::due_at(wait, round.known, &step.id, ready_at) {
                    Ok(due_at) if due_at <= now => self.end_wait(round, index, attempt, ready_at),
                    Ok(due_at) => self.places[index].state = State::Waiting { attempt, since: ready_at, due_at },
                    Err(error) => self.fail(round, index, attempt, *error),
                }
                Ok(())
            }
            Body::Value(_) | Body::Return(_) | Body::Fail { .. } => unreachable!("computed when the list settled"),
        };
        if let Err(error) = begun {
            self.fail(round, index, attempt, not_evaluated(&error));
        }
    }

    fn log(&mut self, round: &mut Round<'_>, index: usize, attempt: u32, line: LogLine) {
        let data = line.data.as_ref().map_or(Ok(()), |data| check_output(data, OUTPUT_MAX));
        if let Err(problem) = data.and(check_output(&json!(line.message), OUTPUT_MAX)) {
            let message = format!("the line cannot be kept: {problem}");
            self.fail(round, index, attempt, StepError::new(ErrorKind::Limit, message));
            return;
        }
        let (started_at, finished_at) = (round.now, round.now);
        let status = CheckpointStatus::Succeeded;
        let ended = Ended { attempt, status, output: None, error: None, started_at, finished_at };
        self.record(round, index, ended, Some(line));
    }

    fn end_wait(&mut self, round: &mut Round<'_>, index: usize, attempt: u32, since: DateTime<Utc>) {
        let waited_ms = (round.now - since).num_milliseconds().max(0);
        let ended = Ended {
            attempt,
            status: CheckpointStatus::Succeeded,
            output: Some(json!({ "waited_ms": waited_ms })),
            error: None,
            started_at: since,
            finished_at: round.now.max(since),
        };
        self.record(round, index, ended, None);
    }

    /// Nobody settled the step in time.
    fn give_up(&mut self, round: &mut Round<'_>, index: usize, since: DateTime<Utc>, error: Option<Box<StepError>>) {
        let attempt = self.places[index].attempts + 1;
        let cause = error.map_or_else(String::new, |error| format!(": {}", error.message));
        let message = format!("whether the step had its effect was not settled within 7 days{cause}");
        let error = StepError::new(ErrorKind::Ambiguous, message);
        self.fail_since(round, index, attempt, since, error);
    }

    fn fail(&mut self, round: &mut Round<'_>, index: usize, attempt: u32, error: StepError) {
        self.fail_since(round, index, attempt, round.now, error);
    }

    fn fail_since(
        &mut self,
        round: &mut Round<'_>,
        index: usize,
        attempt: u32,
        started_at: DateTime<Utc>,
        error: StepError,
    ) {
        let ended = Ended {
            attempt,
            status: CheckpointStatus::Failed,
            output: None,
            error: Some(error),
            started_at,
            finished_at: round.now,
        };
        self.record(round, index, ended, None);
    }

    /// An attempt that was announced and left no checkpoint: whether it had its effect is not known.
    pub fn doubt(&mut self, round: &mut Round<'_>, index: usize, attempt: u32) {
        let place = &self.places[index];
        if attempt != place.attempts + 1 || !matches!(place.state, State::Ready | State::Retrying { .. }) {
            return;
        }
        let message = "the worker was lost after it had begun, and no answer was recorded";
        let (started_at, finished_at) = (round.now, round.now);
        let error = Some(StepError::new(ErrorKind::Ambiguous, message));
        let status = CheckpointStatus::Ambiguous;
        let ended = Ended { attempt, status, output: None, error, started_at, finished_at };
        self.record(round, index, ended, None);
    }

    /// What the attempt in flight came to; of any other attempt it is not wanted.
    pub fn outcome(
        &mut self,
        round: &mut Round<'_>,
        (index, attempt): (usize, u32),
        outcome: Outcome,
        (started_at, finished_at): (DateTime<Utc>, DateTime<Utc>),
    ) {
        if !matches!(self.places[index].state, State::InFlight { attempt: current, .. } if current == attempt) {
            return;
        }
        let step = &round.steps[index];
        let (status, output, error) = match outcome {
            Outcome::Done(output) => match check_output(&output, OUTPUT_MAX) {
                Ok(()) => (CheckpointStatus::Succeeded, Some(output), None),
                Err(problem) => {
                    let message = format!("the output cannot be kept: {problem}");
                    (CheckpointStatus::Failed, None, Some(StepError::new(ErrorKind::Limit, message)))
                }
            },
            Outcome::Ambiguous(error) => (CheckpointStatus::Ambiguous, None, Some(error)),
            Outcome::Failed(error) => {
                let error = StepError { step: Some(step.id.clone()), attempt: Some(attempt), ..error };
                let first_started_at = self.places[index].first_started_at.unwrap_or(started_at);
                let (status, error) = judge(step, round.known, error, (first_started_at, finished_at));
                (status, None, Some(error))
            }
        };
        self.record(round, index, Ended { attempt, status, output, error, started_at, finished_at }, None);
    }

    fn record(&mut self, round: &mut Round<'_>, index: usize, ended: Ended, line: Option<LogLine>) {
        let step = &round.steps[index];
        let Ended { attempt, status, output, error, started_at, finished_at } = ended;
        let error =
            error.map(|error| storable(StepError { step: Some(step.id.clone()), attempt: Some(attempt), ..error }));
        let checkpoint = Checkpoint { path: step.id.clone(), attempt, status, output, error, started_at, finished_at };
        self.places[index].state = State::Recording(Box::new(checkpoint.clone()));
        round.actions.push(Action::Record { checkpoint, line });
    }

    /// The checkpoint that was asked for is stored: now it counts.
    pub fn committed(&mut self, steps: &[Step], known: &mut Known, index: usize, attempt: u32) {
        let state = &mut self.places[index].state;
        if matches!(state, State::Recording(checkpoint) if checkpoint.attempt == attempt)
            && let State::Recording(checkpoint) = std::mem::take(state)
        {
            self.apply(steps, known, index, *checkpoint);
        }
    }

    /// Makes a stored checkpoint, the last one of its step, count.
    pub fn apply(&mut self, steps: &[Step], known: &mut Known, index: usize, checkpoint: Checkpoint) {
        let Checkpoint { path: _, attempt, status, output, error, started_at, finished_at } = checkpoint;
        let step = &steps[index];
        let place = &mut self.places[index];
        place.attempts = attempt;
        let first_started_at = *place.first_started_at.get_or_insert(started_at);
        let error = error.map(Box::new);
        let verdict = match status {
            CheckpointStatus::Retrying => {
                // Without an error it is somebody's wish, and nothing is gained by waiting.
                let key = key(&known.facts, &step.id);
                let pause = error.as_deref().map(|error| retry::pause(&step.retry, &key, attempt, error));
                place.state = State::Retrying { due_at: finished_at + pause.unwrap_or_default(), error };
                return;
            }
            CheckpointStatus::Ambiguous => {
                place.state = State::Ambiguous { due_at: finished_at + SETTLING_MAX, since: finished_at, error };
                return;
            }
            CheckpointStatus::Succeeded => Verdict::Succeeded,
            CheckpointStatus::Failed => Verdict::Failed,
            CheckpointStatus::Skipped => Verdict::Skipped,
        };
        let error = (verdict == Verdict::Failed).then(|| {
            error.map_or_else(|| StepError::new(ErrorKind::Internal, "no error was recorded"), |error| *error)
        });
        let times = (first_started_at, finished_at);
        // The line of a `log` is kept in its checkpoint, and is no output.
        let output = output.filter(|_| !matches!(step.body, Body::Log { .. })).unwrap_or_default();
        let result = StepResult::new(verdict, output, attempt, times);
        self.end(step, known, index, StepResult { error, ..result });
    }
}

/// Whether a failed attempt is repeated.
fn judge(
    step: &Step,
    known: &Known,
    error: StepError,
    (first_started_at, finished_at): (DateTime<Utc>, DateTime<Utc>),
) -> (CheckpointStatus, StepError) {
    let attempt = error.attempt.unwrap_or(1);
    if attempt > step.retry.max {
        return (CheckpointStatus::Failed, error);
    }
    let wanted = match &step.retry.condition {
        None => error.retryable,
        Some(condition) => match known.test_retry(condition, &error) {
            Ok(wanted) => wanted,
            Err(broken) => {
                let broken = not_evaluated(&broken);
                let message = format!("`retry.if`: {}; the attempt had failed with: {}", broken.message, error.message);
                return (CheckpointStatus::Failed, StepError { message, ..broken });
            }
        },
    };
    let due_at = finished_at + retry::pause(&step.retry, &key(&known.facts, &step.id), attempt, &error);
    if wanted && retry::is_within(&step.retry, first_started_at, due_at) {
        (CheckpointStatus::Retrying, error)
    } else {
        (CheckpointStatus::Failed, error)
    }
}
