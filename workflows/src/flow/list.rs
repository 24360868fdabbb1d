//! The list interpreter: which steps of a list have their turn, and when the list itself is over.
//!
//! What is only computed settles as soon as what it needs is over. A list that ends early has a cut: an instant, and a
//! slot for what happens at the same one. What had its turn by then counts, and so does what is stored with everything
//! it had waited for; what would come later does not. So the settled part of a list depends on the set of its
//! checkpoints alone, and a resumed flow comes to the same end as the one that wrote them.

mod end;
mod lanes;
mod reach;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub(super) use self::lanes::Lanes;
pub(super) use self::reach::Seen;
use super::Action;
use super::known::{Env, Known};
use super::rooms::{StepResult, Verdict};
use super::stored::Stored;
use super::unit::{Ended, Unit};
use crate::{Step, StepError};

/// What the parts of a flow work with.
pub(super) struct Round<'f> {
    pub known: &'f mut Known,
    pub stored: &'f mut Stored,
    /// While resuming: the last instant of which something is stored.
    pub now: DateTime<Utc>,
    /// First everything settles, then attempts begin: so nothing begins that the same round would give up.
    pub starts: bool,
    pub actions: &'f mut Vec<Action>,
}

/// What happened up to here, counts; the slot decides between things of the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cut {
    pub at: DateTime<Utc>,
    pub slot: usize,
}

impl Cut {
    pub fn at(at: DateTime<Utc>) -> Self {
        Self { at, slot: usize::MAX }
    }
}

#[derive(Debug)]
pub(super) struct List {
    pub env: Env,
    /// When the list itself became ready.
    pub since: DateTime<Utc>,
    places: Vec<Place>,
    /// Everything before this place is over.
    first_open: usize,
    open: usize,
    /// The earliest of the steps that ended the list; the order in which they were reported does not matter.
    stop: Option<Stop>,
    /// Ended from outside.
    halt: Option<Cut>,
    lanes: Option<Lanes>,
    /// Something of it is stored.
    traced: bool,
    /// The latest end of what was given up: nothing can follow from the list before that is known.
    given_up_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Stop {
    cut: Cut,
    why: Why,
}

#[derive(Debug, Clone)]
enum Why {
    Failed(Box<StepError>),
    Returned(Value),
}

#[derive(Debug, Default)]
struct Place {
    /// The first of the step's needs that is not known to be over.
    next_need: usize,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Pending,
    At(Box<Unit>),
    /// Its result is among the results of the room. What can be undone is kept.
    Over {
        kept: Option<Box<Unit>>,
        ready_at: DateTime<Utc>,
        /// Something of it is stored.
        traced: bool,
    },
    /// Given up, or its turn would have come too late.
    Canceled {
        kept: Option<Box<Unit>>,
        had_turn: bool,
    },
}

/// How a list came to its end.
#[derive(Debug)]
pub(super) enum ListEnd {
    Done,
    Failed(Box<StepError>),
    Returned(Value),
    Halted,
}

impl List {
    pub fn new(env: Env, steps: &[Step], since: DateTime<Utc>, at_once: Option<usize>) -> Self {
        let places = steps.iter().map(|_| Place::default()).collect();
        let lanes = at_once.map(Lanes::new);
        let (first_open, open) = (0, steps.len());
        Self { env, since, places, first_open, open, stop: None, halt: None, lanes, traced: false, given_up_at: None }
    }

    /// Goes on as far as it can; says how the list ended, once nothing of it is at work any more.
    pub fn advance(&mut self, steps: &[Step], round: &mut Round<'_>) -> Option<ListEnd> {
        // One pass is enough: needs point upwards.
        for index in self.first_open..steps.len() {
            if matches!(self.places[index].state, State::Pending) {
                self.take_turn(steps, round, index);
            }
            self.work(steps, round, index);
            if self.first_open == index && matches!(self.places[index].state, State::Over { .. }) {
                self.first_open += 1;
            }
        }
        if let Some(cut) = self.cut() {
            return self.wind_up(steps, round, cut);
        }
        (self.open == 0).then_some(ListEnd::Done)
    }

    fn cut(&self) -> Option<Cut> {
        let own = self.stop.as_ref().map(|stop| stop.cut);
        own.into_iter().chain(self.halt).min()
    }

