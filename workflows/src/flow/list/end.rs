//! How a list that is cut short comes to its end.

use super::{Cut, List, ListEnd, Round, State, Why};
use crate::Step;

impl List {
    /// Gives up what is at work; `Some` once nothing is.
    pub(super) fn wind_up(&mut self, steps: &[Step], round: &mut Round<'_>, cut: Cut) -> Option<ListEnd> {
        let mut quiet = true;
        let mut needed = vec![false; steps.len()];
        for index in (0..steps.len()).rev() {
            let step = &steps[index];
            if needed[index] || self.has_begun(step, round, index) {
                self.mark_needs(step, index, &mut needed);
            } else if self.had_no_turn(step, index, cut) {
                // Computed or made ready in this very round, before the cut was known.
                round.known.rooms.clear(self.env.room, step.number.slot..step.number.slot + step.number.slots);
                self.places[index].state = State::Canceled { kept: None, had_turn: false };
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
        // Something that was given up may have failed earlier than what ended the list.
        if let Some(earlier) = self.cut().filter(|earlier| *earlier < cut) {
            return self.wind_up(steps, round, earlier);
        }
        if !quiet {
            return None;
        }
        let halt = self.halt;
        Some(match &self.stop {
            Some(stop) if halt.is_none_or(|halt| stop.cut <= halt) => match &stop.why {
                Why::Failed(error) => ListEnd::Failed(error.clone()),
                Why::Returned(value) => ListEnd::Returned(value.clone()),
            },
            None if self.open == 0 => ListEnd::Done,
            Some(_) | None => ListEnd::Halted,
        })
    }

    fn had_no_turn(&self, step: &Step, index: usize, cut: Cut) -> bool {
        let ready_at = match &self.places[index].state {
            State::Over { ready_at, .. } => *ready_at,
            State::At(unit) => unit.ready_at,
            State::Pending | State::Canceled { .. } => return false,
        };
        cut < Cut { at: ready_at, slot: step.number.slot }
    }

    /// Something of it is stored, on its way, or in flight.
    fn has_begun(&self, step: &Step, round: &Round<'_>, index: usize) -> bool {
        match &self.places[index].state {
            State::Over { traced, .. } => *traced,
            State::At(unit) => unit.has_begun(step, round.stored),
            State::Canceled { kept, .. } => kept.as_ref().is_some_and(|unit| unit.is_traced()),
            State::Pending => false,
        }
    }

    /// What came before something that has begun had its turn as well.
    pub(super) fn mark_needs(&self, step: &Step, index: usize, needed: &mut [bool]) {
        for need in &step.needs {
            needed[*need] = true;
        }
        if self.lanes.is_some() {
            needed[..index].fill(true);
        }
    }

    /// Something of the list is stored.
    pub fn is_traced(&self) -> bool {
        self.traced
    }

    pub fn any_begun(&self, steps: &[Step], stored: &crate::flow::stored::Stored) -> bool {
        self.traced
            || self.places.iter().zip(steps).any(|(place, step)| match &place.state {
                State::At(unit) => unit.has_begun(step, stored),
                State::Pending | State::Over { .. } | State::Canceled { .. } => false,
            })
    }
}
