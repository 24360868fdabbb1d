//! What lies inside a list: units by their path, their waits, their undo.

use chrono::{DateTime, Utc};

use super::{List, Round, State};
use crate::Step;
use crate::flow::Wait;
use crate::flow::unit::{UndoSeen, Unit};

/// A place as views see it.
pub(in crate::flow) enum Seen<'l> {
    Pending,
    At(&'l Unit),
    Over(Option<&'l Unit>),
    Canceled(Option<&'l Unit>),
}

impl List {
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
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit), .. } => {
                    unit.find_undo(step, path, act)
                }
                State::Pending | State::Over { kept: None, .. } | State::Canceled { kept: None, .. } => None,
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
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit), .. } => {
                    unit.undo_waits(step, waits);
                }
                State::Pending | State::Over { kept: None, .. } | State::Canceled { kept: None, .. } => {}
            }
        }
    }

    /// Undoes what has succeeded, what was last first; `Some` with the instant at which all of it is over.
    pub fn undo(&mut self, steps: &[Step], since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        // A step is undone after everything that had waited for it.
        let mut ready: Vec<Option<DateTime<Utc>>> = vec![Some(since); steps.len()];
        let mut all = Some(since);
        for (index, step) in steps.iter().enumerate().rev() {
            let end = ready[index].and_then(|ready_at| match &mut self.places[index].state {
                State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit), .. } => {
                    unit.undo(step, ready_at, round)
                }
                State::Pending | State::At(_) | State::Over { kept: None, .. } | State::Canceled { kept: None, .. } => {
                    Some(ready_at)
                }
            });
            for need in &step.needs {
                ready[*need] = ready[*need].zip(end).map(|(ready_at, end)| ready_at.max(end));
            }
            all = all.zip(end).map(|(all, end)| all.max(end));
        }
        all
    }

    /// Calls `see` with each undo that has begun, or could.
    pub fn undos(&self, steps: &[Step], see: &mut dyn FnMut(&str, UndoSeen)) {
        for (place, step) in self.places.iter().zip(steps) {
            if let State::Over { kept: Some(unit), .. } | State::Canceled { kept: Some(unit), .. } = &place.state {
                unit.undos(step, see);
            }
        }
    }

    /// How a place stands.
    pub fn seen(&self, index: usize) -> Seen<'_> {
        match &self.places[index].state {
            State::Pending if self.stop.is_some() || self.halt.is_some() => Seen::Canceled(None),
            State::Pending => Seen::Pending,
            State::At(unit) => Seen::At(unit),
            State::Over { kept, .. } => Seen::Over(kept.as_deref()),
            State::Canceled { kept, .. } => Seen::Canceled(kept.as_deref()),
        }
    }
}
