//! Bodies that are lists of steps: blocks and the arms of a `switch`, repeated as a whole when the step says so.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{BodyEnd, Failed, Phase, Settled, Settling, Unit, Work};
use crate::flow::known::{Env, key};
use crate::flow::list::{Cut, List, ListEnd, Round};
use crate::flow::{Checkpoint, CheckpointStatus, compute, retry};
use crate::{Body, ErrorKind, Step, StepError};

impl Unit {
    /// Takes what is stored of the block as a whole; true when nothing inside has to be known again.
    pub(super) fn take_row(&mut self, step: &Step, round: &mut Round<'_>) -> bool {
        let Some(last) = round.stored.take(&self.path) else { return false };
        self.first_started_at = Some(last.first_started_at);
        self.traced = true;
        let is_over = matches!(last.checkpoint.status, CheckpointStatus::Succeeded | CheckpointStatus::Failed);
        self.has_row = is_over;
        if let Some((_, noted)) = &last.repeated {
            self.undo.take_over(noted, round.known);
        }
        if is_over && step.number.undoable {
            self.attempts = last.checkpoint.attempt - 1;
            self.turn_at = last.checkpoint.started_at;
            self.row = Some(Box::new(settled_as(last.checkpoint)));
            return false;
        }
        self.phase = Phase::Ahead(Box::new(last));
        true
    }

    /// The row counts now.
    pub(super) fn take_over(&mut self, step: &Step, round: &mut Round<'_>, row: Checkpoint) {
        if row.status == CheckpointStatus::Retrying {
            self.attempts = row.attempt;
            self.phase = self.pause(step, round, row.error.map(Box::new), row.finished_at);
            return;
        }
        self.attempts = row.attempt - 1;
        self.settled = Some(Box::new(settled_as(row)));
        self.phase = Phase::Over;
    }

    /// What its row says is the end: nothing inside goes on beyond that.
    pub(super) fn cut_replay(&mut self, step: &Step, round: &mut Round<'_>) -> Option<()> {
        let at = self.row.as_ref()?.at;
        if round.now < at || self.halt.is_some_and(|halt| halt <= Cut::at(at)) {
            return None;
        }
        self.halt(step, Cut::at(at), round);
        Some(())
    }

    pub(super) fn repeat(&mut self, step: &Step, round: &mut Round<'_>, since: DateTime<Utc>) {
        self.turn_at = since;
        self.phase = Phase::Body;
        self.open(step, round, since);
    }

    pub(super) fn open(&mut self, step: &Step, round: &mut Round<'_>, since: DateTime<Utc>) {
        self.first_started_at.get_or_insert(since);
        let env = Env { prefix: self.prefix(step), alias: None, ..self.env.clone() };
        let (steps, arm, at_once) = match &step.body {
            Body::Block { steps, at_once, .. } => (steps.as_slice(), 0, *at_once),
            Body::Switch(arms) => {
                let mut chosen = None;
                for (place, arm) in arms.iter().enumerate() {
                    let holds = match &arm.condition {
                        None => Ok(true),
                        Some(condition) => round.known.test(condition, &self.env, &self.path, since),
                    };
                    match holds {
                        Ok(true) => {
                            chosen = Some(place);
                            break;
                        }
                        Ok(false) => {}
                        Err(error) => return self.fail_at(step, round, compute::not_evaluated(&error), since),
                    }
                }
                let Some(place) = chosen else { return self.settle(step, Settling::Skipped, since) };
                (arms[place].steps.as_slice(), place, None)
            }
            _ => unreachable!("only blocks are opened"),
        };
        let env = match step.timeout {
            Some(timeout) => env.until(since + timeout),
            None => env,
        };
        let mut list = List::new(env, steps, since, at_once);
        if let Some(cut) = self.halt {
            list.halt(cut);
        }
        self.body = Work::Block { list: Box::new(list), arm };
    }

