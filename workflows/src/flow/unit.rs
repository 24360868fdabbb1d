//! One step of one run, or one item of a `foreach`: from its turn to its end.
//!
//! A unit goes through phases: its body, and after a failure the undo of what the body had finished, another attempt,
//! the handler; at every end its `finally`. What is stored of it is taken over when its turn comes.

mod block;
mod find;
mod leaf;
mod outcome;
mod undo;

pub(super) use self::block::steps_of;
pub(super) use self::leaf::{Leaf, Listening};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::Value as Readable;
use serde_json::Value;

use super::compute;
use super::known::Env;
use super::list::{Cut, List, ListEnd, Round};
use super::loops::Loop;
use super::rooms::{ItemResult, StepResult, Verdict};
use super::{Action, Checkpoint, CheckpointStatus};
use crate::payload::check_output;
use crate::{ErrorKind, EvaluationError, OnError, Step, StepError};

/// Steps that one run may execute.
const STEPS_MAX: usize = 100_000;

#[derive(Debug)]
pub(super) struct Unit {
    pub env: Env,
    pub path: Box<str>,
    /// It is one item of a loop.
    pub is_item: bool,
    pub ready_at: DateTime<Utc>,
    /// The number of the last attempt that has a checkpoint.
    pub attempts: u32,
    pub first_started_at: Option<DateTime<Utc>>,
    pub phase: Phase,
    pub body: Work,
    pub handler: Option<List>,
    /// `finally`.
    pub last: Option<List>,
    halt: Option<Cut>,
    settled: Option<Box<Settled>>,
    /// Its row is stored already.
    has_row: bool,
    undo: undo::Undo,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Its turn has come.
    New,
    Body,
    /// The body has failed; what it had finished is being undone.
    Undo(Failed),
    /// The pause before a block is repeated.
    Pause {
        due_at: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    Handler(Failed),
    Finally,
    /// To be stored before anything follows from it.
    Unrecorded(Box<Checkpoint>),
    Recording(Box<Checkpoint>),
    Over,
}

#[derive(Debug)]
pub(super) enum Work {
    None,
    Leaf(Leaf),
    Block { list: List, arm: usize },
    Loop(Box<Loop>),
}

#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub error: Arc<StepError>,
    pub at: DateTime<Utc>,
}

/// How a body came to its end.
#[derive(Debug)]
pub(super) enum BodyEnd {
    /// `shaped`: `expect` and `output` have been looked at.
    Done {
        output: Value,
        shaped: bool,
        at: DateTime<Utc>,
    },
    Failed(Failed),
    Returned {
        value: Value,
        at: DateTime<Utc>,
    },
    Skipped {
        at: DateTime<Utc>,
    },
    Halted,
}

/// How a unit came to its end.
#[derive(Debug)]
pub(super) enum Ended {
    Over(StepResult),
    /// It ends the run as succeeded.
    Returned(StepResult),
    Canceled,
}

/// What a unit has come to, while its `finally` is at work.
#[derive(Debug)]
struct Settled {
    outcome: Settling,
    at: DateTime<Utc>,
}

#[derive(Debug)]
enum Settling {
    Succeeded { output: Value, items: Vec<ItemResult> },
    Skipped,
    Failed { error: StepError, handled: Option<Value> },
    Returned(Value),
    Canceled,
}

impl Unit {
    pub fn new(step: &Step, env: Env, ready_at: DateTime<Utc>) -> Self {
        let path = match &env.alias {
            Some(alias) => Box::from(&**alias),
            None if env.prefix.is_empty() => Box::from(step.id.as_str()),
            None => format!("{}{}", env.prefix, step.id).into_boxed_str(),
        };
        Self::at(path, env, ready_at, false)
    }

    /// One item of the loop that `env` stands in.
    pub fn item(path: Box<str>, env: Env, ready_at: DateTime<Utc>) -> Self {
        Self::at(path, env, ready_at, true)
    }

