//! From the outcome of an attempt to its checkpoint, and from a checkpoint to what the unit is then.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::leaf::Leaf;
use super::{Asked, BodyEnd, Failed, Phase, Unit, Work};
use crate::flow::compute::{OUTPUT_MAX, not_evaluated, storable};
use crate::flow::known::key;
use crate::flow::list::Round;
use crate::flow::{Action, Checkpoint, CheckpointStatus, LogLine, retry};
use crate::payload::check_output;
use crate::{Body, ErrorKind, Outcome, Step, StepError};

/// How long an ambiguous step waits to be settled.
const SETTLING_MAX: Duration = Duration::from_hours(7 * 24);

type Times = (DateTime<Utc>, DateTime<Utc>);

impl Unit {
    /// What the attempt in flight came to; of any other attempt it is not wanted.
    pub fn outcome(&mut self, step: &Step, round: &mut Round<'_>, attempt: u32, outcome: Outcome, times: Times) {
        let Work::Leaf(leaf) = &mut self.body else { return };
        if !matches!(leaf, Leaf::InFlight { attempt: current, .. } if *current == attempt) {
            return;
        }
        match outcome {
            // Stopped on request, before it could matter.
            Outcome::Failed(error) if error.kind == ErrorKind::Canceled => *leaf = Leaf::Ready,
            Outcome::Done(output) => self.attempt_done(step, round, output, times),
            Outcome::Failed(error) => self.attempt_failed(step, round, error, times),
            Outcome::Ambiguous(error) => {
                self.record(round, CheckpointStatus::Ambiguous, None, Some(error), times, None);
            }
        }
    }

    pub(super) fn attempt_done(&mut self, step: &Step, round: &mut Round<'_>, output: Value, times: Times) {
        if let Err(problem) = check_output(&output, OUTPUT_MAX) {
            let message = format!("the output cannot be kept: {problem}");
            let error = StepError::new(ErrorKind::Limit, message);
            return self.record(round, CheckpointStatus::Failed, None, Some(error), times, None);
        }
        if matches!(step.body, Body::WaitForEvent(_)) {
            return self.event_arrived(step, round, output, times);
        }
        match self.shape(step, round, output) {
            Ok(output) => self.record(round, CheckpointStatus::Succeeded, Some(output), None, times, None),
            Err(error) => self.attempt_failed(step, round, *error, times),
        }
    }

    /// The event itself is kept, and shaped again when it is read: so it is known whom it belongs to.
    fn event_arrived(&mut self, step: &Step, round: &mut Round<'_>, event: Value, times: Times) {
        match self.shape(step, round, event.clone()) {
            Ok(_) => self.record(round, CheckpointStatus::Succeeded, Some(event), None, times, None),
            Err(error) => {
                let mut details = error.details.clone().unwrap_or_else(|| json!({}));
                details["event_id"] = event.get("id").cloned().unwrap_or_default();
                self.attempt_failed(step, round, StepError { details: Some(details), ..*error }, times);
            }
        }
    }

    pub(super) fn attempt_failed(&mut self, step: &Step, round: &mut Round<'_>, error: StepError, times: Times) {
        let attempt = self.attempts + 1;
        let error = StepError { step: Some(self.path.to_string()), attempt: Some(attempt), ..error };
        let (status, error) =
            if self.is_halted() { (CheckpointStatus::Failed, error) } else { self.judge(step, round, error, times) };
        self.record(round, status, None, Some(error), times, None);
    }

    /// Whether a failed attempt is repeated.
    fn judge(
        &self,
        step: &Step,
        round: &Round<'_>,
        error: StepError,
        (started_at, finished_at): Times,
    ) -> (CheckpointStatus, StepError) {
        let attempt = self.attempts + 1;
        if attempt > step.retry.max {
            return (CheckpointStatus::Failed, error);
        }
        let wanted = match &step.retry.condition {
            None => error.retryable,
            Some(condition) => match round.known.test_retry(condition, &self.env, &error) {
                Ok(wanted) => wanted,
                Err(broken) => {
                    let mut broken = not_evaluated(&broken);
                    let told =
                        |what: &str| format!("`retry.if`: {what}; the attempt had failed with: {}", error.message);
                    broken.message = told(&broken.message);
                    if let Some(details) = &mut broken.details {
                        details["reason"] = told(details["reason"].as_str().unwrap_or_default()).into();
                    }
                    return (CheckpointStatus::Failed, broken);
                }
            },
        };
        let key = key(&round.known.facts, &self.path);
        let due_at = finished_at + retry::pause(&step.retry, &key, attempt, &error);
        if wanted && retry::is_within(&step.retry, self.first_started_at.unwrap_or(started_at), due_at) {
            (CheckpointStatus::Retrying, error)
        } else {
            (CheckpointStatus::Failed, error)
        }
    }

