//! From the outcome of an attempt to its checkpoint, and from a checkpoint to what the unit is then.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::leaf::Leaf;
use super::{BodyEnd, Failed, Phase, Unit, Work};
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
        match self.shape(step, round, output) {
            Ok(output) => self.record(round, CheckpointStatus::Succeeded, Some(output), None, times, None),
            Err(error) => self.attempt_failed(step, round, *error, times),
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
                    let broken = not_evaluated(&broken);
                    let message =
                        format!("`retry.if`: {}; the attempt had failed with: {}", broken.message, error.message);
                    return (CheckpointStatus::Failed, StepError { message, ..broken });
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
        let error =
            error.map(|error| storable(StepError { step: Some(path.clone()), attempt: Some(attempt), ..error }));
        let checkpoint = Checkpoint { path, attempt, status, output, error, started_at, finished_at };
        self.body = Work::Leaf(Leaf::Recording(Box::new(checkpoint.clone())));
        round.actions.push(Action::Record { checkpoint, line });
    }

    /// The checkpoint that was asked for is stored: now it counts.
    pub fn committed(&mut self, step: &Step, round: &mut Round<'_>, attempt: u32) {
        if let Phase::Recording(checkpoint) = &mut self.phase {
            if checkpoint.attempt == attempt {
                let checkpoint = std::mem::replace(&mut **checkpoint, super::nothing());
                self.row_stored(step, round, checkpoint);
            }
            return;
        }
        let Work::Leaf(leaf) = &mut self.body else { return };
        if matches!(leaf, Leaf::Recording(checkpoint) if checkpoint.attempt == attempt)
            && let Leaf::Recording(checkpoint) = std::mem::replace(leaf, Leaf::Ready)
        {
            self.apply(step, round, *checkpoint);
        }
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
                Leaf::Retrying { due_at: finished_at + pause.unwrap_or_default(), error }
            }
            CheckpointStatus::Ambiguous => {
                Leaf::Ambiguous { due_at: finished_at + SETTLING_MAX, since: finished_at, error }
            }
            CheckpointStatus::Succeeded => {
                Self::consume(step, round, output.as_ref());
                // The line of a `log` is kept in its checkpoint, and is no output.
                let output = output.filter(|_| !matches!(step.body, Body::Log { .. })).unwrap_or_default();
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
    }
}
