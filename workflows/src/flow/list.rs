//! The list interpreter: which steps of a list have their turn, and when the list itself is over.
//!
//! What is only computed settles as soon as what it needs is over, in whatever order checkpoints arrive. A list that
//! ends early has a cut: an instant, and a slot for what happens at the same one. What had its turn by then counts,
//! what would come later does not. So the settled part of a list depends on the set of its checkpoints alone, and a
//! resumed flow comes to the same end as the one that wrote them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::known::{Env, Known};
use super::rooms::{StepResult, Verdict};
use super::stored::Stored;
use super::unit::{Ended, Unit};
use super::{Action, Wait};
use crate::{Step, StepError};

/// What the parts of a flow work with.
pub(super) struct Round<'f> {
    pub known: &'f mut Known,
    pub stored: &'f mut Stored,
    /// Without it only what can be computed happens.
    pub now: Option<DateTime<Utc>>,
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
        traced: bool,
    },
    Canceled {
        kept: Option<Box<Unit>>,
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

/// At most so many at once, in the order of the list: a step starts when the earliest end among those before it
/// makes room.
#[derive(Debug)]
pub(super) struct Lanes {
    limit: usize,
    taken: usize,
    ends: BinaryHeap<Reverse<DateTime<Utc>>>,
}

impl Lanes {
    pub fn new(limit: usize) -> Self {
        Self { limit, taken: 0, ends: BinaryHeap::new() }
    }

    /// Since when there is room for the next one, if there is.
    pub fn next(&mut self, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.taken < self.limit {
            self.taken += 1;
            return Some(since);
        }
        self.ends.pop().map(|Reverse(end)| end.max(since))
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn leave(&mut self, at: DateTime<Utc>) {
        self.ends.push(Reverse(at));
    }
}

impl List {
    pub fn new(env: Env, steps: &[Step], since: DateTime<Utc>, at_once: Option<usize>) -> Self {
        let places = steps.iter().map(|_| Place::default()).collect();
        let lanes = at_once.map(Lanes::new);
        Self { env, since, places, first_open: 0, open: steps.len(), stop: None, halt: None, lanes }
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
        // In the order of the list, also when one further down would be ready sooner.
        let in_order = index == 0 || !matches!(self.places[index - 1].state, State::Pending);
        if self.lanes.is_some() && !in_order {
            return;
        }
        let mut ready_at = self.ready_at(steps, round.known, index);
        // What is stored had its turn, whatever the clocks say.
        if self.cut().is_some_and(|cut| cut < (Cut { at: ready_at, slot: step.number.slot }))
            && !round.stored.has_trace(step, &self.env.prefix)
        {
            return;
        }
        if self.env.horizon.is_some_and(|horizon| horizon < ready_at) && !round.stored.has_trace(step, &self.env.prefix)
        {
            return;
        }
        if let Some(lanes) = &mut self.lanes {
            let Some(room_at) = lanes.next(self.since) else { return };
            ready_at = ready_at.max(room_at);
        }
        self.places[index].state = State::At(Box::new(Unit::new(step, self.env.clone(), ready_at)));
    }

    fn work(&mut self, steps: &[Step], round: &mut Round<'_>, index: usize) {
        let State::At(unit) = &mut self.places[index].state else { return };
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
        ends.chain(stop).fold(self.since, DateTime::max)
    }

    fn end(&mut self, step: &Step, round: &mut Round<'_>, index: usize, ended: Ended) {
        let State::At(unit) = std::mem::take(&mut self.places[index].state) else {
            unreachable!("only what is at work ends");
        };
        let traced = unit.is_traced();
        let kept = step.number.undoable.then_some(unit);
        let (result, why) = match ended {
            Ended::Canceled => {
                self.places[index].state = State::Canceled { kept };
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
        self.places[index].state = State::Over { kept, traced };
        self.open -= 1;
    }

    /// Gives up what is at work; true once nothing is.
    fn wind_up(&mut self, steps: &[Step], round: &mut Round<'_>, cut: Cut) -> Option<ListEnd> {
        let mut quiet = true;
        for index in (0..steps.len()).rev() {
            let step = &steps[index];
            let begun = Cut { at: self.ready_at(steps, round.known, index), slot: step.number.slot };
            if let State::Over { kept, traced: false } = &mut self.places[index].state {
                // Computed in this very round, before the cut was known.
                if cut < begun {
                    let kept = kept.take();
                    round.known.rooms.set(self.env.room, step.number.slot, None);
                    self.places[index].state = State::Canceled { kept };
                }
            }
            if let State::At(unit) = &mut self.places[index].state {
                unit.halt(step, cut, round);
                if let Some(ended) = unit.advance(step, round) {
                    self.end(step, round, index, ended);
                } else {
                    quiet = false;
                }
            }
        }
        if !quiet {
            return None;
        }
        // Something that was given up may have failed earlier than what ended the list.
        if let Some(earlier) = self.cut().filter(|earlier| *earlier < cut) {
            return self.wind_up(steps, round, earlier);
        }
        match (&self.stop, self.halt) {
            (Some(stop), halt) if halt.is_none_or(|halt| stop.cut <= halt) => Some(match &stop.why {
                Why::Failed(error) => ListEnd::Failed(error.clone()),
                Why::Returned(value) => ListEnd::Returned(value.clone()),
            }),
            _ if self.open == 0 => Some(ListEnd::Done),
            _ => Some(ListEnd::Halted),
        }
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

    /// Calls `act` with the unit of this path and its step, if it is at work.
    pub fn find<R>(
        &mut self,
        steps: &[Step],
        path: &str,
        act: &mut dyn FnMut(&Step, &mut Unit) -> Option<R>,
    ) -> Option<R> {
        for (place, step) in self.places.iter_mut().zip(steps) {
            let found = match &mut place.state {
                State::At(unit) => unit.find(step, path, act),
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit) } => {
                    unit.find_undo(step, path, act)
                }
                State::Pending | State::Over { kept: None, .. } | State::Canceled { kept: None } => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    pub fn waits(&self, steps: &[Step], waits: &mut Vec<Wait>) {
        for (place, step) in self.places.iter().zip(steps) {
            match &place.state {
                State::At(unit) => unit.waits(step, waits),
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit) } => {
                    unit.undo_waits(step, waits);
                }
                State::Pending | State::Over { kept: None, .. } | State::Canceled { kept: None } => {}
            }
        }
    }

    /// Undoes what has succeeded, what was last first; `Some` with the instant at which all of it is over.
    pub fn undo(&mut self, steps: &[Step], since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let mut undone: Vec<Option<DateTime<Utc>>> = vec![None; steps.len()];
        let mut all = Some(since);
        for index in (0..steps.len()).rev() {
            // Undone after everything that had waited for it.
            let later = (index + 1..steps.len()).filter(|later| steps[*later].needs.contains(&index));
            let mut ready_at = Some(since);
            for later in later {
                ready_at = ready_at.zip(undone[later]).map(|(ready_at, end)| ready_at.max(end));
            }
            undone[index] = ready_at.and_then(|ready_at| match &mut self.places[index].state {
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit) } => {
                    unit.undo(&steps[index], ready_at, round)
                }
                State::Pending | State::At(_) | State::Over { kept: None, .. } | State::Canceled { kept: None } => {
                    Some(ready_at)
                }
            });
            all = all.zip(undone[index]).map(|(all, end)| all.max(end));
        }
        all
    }

    /// The unit of a place, and whether its turn is over without one.
    pub fn unit(&self, index: usize) -> Seen<'_> {
        match &self.places[index].state {
            State::Pending if self.stop.is_some() || self.halt.is_some() => Seen::Canceled(None),
            State::Pending => Seen::Pending,
            State::At(unit) => Seen::At(unit),
            State::Over { kept, .. } => Seen::Over(kept.as_deref()),
            State::Canceled { kept } => Seen::Canceled(kept.as_deref()),
        }
    }
}

/// A place as views see it.
pub(super) enum Seen<'l> {
    Pending,
    At(&'l Unit),
    Over(Option<&'l Unit>),
    Canceled(Option<&'l Unit>),
}
