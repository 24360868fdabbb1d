//! An attempt that another queue's worker carries out: a job of its own, whose outcome comes back with what is stored.

use super::{BodyEnd, Leaf, Unit, Work};
use crate::flow::begin;
use crate::flow::list::Round;
use crate::flow::{RoutedEnd, RoutedStep, RunStep};
use crate::{ErrorKind, Outcome, Step};

impl Unit {
    /// The next attempt may have been routed already.
    pub(super) fn await_routed(&mut self, round: &Round<'_>) {
        if let Some(routed) = round.stored.routed(&self.path, self.attempts + 1) {
            let (attempt, queue) = (routed.attempt, routed.queue.clone());
            self.body = Work::Leaf(Leaf::Routed { attempt, queue, since: self.turn_at });
        }
    }

    /// The attempt in flight is a job of its own now.
    pub fn routed(&mut self, attempt: u32, queue: &str) {
        let Work::Leaf(leaf) = &mut self.body else { return };
        if matches!(leaf, Leaf::InFlight { attempt: current, .. } if *current == attempt) {
            *leaf = Leaf::Routed { attempt, queue: queue.to_owned(), since: self.turn_at };
        }
    }

    pub(super) fn advance_routed(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        let Work::Leaf(Leaf::Routed { attempt, .. }) = &self.body else { unreachable!("the attempt is routed") };
        let attempt = *attempt;
        // Given up and taken back before anybody had begun it: that leaves no trace, so it is known as soon as it is read.
        if self.is_halted() && round.stored.routed(&self.path, attempt).is_some_and(RoutedStep::is_taken_back) {
            return Some(BodyEnd::Halted { at: self.ready_at });
        }
        if !round.starts {
            return None;
        }
        let RoutedEnd { outcome, started_at, finished_at } = round.stored.take_routed(&self.path, attempt)?;
        self.body = Work::Leaf(Leaf::InFlight { attempt, started_at });
        let times = (started_at, finished_at);
        match outcome {
            // Recalled, and wanted after all: it has not been done.
            Outcome::Failed(error) if error.kind == ErrorKind::Canceled => {
                self.attempt_failed(step, round, error.retryable(), times);
            }
            outcome => self.outcome(step, round, attempt, outcome, times),
        }
        self.advance_leaf(step, round)
    }

    /// What a worker of the other queue has to do, as the run's owner had it before it was routed.
    pub fn routed_step(&self, step: &Step, round: &Round<'_>, attempt: u32) -> Option<RunStep> {
        match &self.body {
            Work::Leaf(Leaf::Routed { attempt: current, .. }) if *current == attempt => {
                begin::work_of(step, self, round.known, attempt)
            }
            _ => None,
        }
    }
}