    fn at(path: Box<str>, env: Env, ready_at: DateTime<Utc>, is_item: bool) -> Self {
        Self {
            env,
            path,
            is_item,
            ready_at,
            attempts: 0,
            first_started_at: None,
            phase: Phase::New,
            body: Work::None,
            handler: None,
            last: None,
            halt: None,
            settled: None,
            has_row: false,
            undo: undo::Undo::default(),
        }
    }

    /// Goes on as far as it can; says how it ended once nothing of it is at work any more.
    pub fn advance(&mut self, step: &Step, round: &mut Round<'_>) -> Option<Ended> {
        loop {
            match &mut self.phase {
                Phase::New => self.enter(step, round),
                Phase::Body => {
                    let end = self.work(step, round)?;
                    self.body_over(step, round, end);
                }
                Phase::Undo(failed) => {
                    let failed = failed.clone();
                    let at = self.undo_inside(step, failed.at, round)?;
                    self.after_failure(step, round, Failed { at, ..failed });
                }
                Phase::Pause { due_at, .. } => {
                    let due_at = *due_at;
                    if self.halt.is_some() {
                        self.settle(step, Settling::Canceled, due_at);
                    } else if round.now.is_some_and(|now| due_at <= now) {
                        self.repeat(step, round, due_at);
                    } else {
                        return None;
                    }
                }
                Phase::Handler(failed) => {
                    let failed = failed.clone();
                    let list = self.handler.as_mut().expect("the handler is at work");
                    let steps = handler(step);
                    let end = list.advance(steps, round)?;
                    let at = list.finished_at(steps, round.known);
                    let settling = match end {
                        ListEnd::Done => {
                            let output = list.output(steps, round.known, false);
                            Settling::Failed { error: StepError::clone(&failed.error), handled: Some(output) }
                        }
                        ListEnd::Failed(error) => Settling::Failed { error: *error, handled: None },
                        ListEnd::Returned(value) => Settling::Returned(value),
                        ListEnd::Halted => Settling::Canceled,
                    };
                    self.settle(step, settling, at);
                }
                Phase::Finally => {
                    let list = self.last.as_mut().expect("`finally` is at work");
                    let end = list.advance(&step.finally, round)?;
                    let at = list.finished_at(&step.finally, round.known);
                    self.finally_over(step, end, at);
                }
                Phase::Unrecorded(checkpoint) => {
                    round.now?;
                    let checkpoint = std::mem::replace(&mut **checkpoint, nothing());
                    round.actions.push(Action::Record { checkpoint: checkpoint.clone(), line: None });
                    self.phase = Phase::Recording(Box::new(checkpoint));
                    return None;
                }
                Phase::Recording(_) => return None,
                Phase::Over => return Some(self.ended(step)),
            }
        }
    }

    fn enter(&mut self, step: &Step, round: &mut Round<'_>) {
        let ready_at = self.ready_at;
        if let Some(foreach) = step.foreach.as_ref().filter(|_| !self.is_item) {
            match Loop::new(foreach, self, round.known) {
                Ok(items) => {
                    self.body = Work::Loop(Box::new(items));
                    self.phase = Phase::Body;
                }
                Err(error) => {
                    self.settle(step, Settling::Failed { error: self.named(*error), handled: None }, ready_at)
                }
            }
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
        if round.known.executed > STEPS_MAX {
            let error = StepError::new(ErrorKind::Limit, format!("a run executes at most {STEPS_MAX} steps"));
            return self.fail_at(step, round, error, ready_at);
        }
        self.phase = Phase::Body;
        if step.is_container() {
            return self.enter_block(step, round);
        }
        match compute::compute(step, round.known, &self.env, &self.path, ready_at) {
            Some(end) => {
                self.attempts = self.attempts.max(1);
                self.body_over(step, round, end);
            }
            None => self.enter_leaf(step, round),
        }
    }

    fn work(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        match &mut self.body {
            Work::None => unreachable!("a body is there once its turn has come"),
            Work::Leaf(_) => self.advance_leaf(step, round),
            Work::Block { .. } => self.advance_block(step, round),
            Work::Loop(items) => {
                let end = items.advance(step, &self.env, &self.path, round)?;
                Some(match end {
                    Ok((output, at)) => BodyEnd::Done { output, shaped: true, at },
                    Err(Some(failed)) => BodyEnd::Failed(failed),
                    Err(None) => BodyEnd::Halted,
                })
            }
        }
    }

    fn body_over(&mut self, step: &Step, round: &mut Round<'_>, end: BodyEnd) {
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
            BodyEnd::Halted => self.settle(step, Settling::Canceled, self.ready_at),
        }
    }

