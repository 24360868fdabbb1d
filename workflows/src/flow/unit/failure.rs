//! From the end of a body to what follows: `expect` and `output`, undo, another attempt, the handler.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::Value as Readable;
use serde_json::Value;

use super::{BodyEnd, Failed, Phase, Settling, Unit, Work};
use crate::flow::compute;
use crate::flow::known::Env;
use crate::flow::list::{Cut, List, Round};
use crate::payload::check_output;
use crate::{Body, ErrorKind, EvaluationError, OnError, Step, StepError};

impl Unit {
    pub(super) fn body_over(&mut self, step: &Step, round: &mut Round<'_>, end: BodyEnd) {
        match end {
            BodyEnd::Done { output, shaped, at } => {
                let shaped = if shaped { Ok(output) } else { self.shape(step, round, output) };
                match shaped {
                    Ok(output) => {
                        let items = match &mut self.body {
                            Work::Loop(items) => items.take_results(),
                            Work::None | Work::Leaf(_) | Work::Block { .. } => Vec::new(),
                        };
                        self.settle(step, Settling::Succeeded { output, items }, at);
                    }
                    Err(error) => self.fail_at(step, round, *error, at),
                }
            }
            BodyEnd::Failed(failed) => self.fail(step, round, failed),
            BodyEnd::Returned { value, at } => self.settle(step, Settling::Returned(value), at),
            BodyEnd::Skipped { at } => self.settle(step, Settling::Skipped, at),
            BodyEnd::Halted { at } => self.settle(step, Settling::Canceled, at),
        }
    }

    pub(super) fn fail_at(&mut self, step: &Step, round: &mut Round<'_>, error: StepError, at: DateTime<Utc>) {
        let error = Arc::new(compute::storable(self.named(error)));
        self.fail(step, round, Failed { error, at });
    }

    fn fail(&mut self, step: &Step, round: &mut Round<'_>, failed: Failed) {
        // A loop's items undo themselves; what had finished before them is undone by what encloses the loop.
        let undoes = step.number.undoable && step.is_container() && !self.is_loop(step);
        if undoes || self.may_have_happened(step, &failed.error) {
            self.phase = Phase::Undo(failed);
        } else {
            self.after_failure(step, round, failed);
        }
    }

    /// Sent, never answered, and settled by nobody: it is undone as if it had succeeded.
    pub(super) fn may_have_happened(&self, step: &Step, error: &StepError) -> bool {
        matches!(step.body, Body::Work { .. })
            && !self.is_loop(step)
            && step.compensate.is_some()
            && error.kind == ErrorKind::Ambiguous
    }

    /// Another attempt of a block, else the handler, else the error climbs.
    pub(super) fn after_failure(&mut self, step: &Step, round: &mut Round<'_>, failed: Failed) {
        // The handler of a loop is that of its items.
        let is_loop = self.is_loop(step);
        let too_late = self.halt.is_some_and(|halt| halt < Cut { at: failed.at, slot: step.number.slot });
        if !is_loop && !too_late && step.is_container() && self.repeats(step, round, &failed) {
            return;
        }
        let on_error = if is_loop { &OnError::Fail } else { &step.on_error };
        let error = || StepError::clone(&failed.error);
        match on_error {
            // What is stored of the handler had its turn, whatever is known by now.
            OnError::Steps(steps) if !too_late || self.has_stored(step, steps, round) => {
                let env = Env { prefix: self.prefix(step), ..self.env.handling(&failed.error) };
                let mut list = List::new(env, steps, failed.at, None);
                if let Some(cut) = self.halt {
                    list.halt(cut);
                }
                self.handler = Some(list);
                self.phase = Phase::Handler(failed);
            }
            OnError::Continue => {
                self.settle(step, Settling::Failed { error: error(), handled: Some(Value::Null) }, failed.at);
            }
            OnError::Fail | OnError::Steps(_) => {
                self.settle(step, Settling::Failed { error: error(), handled: None }, failed.at);
            }
        }
    }

    fn has_stored(&self, step: &Step, handler: &[Step], round: &Round<'_>) -> bool {
        let prefix = self.prefix(step);
        handler.iter().any(|inner| round.stored.has_trace(inner, &prefix))
    }

    /// `expect` and `output`, over what the body gave.
    pub(super) fn shape(&self, step: &Step, round: &Round<'_>, output: Value) -> Result<Value, Box<StepError>> {
        if step.expect.is_none() && step.output.is_none() {
            return Ok(output);
        }
        let broken = |error: EvaluationError| Box::new(compute::not_evaluated(&error));
        let readable: Readable = crate::expression::from_json(&output);
        if let Some(expect) = &step.expect
            && !round.known.test_output(expect, &self.env, &readable).map_err(broken)?
        {
            let message = format!("the output is not what `expect` wants: {}", expect.source().trim());
            return Err(Box::new(StepError::new(ErrorKind::Expectation, message).retryable()));
        }
        let Some(template) = &step.output else { return Ok(output) };
        let shaped = round.known.shape(template, &self.env, &self.path, self.ready_at, &readable).map_err(broken)?;
        match check_output(&shaped, compute::OUTPUT_MAX) {
            Ok(()) => Ok(shaped),
            Err(problem) => {
                let message = format!("the output cannot be kept: {problem}");
                Err(Box::new(StepError::new(ErrorKind::Limit, message)))
            }
        }
    }
}
