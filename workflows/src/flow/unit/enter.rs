//! A unit's turn: whether it runs at all, and what its body is.

use super::{BodyEnd, Phase, Settling, Unit, Work};
use crate::flow::compute;
use crate::flow::list::Round;
use crate::flow::loops::Loop;
use crate::{ErrorKind, Step, StepError};

/// Steps that one run may execute.
const STEPS_MAX: usize = 100_000;

impl Unit {
    pub(super) fn enter(&mut self, step: &Step, round: &mut Round<'_>) {
        let ready_at = self.ready_at;
        if let Some(foreach) = step.foreach.as_ref().filter(|_| !self.is_item) {
            match Loop::new(foreach, self, round.known, round.stored) {
                Ok(mut items) => {
                    if let Some(cut) = self.halt {
                        items.halt(step, cut, round);
                    }
                    self.body = Work::Loop(Box::new(items));
                    self.phase = Phase::Body;
                }
                Err(error) => {
                    self.settle(step, Settling::Failed { error: self.named(*error), handled: None }, ready_at);
                }
            }
            return;
        }
        if step.is_container() && self.take_row(step, round) {
            return;
        }
        if let Some(condition) = &step.condition {
            match round.known.test(condition, &self.env, &self.path, ready_at) {
                Ok(true) => {}
                Ok(false) => return self.settle(step, Settling::Skipped, ready_at),
                Err(error) => return self.fail_at(step, round, compute::not_evaluated(&error), ready_at),
            }
        }
        round.known.executed += 1;
        if round.known.executed > STEPS_MAX && !self.env.cleans_up {
            let error = StepError::new(ErrorKind::Limit, format!("a run executes at most {STEPS_MAX} steps"));
            return self.fail_at(step, round, error, ready_at);
        }
        self.phase = Phase::Body;
        if step.is_container() {
            return self.open(step, round, self.turn_at);
        }
        match compute::compute(step, round.known, &self.env, &self.path, ready_at) {
            Some(end) => {
                self.attempts = self.attempts.max(1);
                self.body_over(step, round, end);
            }
            None => self.enter_leaf(step, round),
        }
    }

    pub(super) fn work(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        match &mut self.body {
            Work::None => unreachable!("a body is there once its turn has come"),
            Work::Leaf(_) => self.advance_leaf(step, round),
            Work::Block { .. } => self.advance_block(step, round),
            Work::Loop(items) => {
                let end = items.advance(step, &self.env, &self.path, round)?;
                Some(match end {
                    Ok((output, at)) => BodyEnd::Done { output, shaped: true, at },
                    Err(Some(failed)) => BodyEnd::Failed(failed),
                    Err(None) => BodyEnd::Halted { at: items.finished_at() },
                })
            }
        }
    }
}