    fn fail_at(&mut self, step: &Step, round: &mut Round<'_>, error: StepError, at: DateTime<Utc>) {
        let error = Arc::new(compute::storable(self.named(error)));
        self.fail(step, round, Failed { error, at });
    }

    fn fail(&mut self, step: &Step, round: &mut Round<'_>, failed: Failed) {
        // A loop's items undo themselves; what had finished before them is undone by what encloses the loop.
        if step.number.undoable && step.is_container() && !self.is_loop(step) {
            self.phase = Phase::Undo(failed);
        } else {
            self.after_failure(step, round, failed);
        }
    }

    /// Another attempt of a block, else the handler, else the error climbs.
    fn after_failure(&mut self, step: &Step, round: &mut Round<'_>, failed: Failed) {
        // The handler of a loop is that of its items.
        let is_loop = self.is_loop(step);
        if !is_loop && step.is_container() && self.repeats(step, round, &failed) {
            return;
        }
        let on_error = if is_loop { &OnError::Fail } else { &step.on_error };
        let too_late = self.halt.is_some_and(|halt| halt < Cut { at: failed.at, slot: step.number.slot });
        let error = || StepError::clone(&failed.error);
        match on_error {
            OnError::Steps(steps) if !too_late => {
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

    /// `expect` and `output`, over what the body gave.
    fn shape(&self, step: &Step, round: &Round<'_>, output: Value) -> Result<Value, Box<StepError>> {
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

    fn settle(&mut self, step: &Step, outcome: Settling, at: DateTime<Utc>) {
        let begun = !matches!(outcome, Settling::Skipped) && !self.is_loop(step);
        if begun && !step.finally.is_empty() {
            let env = match &outcome {
                Settling::Failed { error, .. } => self.env.handling(&Arc::new(error.clone())),
                _ => Env { alias: None, ..self.env.clone() },
            };
            let env = Env { prefix: self.prefix(step), horizon: None, ..env };
            self.last = Some(List::new(env, &step.finally, at, None));
            self.phase = Phase::Finally;
        } else {
            self.phase = Phase::Over;
        }
        self.settled = Some(Box::new(Settled { outcome, at }));
        if matches!(self.phase, Phase::Over) {
            self.close(step);
        }
    }

    fn finally_over(&mut self, step: &Step, end: ListEnd, at: DateTime<Utc>) {
        let settled = self.settled.as_mut().expect("a unit settles before its `finally`");
        settled.at = settled.at.max(at);
        if let (ListEnd::Failed(error), Settling::Succeeded { .. } | Settling::Returned(_)) = (end, &settled.outcome) {
            settled.outcome = Settling::Failed { error: *error, handled: None };
        }
        self.phase = Phase::Over;
        self.close(step);
    }

    /// A finished item of a loop gets a row of its own, so that what is below it need not be read again.
    fn close(&mut self, step: &Step) {
        if !self.is_item || !step.is_container() || self.has_row {
            return;
        }
        let settled = self.settled.as_ref().expect("a unit closes when it has settled");
        let (status, output, error) = match &settled.outcome {
            Settling::Succeeded { output, .. } => (CheckpointStatus::Succeeded, Some(output.clone()), None),
            Settling::Failed { error, handled } => (CheckpointStatus::Failed, handled.clone(), Some(error.clone())),
            Settling::Skipped | Settling::Returned(_) | Settling::Canceled => return,
        };
        self.phase = Phase::Unrecorded(Box::new(Checkpoint {
            path: self.path.to_string(),
            attempt: self.attempts + 1,
            status,
            output,
            error,
            started_at: self.first_started_at.unwrap_or(self.ready_at),
            finished_at: settled.at,
        }));
    }

    fn ended(&mut self, step: &Step) -> Ended {
        let settled = *self.settled.take().expect("a unit that is over has settled");
        let times = (self.first_started_at.unwrap_or(self.ready_at), settled.at);
        let attempts = self.attempts.max(1);
        match settled.outcome {
            Settling::Succeeded { output, items } => {
                let is_loop = self.is_loop(step);
                let result =
                    StepResult { items, is_loop, ..StepResult::new(Verdict::Succeeded, output, attempts, times) };
                self.undo.remember(step, Some(&result));
                Ended::Over(result)
            }
            Settling::Skipped => Ended::Over(StepResult::new(Verdict::Skipped, Value::Null, 0, times)),
            Settling::Failed { error, handled } => {
                if error.kind == ErrorKind::Ambiguous {
                    self.undo.remember(step, None);
                }
                let is_handled = handled.is_some();
                let result = StepResult::new(Verdict::Failed, handled.unwrap_or_default(), attempts, times);
                Ended::Over(StepResult { error: Some(error), handled: is_handled, ..result })
            }
            Settling::Returned(value) => Ended::Returned(StepResult::new(Verdict::Succeeded, value, attempts, times)),
            Settling::Canceled => Ended::Canceled,
        }
    }

    /// Nothing of it may begin any more that had not its turn by then. `finally` and undo are not touched.
    pub fn halt(&mut self, step: &Step, cut: Cut, round: &mut Round<'_>) {
        if self.halt.is_some_and(|known| known <= cut) {
            return;
        }
        let is_first = self.halt.is_none();
        self.halt = Some(cut);
        match (&self.phase, &mut self.body) {
            (Phase::Body, Work::Leaf(_)) if is_first => self.abandon(step, round),
            (Phase::Body, Work::Block { list, .. }) => list.halt(cut),
            (Phase::Body, Work::Loop(items)) => items.halt(step, cut, round),
            (Phase::Handler(_), _) => {
                if let Some(list) = &mut self.handler {
                    list.halt(cut);
                }
            }
            _ => {}
        }
    }

    /// Every field of a step with `foreach` is its items'.
    fn is_loop(&self, step: &Step) -> bool {
        step.foreach.is_some() && !self.is_item
    }

    /// Something of it is stored or on its way.
    pub fn is_traced(&self) -> bool {
        match &self.body {
            Work::None => self.handler.is_some() || self.last.is_some(),
            Work::Leaf(_) | Work::Block { .. } | Work::Loop(_) => true,
        }
    }

    pub fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    fn named(&self, error: StepError) -> StepError {
        StepError {
            step: error.step.or_else(|| Some(self.path.to_string())),
            attempt: error.attempt.or(Some(self.attempts.max(1))),
            ..error
        }
    }

    /// Before the ids of what is inside: plain blocks add nothing.
    pub fn prefix(&self, step: &Step) -> Arc<str> {
        let generation = self.attempts + 1;
        match (self.is_item, step.is_container() && generation > 1) {
            (false, false) => Arc::clone(&self.env.prefix),
            (true, false) => Arc::from(format!("{}.", self.path)),
            (_, true) => Arc::from(format!("{}#{generation}/", self.path)),
        }
    }
}

pub(super) fn handler(step: &Step) -> &[Step] {
    match &step.on_error {
        OnError::Steps(steps) => steps,
        OnError::Fail | OnError::Continue => &[],
    }
}

fn nothing() -> Checkpoint {
    Checkpoint {
        path: String::new(),
        attempt: 0,
        status: CheckpointStatus::Skipped,
        output: None,
        error: None,
        started_at: DateTime::UNIX_EPOCH,
        finished_at: DateTime::UNIX_EPOCH,
    }
}