    pub(super) fn advance_block(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        let Work::Block { list, arm } = &mut self.body else { unreachable!("this body is a block") };
        let steps = steps_of(step, *arm);
        let deadline = step.timeout.map(|timeout| list.since + timeout);
        if let Some(deadline) = deadline.filter(|deadline| *deadline <= round.now) {
            list.halt(Cut::at(deadline));
            round.stored.pass(deadline);
        }
        let end = list.advance(steps, round)?;
        let at = list.finished_at(steps, round.known);
        let halted_at = self.halt.map(|halt| halt.at);
        // What was over in time counts, whenever that became known.
        if let Some(deadline) = deadline.filter(|deadline| halted_at.is_none_or(|halt| *deadline < halt))
            && (deadline < at || matches!(end, ListEnd::Halted))
        {
            let error = StepError::new(ErrorKind::Timeout, "the block took longer than its `timeout`").retryable();
            let error = Arc::new(self.named(error));
            return Some(BodyEnd::Failed(Failed { error, at: at.max(deadline) }));
        }
        Some(match end {
            ListEnd::Done => {
                let by_id = matches!(step.body, Body::Block { parallel: true, .. });
                BodyEnd::Done { output: list.output(steps, round.known, by_id), shaped: false, at }
            }
            ListEnd::Failed(error) => BodyEnd::Failed(Failed { error: Arc::new(*error), at }),
            ListEnd::Returned(value) => BodyEnd::Returned { value, at },
            ListEnd::Halted => BodyEnd::Halted { at },
        })
    }

    /// Whether a failed block is repeated; if so that is to be stored first.
    pub(super) fn repeats(&mut self, step: &Step, round: &Round<'_>, failed: &Failed) -> bool {
        let attempt = self.attempts + 1;
        if self.row.is_some() || attempt > step.retry.max {
            return false;
        }
        let wanted = match &step.retry.condition {
            None => failed.error.retryable,
            Some(condition) => round.known.test_retry(condition, &self.env, &failed.error).unwrap_or(false),
        };
        let started_at = self.first_started_at.unwrap_or(self.ready_at);
        let pause = retry::pause(&step.retry, &key(&round.known.facts, &self.path), attempt, &failed.error);
        if !wanted || !retry::is_within(&step.retry, started_at, failed.at + pause) {
            return false;
        }
        self.phase = Phase::Unrecorded(Box::new(Checkpoint {
            path: self.path.to_string(),
            attempt,
            status: CheckpointStatus::Retrying,
            output: self.note_undone(step),
            error: Some(StepError::clone(&failed.error)),
            started_at: self.turn_at,
            finished_at: failed.at,
        }));
        true
    }

    /// Without an error it is somebody's wish, and nothing is gained by waiting.
    fn pause(&self, step: &Step, round: &Round<'_>, error: Option<Box<StepError>>, since: DateTime<Utc>) -> Phase {
        let key = key(&round.known.facts, &self.path);
        let pause = error.as_deref().map(|error| retry::pause(&step.retry, &key, self.attempts, error));
        Phase::Pause { since, due_at: since + pause.unwrap_or_default(), error }
    }

    /// The row of a block or of an item is stored, or need not be waited for. What it puts an end to is not known to a resumed flow either.
    pub(super) fn row_stored(&mut self, step: &Step, round: &mut Round<'_>, checkpoint: Checkpoint) {
        self.traced = true;
        let Checkpoint { attempt, status, error, finished_at, .. } = checkpoint;
        if status == CheckpointStatus::Retrying {
            self.attempts = attempt;
            self.body = Work::None;
            self.undo.forget_body();
            let slots = step.number.slot + 1..step.number.slot + step.number.slots;
            round.known.rooms.clear(self.env.room, slots);
            self.phase = self.pause(step, round, error.map(Box::new), finished_at);
        } else {
            self.has_row = true;
            self.last = None;
            self.phase = Phase::Over;
        }
    }
}

fn settled_as(row: Checkpoint) -> Settled {
    let Checkpoint { status, output, error, finished_at, .. } = row;
    let outcome = match status {
        CheckpointStatus::Succeeded => Settling::Succeeded { output: output.unwrap_or_default(), items: Vec::new() },
        CheckpointStatus::Failed => Settling::Failed {
            error: error.unwrap_or_else(|| StepError::new(ErrorKind::Internal, "no error was recorded")),
            handled: output,
        },
        CheckpointStatus::Retrying | CheckpointStatus::Skipped | CheckpointStatus::Ambiguous => Settling::Skipped,
    };
    Settled { outcome, at: finished_at }
}

/// The steps of a block, or of the arm that was chosen.
pub(crate) fn steps_of(step: &Step, arm: usize) -> &[Step] {
    match &step.body {
        Body::Block { steps, .. } => steps,
        Body::Switch(arms) => &arms[arm].steps,
        _ => &[],
    }
}