    fn take_turn(&mut self, steps: &[Step], round: &mut Round<'_>, index: usize) {
        let step = &steps[index];
        while let Some(need) = step.needs.get(self.places[index].next_need) {
            if !matches!(self.places[*need].state, State::Over { .. }) {
                return;
            }
            self.places[index].next_need += 1;
        }
        let mut ready_at = self.ready_at(steps, round.known, index);
        let mut is_after_end = false;
        if let Some(lanes) = &self.lanes {
            // In the order of the list, also when one further down would be ready sooner.
            match index.checked_sub(1).map(|above| &self.places[above].state) {
                Some(State::Pending) => return,
                Some(State::Canceled { had_turn, .. }) => is_after_end = !had_turn,
                Some(State::At(_) | State::Over { .. }) | None => {}
            }
            let Some(room_at) = lanes.room_at(self.since) else { return };
            ready_at = ready_at.max(room_at);
        }
        let cut = self.cut();
        let is_late = is_after_end
            || cut.is_some_and(|cut| cut < Cut { at: ready_at, slot: step.number.slot })
            || self.env.horizon.is_some_and(|horizon| horizon < ready_at);
        // What is stored had its turn, whatever the clocks say.
        if is_late && !self.had_turn(steps, round.stored, index) {
            self.places[index].state = State::Canceled { kept: None, had_turn: false };
            return;
        }
        if let Some(lanes) = &mut self.lanes {
            lanes.enter();
        }
        self.places[index].state = State::At(Box::new(Unit::new(step, self.env.clone(), ready_at)));
    }

    /// Something is stored of this step, or of one that could only come after it.
    fn had_turn(&self, steps: &[Step], stored: &Stored, index: usize) -> bool {
        if stored.is_empty() {
            return false;
        }
        let mut had = vec![false; steps.len()];
        for (later, step) in steps.iter().enumerate().skip(index).rev() {
            had[later] = had[later] || stored.has_trace(step, &self.env.prefix);
            if had[later] {
                self.mark_needs(step, later, &mut had);
            }
        }
        had[index]
    }

    fn work(&mut self, steps: &[Step], round: &mut Round<'_>, index: usize) {
        let cut = self.cut();
        let State::At(unit) = &mut self.places[index].state else { return };
        if let Some(cut) = cut {
            unit.halt(&steps[index], cut, round);
        }
        if let Some(ended) = unit.advance(&steps[index], round) {
            self.end(&steps[index], round, index, ended);
        }
    }

    /// The instant at which everything that the step waited for was over.
    fn ready_at(&self, steps: &[Step], known: &Known, index: usize) -> DateTime<Utc> {
        let ends = steps[index].needs.iter().filter_map(|need| Some(self.result(steps, known, *need)?.finished_at));
        ends.fold(self.since, DateTime::max)
    }

    pub fn result<'k>(&self, steps: &[Step], known: &'k Known, index: usize) -> Option<&'k StepResult> {
        known.rooms.get(self.env.room, steps[index].number.slot)
    }

    /// The latest end in the list.
    pub fn finished_at(&self, steps: &[Step], known: &Known) -> DateTime<Utc> {
        let ends = (0..self.places.len()).filter_map(|index| Some(self.result(steps, known, index)?.finished_at));
        let stop = self.stop.as_ref().map(|stop| stop.cut.at);
        ends.chain(stop).chain(self.given_up_at).fold(self.since, DateTime::max)
    }

    fn end(&mut self, step: &Step, round: &mut Round<'_>, index: usize, ended: Ended) {
        let State::At(unit) = std::mem::take(&mut self.places[index].state) else {
            unreachable!("only what is at work ends");
        };
        let (traced, ready_at) = (unit.is_traced(), unit.ready_at);
        self.traced |= traced;
        let kept = step.number.undoable.then_some(unit);
        let (result, why) = match ended {
            Ended::Canceled(at) => {
                self.given_up_at = self.given_up_at.max(Some(at));
                self.places[index].state = State::Canceled { kept, had_turn: true };
                return;
            }
            Ended::Over(result) => {
                let failed = result.verdict == Verdict::Failed && !result.handled;
                let why = failed
                    .then(|| Why::Failed(Box::new(result.error.clone().expect("a step that failed has an error"))));
                (result, why)
            }
            Ended::Returned(result) => {
                let value = result.output.clone();
                (result, Some(Why::Returned(value)))
            }
        };
        if let Some(lanes) = &mut self.lanes {
            lanes.leave(result.finished_at);
        }
        if let Some(why) = why {
            let cut = Cut { at: result.finished_at, slot: step.number.slot };
            if self.stop.as_ref().is_none_or(|stop| cut < stop.cut) {
                self.stop = Some(Stop { cut, why });
            }
        }
        round.known.rooms.set(self.env.room, step.number.slot, Some(result));
        self.places[index].state = State::Over { kept, ready_at, traced };
        self.open -= 1;
    }

    /// Nothing of the list may begin any more that had not its turn by then.
    pub fn halt(&mut self, cut: Cut) {
        self.halt = Some(self.halt.map_or(cut, |known| known.min(cut)));
    }

    pub fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// The output of its last step, or of all of them by id.
    pub fn output(&self, steps: &[Step], known: &Known, by_id: bool) -> Value {
        let of = |index| self.result(steps, known, index).map_or(Value::Null, |result| result.output.clone());
        if by_id {
            let outputs = steps.iter().enumerate().map(|(index, step)| (step.id.clone(), of(index)));
            return Value::Object(outputs.collect::<Map<_, _>>());
        }
        steps.len().checked_sub(1).map_or(Value::Null, of)
    }
}
