//! Finding the unit that an event is about, and what a unit waits for.

use chrono::{DateTime, TimeDelta, Utc};

use super::block::steps_of;
use super::leaf::Leaf;
use super::{Phase, Unit, Work, handler};
use crate::Step;
use crate::flow::list::List;
use crate::flow::{Wait, WaitKind};

/// A wait without a deadline of its own: longer than any run may last.
const NO_DEADLINE: TimeDelta = TimeDelta::days(36_500);

impl Unit {
    /// Calls `act` with the unit of this path that is at work, until it answers.
    pub fn find<R>(
        &mut self,
        step: &Step,
        path: &str,
        act: &mut dyn FnMut(&Step, &mut Unit) -> Option<R>,
    ) -> Option<R> {
        if *self.path == *path {
            let found = act(step, self);
            if found.is_some() {
                return found;
            }
        }
        let found = match &mut self.body {
            Work::Block { list, arm } => list.find(steps_of(step, *arm), path, act),
            Work::Loop(items) => items.find(step, (&self.path, path), act),
            Work::None | Work::Leaf(_) => None,
        };
        found
            .or_else(|| self.handler.as_mut().and_then(|list| list.find(handler(step), path, act)))
            .or_else(|| self.last.as_mut().and_then(|list| list.find(&step.finally, path, act)))
            .or_else(|| self.find_own_undo(step, path, act))
    }

    fn find_own_undo<R>(
        &mut self,
        step: &Step,
        path: &str,
        act: &mut dyn FnMut(&Step, &mut Unit) -> Option<R>,
    ) -> Option<R> {
        self.undo.list_mut()?.find(&step.compensate.as_ref()?.steps, path, act)
    }

    /// Like `find`, among the units that undo this one.
    pub fn find_undo<R>(
        &mut self,
        step: &Step,
        path: &str,
        act: &mut dyn FnMut(&Step, &mut Unit) -> Option<R>,
    ) -> Option<R> {
        let own = self.find_own_undo(step, path, act);
        if own.is_some() {
            return own;
        }
        let inside = match &mut self.body {
            Work::Block { list, arm } => list.find(steps_of(step, *arm), path, act),
            Work::Loop(items) => items.find(step, (&self.path, path), act),
            Work::None | Work::Leaf(_) => None,
        };
        inside.or_else(|| self.handler.as_mut().and_then(|list| list.find(handler(step), path, act)))
    }

    pub fn undo_waits(&self, step: &Step, waits: &mut Vec<Wait>) {
        if let (Some(list), Some(compensate)) = (self.undo.list(), &step.compensate) {
            list.waits(&compensate.steps, waits);
        }
        self.waits_inside(step, waits);
    }

    fn waits_inside(&self, step: &Step, waits: &mut Vec<Wait>) {
        match &self.body {
            Work::Block { list, arm } => list.waits(steps_of(step, *arm), waits),
            Work::Loop(items) => items.waits(step, waits),
            Work::None | Work::Leaf(_) => {}
        }
        if let Some(list) = &self.handler {
            list.waits(handler(step), waits);
        }
    }

    pub fn waits(&self, step: &Step, waits: &mut Vec<Wait>) {
        match &self.phase {
            Phase::Body => match &self.body {
                Work::Leaf(leaf) => waits.extend(self.leaf_wait(step, leaf)),
                Work::Block { list, arm } => {
                    waits.extend(block_deadline(step, list).map(|due_at| self.wait(WaitKind::Timer, due_at)));
                    list.waits(steps_of(step, *arm), waits);
                }
                Work::Loop(_) | Work::None => self.waits_inside(step, waits),
            },
            Phase::Undo(_) => self.undo_waits(step, waits),
            Phase::Handler(_) => self.waits_inside(step, waits),
            Phase::Pause { due_at, .. } => waits.push(self.wait(WaitKind::Retry, *due_at)),
            Phase::Finally => {
                if let Some(list) = &self.last {
                    let until = list.env.horizon.filter(|_| !list.is_halted());
                    waits.extend(until.map(|until| self.wait(WaitKind::Timer, until)));
                    list.waits(&step.finally, waits);
                }
            }
            Phase::New | Phase::Ahead(_) | Phase::Unrecorded(_) | Phase::Recording(_) | Phase::Closed | Phase::Over => {
            }
        }
    }

    fn wait(&self, kind: WaitKind, due_at: DateTime<Utc>) -> Wait {
        Wait { path: self.path.to_string(), attempt: self.attempts.max(1), kind, due_at }
    }

    fn leaf_wait(&self, step: &Step, leaf: &Leaf) -> Option<Wait> {
        let awaited = match leaf {
            Leaf::Routed { .. } => true,
            Leaf::Child { .. } => step.compensate.is_some(),
            _ => false,
        };
        if self.is_halted() && !awaited {
            return None;
        }
        let next = |kind, due_at| Some(Wait { attempt: self.attempts + 1, ..self.wait(kind, due_at) });
        match leaf {
            Leaf::Waiting { due_at, .. } => next(WaitKind::Timer, *due_at),
            Leaf::Listening(listening) => next(WaitKind::Event(listening.wait.clone()), listening.due_at),
            Leaf::Child { child, due_at, since } => {
                // Given up, it is waited for until it has ended.
                let due_at = due_at.filter(|_| !self.is_halted());
                next(WaitKind::Child(*child), due_at.unwrap_or(*since + NO_DEADLINE))
            }
            Leaf::Routed { queue, since, .. } => next(WaitKind::Routed { queue: queue.clone() }, *since + NO_DEADLINE),
            Leaf::Deferred { due_at, reserved } => next(WaitKind::Slot { reserved: *reserved }, *due_at),
            Leaf::Retrying { due_at, .. } => Some(self.wait(WaitKind::Retry, *due_at)),
            Leaf::Ambiguous { due_at, .. } => Some(self.wait(WaitKind::Person, *due_at)),
            Leaf::Ready | Leaf::Ahead(_) | Leaf::InFlight { .. } | Leaf::Recording(_) | Leaf::Over(_) => None,
        }
    }
}

/// When a block that is still at work has taken too long.
fn block_deadline(step: &Step, list: &List) -> Option<DateTime<Utc>> {
    let deadline = list.since + step.timeout?;
    (!list.is_halted()).then_some(deadline)
}
