//! One step of one run, or one item of a `foreach`: from its turn to its end.
//!
//! A unit goes through phases: its body, and after a failure the undo of what the body had finished, another attempt,
//! the handler; at every end its `finally`. What is stored of it is taken over when its turn comes.

mod block;
mod enter;
mod failure;
mod find;
mod halt;
mod leaf;
mod outcome;
mod routed;
mod settle;
mod undo;

pub(super) use self::block::steps_of;
pub(super) use self::leaf::{Leaf, Listening};
pub(super) use self::undo::UndoSeen;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::known::Env;
use super::list::{Cut, List, ListEnd, Round};
use super::loops::Loop;
use super::rooms::{ItemResult, StepResult};
use super::stored::LastAttempt;
use super::{Action, Checkpoint, CheckpointStatus};
use crate::{OnError, Step, StepError};

#[derive(Debug)]
pub(super) struct Unit {
    pub env: Env,
    pub path: Box<str>,
    /// It is one item of a loop.
    pub is_item: bool,
    pub ready_at: DateTime<Utc>,
    /// When the attempt at hand had its turn.
    turn_at: DateTime<Utc>,
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
    /// A row of its own is stored, of an attempt or of its end.
    traced: bool,
    /// The row of its end is stored.
    has_row: bool,
    /// What that row says; what is inside is gone through again only to know what can be undone.
    row: Option<Box<Settled>>,
    undo: undo::Undo,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Its turn has come.
    New,
    /// Its row is stored, and counts from its instant on.
    Ahead(Box<LastAttempt>),
    Body,
    /// The body has failed; what it had finished is being undone.
    Undo(Failed),
    /// The pause before a block is repeated.
    Pause {
        since: DateTime<Utc>,
        due_at: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    Handler(Failed),
    Finally,
    /// To be stored before anything follows from it.
    Unrecorded(Box<Checkpoint>),
    Recording(Asked),
    /// Its row is stored, and counts from its instant on.
    Closed,
    Over,
}

/// A checkpoint that was asked for and does not count yet.
#[derive(Debug)]
pub(super) struct Asked {
    number: u64,
    checkpoint: Box<Checkpoint>,
}

#[derive(Debug)]
pub(super) enum Work {
    None,
    Leaf(Leaf),
    Block { list: Box<List>, arm: usize },
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
    Halted {
        at: DateTime<Utc>,
    },
}

/// How a unit came to its end.
#[derive(Debug)]
pub(super) enum Ended {
    Over(StepResult),
    /// It ends the run as succeeded.
    Returned(StepResult),
    /// With the instant at which its `finally` was over.
    Canceled(DateTime<Utc>),
}

/// What a unit has come to, while its `finally` is at work.
#[derive(Debug, Clone)]
struct Settled {
    outcome: Settling,
    at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
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
            turn_at: ready_at,
            attempts: 0,
            first_started_at: None,
            phase: Phase::New,
            body: Work::None,
            handler: None,
            last: None,
            halt: None,
            settled: None,
            traced: false,
            has_row: false,
            row: None,
            undo: undo::Undo::default(),
        }
    }

    /// Goes on as far as it can; says how it ended once nothing of it is at work any more.
    pub fn advance(&mut self, step: &Step, round: &mut Round<'_>) -> Option<Ended> {
        loop {
            match &mut self.phase {
                Phase::New => self.enter(step, round),
                Phase::Ahead(last) => {
                    if round.now < last.checkpoint.finished_at {
                        return None;
                    }
                    if let Phase::Ahead(last) = std::mem::replace(&mut self.phase, Phase::Over) {
                        self.take_over(step, round, last.checkpoint);
                    }
                }
                Phase::Body => match self.work(step, round) {
                    Some(end) => self.body_over(step, round, end),
                    None => self.cut_replay(step, round)?,
                },
                Phase::Undo(failed) => {
                    let failed = failed.clone();
                    let at = self.undo_failed(step, failed.at, round)?;
                    self.after_failure(step, round, Failed { at, ..failed });
                }
                Phase::Pause { since, due_at, .. } => {
                    let (since, due_at) = (*since, *due_at);
                    if self.halt.is_some_and(|halt| halt.at < due_at) {
                        self.settle(step, Settling::Canceled, since);
                    } else if due_at <= round.now {
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
                    round.known.bound_finally(list);
                    let mut end = list.advance(&step.finally, round);
                    if end.is_none() && list.env.horizon.is_some_and(|horizon| horizon <= round.now) {
                        list.halt(Cut::at(list.env.horizon.expect("it is bounded")));
                        end = list.advance(&step.finally, round);
                    }
                    let end = end?;
                    let at = list.finished_at(&step.finally, round.known);
                    self.finally_over(step, end, at);
                }
                Phase::Unrecorded(checkpoint) => {
                    let checkpoint = std::mem::replace(&mut **checkpoint, nothing());
                    round.actions.push(Action::Record { checkpoint: checkpoint.clone(), line: None });
                    if checkpoint.status != CheckpointStatus::Retrying {
                        // It says nothing that could not be found out again: nobody has to wait for it.
                        self.row_stored(step, round, checkpoint);
                        continue;
                    }
                    let number = round.stored.ask();
                    self.phase = Phase::Recording(Asked { number, checkpoint: Box::new(checkpoint) });
                    return None;
                }
                Phase::Recording(_) => return None,
                Phase::Closed => {
                    let at = self.settled.as_ref().expect("its row says what it has come to").at;
                    if round.now < at {
                        return None;
                    }
                    self.phase = Phase::Over;
                }
                Phase::Over => return Some(self.ended(step)),
            }
        }
    }

    pub fn turn_at(&self) -> DateTime<Utc> {
        self.turn_at
    }

    /// Every field of a step with `foreach` is its items'.
    fn is_loop(&self, step: &Step) -> bool {
        step.foreach.is_some() && !self.is_item
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
