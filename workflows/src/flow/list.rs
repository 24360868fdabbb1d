//! The list interpreter: which steps of a list have their turn, and when the list itself is over.
//!
//! What is only computed (`value`, conditions, `return`, `fail`) settles as soon as what it needs is over, in whatever
//! order checkpoints arrive, and also after the list has failed. So the settled part of a list depends on the set of its
//! checkpoints alone, and a resumed flow comes to the same end as the one that wrote them.

use chrono::{DateTime, Utc};

use super::known::Known;
use super::recomputed;
use super::results::{StepResult, Verdict};
use super::{Action, Checkpoint};
use crate::{Body, OnError, Step, StepError};

#[derive(Debug)]
pub(super) struct List {
    /// Where its steps begin among the results of the run.
    pub first: usize,
    /// When the list itself became ready.
    pub since: DateTime<Utc>,
    pub places: Vec<Place>,
    /// Everything before this place is over.
    pub first_open: usize,
    pub halted: bool,
    open: usize,
    stop: Option<Stop>,
}

/// A step that brought its list to an end: a failure that nobody handles, or a `return`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stop {
    pub at: DateTime<Utc>,
    pub index: usize,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    pub state: State,
    /// The first of the step's needs that is not known to be over.
    next_need: usize,
    /// The number of the last attempt that has a checkpoint.
    pub attempts: u32,
    pub first_started_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Pending,
    /// Its turn has come and its condition holds, but it has not been started.
    Ready,
    InFlight {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
    /// Ended, but the checkpoint is not stored yet: nothing may follow from it.
    Recording(Box<Checkpoint>),
    Waiting {
        attempt: u32,
        since: DateTime<Utc>,
        due_at: DateTime<Utc>,
    },
    Retrying {
        due_at: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    Ambiguous {
        due_at: DateTime<Utc>,
        since: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    /// Its result is among the results of the run.
    Over,
    Canceled,
}

impl List {
    pub fn new(first: usize, steps: &[Step], since: DateTime<Utc>) -> Self {
        let places = steps.iter().map(|_| Place::default()).collect();
        Self { first, since, places, first_open: 0, halted: false, open: steps.len(), stop: None }
    }

    pub fn result<'k>(&self, index: usize, known: &'k Known) -> Option<&'k StepResult> {
        known.results.get(self.first + index)
    }

    /// The open step of this path.
    pub fn find_open(&self, steps: &[Step], path: &str) -> Option<usize> {
        (self.first_open..steps.len()).find(|index| steps[*index].id == path)
    }

    pub fn is_over(&self) -> bool {
        self.open == 0
    }

    pub fn is_recording(&self) -> bool {
        self.places[self.first_open..].iter().any(|place| matches!(place.state, State::Recording(_)))
    }

    /// The earliest of the steps that ended the list; the order in which they were reported does not matter.
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// The instant at which everything that the step waited for was over.
    pub fn ready_at(&self, steps: &[Step], known: &Known, index: usize) -> DateTime<Utc> {
        let ends = steps[index].needs.iter().filter_map(|need| Some(self.result(*need, known)?.finished_at));
        ends.fold(self.since, DateTime::max)
    }

    /// The latest end in the list.
    pub fn finished_at(&self, known: &Known) -> DateTime<Utc> {
        let ends = (0..self.places.len()).filter_map(|index| Some(self.result(index, known)?.finished_at));
        ends.fold(self.since, DateTime::max)
    }

    /// Gives every step whose needs are over its turn, and computes those that are only computed. One pass is enough:
    /// needs point upwards.
    pub fn settle(&mut self, steps: &[Step], known: &mut Known) {
        for index in self.first_open..steps.len() {
            if matches!(self.places[index].state, State::Pending) && self.has_its_turn(&steps[index], index) {
                self.take_turn(steps, known, index);
            }
            if self.first_open == index && matches!(self.places[index].state, State::Over) {
                self.first_open += 1;
            }
        }
    }

    fn has_its_turn(&mut self, step: &Step, index: usize) -> bool {
        while let Some(need) = step.needs.get(self.places[index].next_need) {
            if !matches!(self.places[*need].state, State::Over) {
                return false;
            }
            self.places[index].next_need += 1;
        }
        true
    }

    fn take_turn(&mut self, steps: &[Step], known: &mut Known, index: usize) {
        let step = &steps[index];
        let ready_at = self.ready_at(steps, known, index);
        if let Some(result) = recomputed::compute(step, known, ready_at) {
            self.end(step, known, index, result);
            return;
        }
        self.places[index].state = State::Ready;
        if let Body::Wait(wait) = &step.body
            && let Ok(due_at) = super::wait::due_at(wait, known, &step.id, ready_at)
        {
            self.places[index].state = State::Waiting { attempt: 1, since: ready_at, due_at };
        }
    }

    /// The step is over, with this result.
    pub fn end(&mut self, step: &Step, known: &mut Known, index: usize, result: StepResult) {
        let is_last = match result.verdict {
            Verdict::Failed => step.on_error == OnError::Fail,
            Verdict::Succeeded => matches!(step.body, Body::Return(_)),
            Verdict::Skipped => false,
        };
        if is_last {
            let found = Stop { at: result.finished_at, index };
            self.stop = Some(self.stop.map_or(found, |known| known.min(found)));
        }
        known.set_result(self.first + index, result);
        self.places[index].state = State::Over;
        self.open -= 1;
    }

    /// Nothing of the list may start any more; attempts in flight are given up.
    pub fn halt(&mut self, steps: &[Step], actions: &mut Vec<Action>) {
        if std::mem::replace(&mut self.halted, true) {
            return;
        }
        for (place, step) in self.places.iter_mut().zip(steps) {
            if let State::InFlight { attempt, .. } = place.state {
                actions.push(Action::Abandon { path: step.id.clone(), attempt });
                place.state = State::Canceled;
            }
        }
    }

    /// Whatever is not over will never be.
    pub fn close(&mut self) {
        self.halted = true;
        for place in &mut self.places {
            if !matches!(place.state, State::Over) {
                place.state = State::Canceled;
            }
        }
    }
}
