//! Giving up a unit, and what of it has begun.

use super::{Leaf, Phase, Unit, Work, handler};
use crate::Step;
use crate::flow::list::{Cut, List, Round};
use crate::flow::stored::Stored;

impl Unit {
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

    pub fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// Something of it is stored.
    pub fn is_traced(&self) -> bool {
        let body = match &self.body {
            Work::None => false,
            Work::Leaf(_) => self.first_started_at.is_some(),
            Work::Block { list, .. } => list.is_traced(),
            Work::Loop(items) => items.is_traced(),
        };
        let inside = self.handler.iter().chain(&self.last);
        body || self.traced || inside.into_iter().any(List::is_traced)
    }

    /// Something of it is stored, on its way, or in flight.
    pub fn has_begun(&self, step: &Step, stored: &Stored) -> bool {
        let body = match &self.body {
            Work::None => false,
            Work::Leaf(leaf) => {
                matches!(
                    leaf,
                    Leaf::InFlight { .. }
                        | Leaf::Routed { .. }
                        | Leaf::Ahead(_)
                        | Leaf::Recording(_)
                        | Leaf::Child { .. }
                ) || stored.begun(&self.path, self.attempts + 1).is_some()
                    || stored.routed(&self.path, self.attempts + 1).is_some_and(|routed| !routed.is_taken_back())
            }
            Work::Block { list, arm } => list.any_begun(super::steps_of(step, *arm), stored),
            Work::Loop(items) => items.any_begun(step, stored),
        };
        body || self.is_traced()
            || matches!(self.phase, Phase::Unrecorded(_) | Phase::Recording(_))
            || self.handler.as_ref().is_some_and(|list| list.any_begun(handler(step), stored))
            || self.last.as_ref().is_some_and(|list| list.any_begun(&step.finally, stored))
    }
}