    /// Nobody has settled it in time.
    pub(super) fn settle_ambiguous(
        &mut self,
        _step: &Step,
        round: &mut Round<'_>,
        since: DateTime<Utc>,
        error: Option<Box<StepError>>,
        now: DateTime<Utc>,
    ) {
        let why = error.map_or_else(String::new, |error| format!(": {}", error.message));
        let message = format!("it was sent, never answered, and settled by nobody within 7 days{why}");
        let error = StepError::new(ErrorKind::Ambiguous, message);
        self.record(round, CheckpointStatus::Failed, None, Some(error), (since, now), None);
    }

    pub(super) fn record(
        &mut self,
        round: &mut Round<'_>,
        status: CheckpointStatus,
        output: Option<Value>,
        error: Option<StepError>,
        (started_at, finished_at): Times,
        line: Option<LogLine>,
    ) {
        let attempt = self.attempts + 1;
        let path = self.path.to_string();
        let finished_at = round.stored.stamp(finished_at);
        let error =
            error.map(|error| storable(StepError { step: Some(path.clone()), attempt: Some(attempt), ..error }));
        let checkpoint = Checkpoint { path, attempt, status, output, error, started_at, finished_at };
        let asked = Asked { number: round.stored.ask(), checkpoint: Box::new(checkpoint.clone()) };
        self.body = Work::Leaf(Leaf::Recording(asked));
        round.actions.push(Action::Record { checkpoint, line });
    }

    /// The checkpoint that was asked for is stored. `Some` with its instant when it counts, `None` when one asked for
    /// earlier is missing.
    pub fn committed(&mut self, step: &Step, round: &mut Round<'_>, attempt: u32) -> Option<DateTime<Utc>> {
        let ((Phase::Recording(asked), _) | (_, Work::Leaf(Leaf::Recording(asked)))) = (&self.phase, &self.body) else {
            return None;
        };
        if asked.checkpoint.attempt != attempt || !round.stored.counts(asked.number, &self.path, attempt) {
            return None;
        }
        let at = asked.checkpoint.finished_at;
        if matches!(self.phase, Phase::Recording(_))
            && let Phase::Recording(asked) = std::mem::replace(&mut self.phase, Phase::Over)
        {
            self.row_stored(step, round, *asked.checkpoint);
        } else if let Work::Leaf(leaf) = &mut self.body
            && let Leaf::Recording(asked) = std::mem::replace(leaf, Leaf::Ready)
        {
            self.apply(step, round, *asked.checkpoint);
        }
        Some(at)
    }

    /// Makes a stored checkpoint, the last one of its path, count.
    pub(super) fn apply(&mut self, step: &Step, round: &mut Round<'_>, checkpoint: Checkpoint) {
        let Checkpoint { path: _, attempt, status, output, error, started_at, finished_at } = checkpoint;
        // A settled ambiguity is a further row of the same attempt's question.
        self.attempts = attempt;
        self.first_started_at.get_or_insert(started_at);
        let error = error.map(Box::new);
        let leaf = match status {
            CheckpointStatus::Retrying => {
                // Without an error it is somebody's wish, and nothing is gained by waiting.
                let key = key(&round.known.facts, &self.path);
                let pause = error.as_deref().map(|error| retry::pause(&step.retry, &key, attempt, error));
                self.turn_at = finished_at + pause.unwrap_or_default();
                Leaf::Retrying { due_at: self.turn_at, error }
            }
            CheckpointStatus::Ambiguous => {
                Leaf::Ambiguous { due_at: finished_at + SETTLING_MAX, since: finished_at, error }
            }
            CheckpointStatus::Succeeded => {
                let output = output.unwrap_or_default();
                let output = match &step.body {
                    // Its line is kept in its checkpoint, and is no output.
                    Body::Log { .. } => Value::Null,
                    Body::WaitForEvent(_) => self.shape(step, round, output.clone()).unwrap_or(output),
                    _ => output,
                };
                Leaf::Over(Box::new(BodyEnd::Done { output, shaped: true, at: finished_at }))
            }
            CheckpointStatus::Failed => {
                let none = || Box::new(StepError::new(ErrorKind::Internal, "no error was recorded"));
                let error = Arc::new(*error.unwrap_or_else(none));
                Leaf::Over(Box::new(BodyEnd::Failed(Failed { error, at: finished_at })))
            }
            CheckpointStatus::Skipped => Leaf::Over(Box::new(BodyEnd::Skipped { at: finished_at })),
        };
        self.body = Work::Leaf(leaf);
        if status == CheckpointStatus::Retrying {
            self.await_child(step, round);
            self.await_routed(round);
        }
    }
}
