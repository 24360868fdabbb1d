//! What the flow asks for, sorted by who does it and when.

use onward_engine::{Announced, CheckpointRow, RoutedRow};
use onward_workflows::{Action, End, Event, Limits, Outcome, RunId, RunStep, StepError};

use super::Carried;
use crate::errand::Errand;

/// What the flow has asked for and has not been done yet.
#[derive(Default)]
pub(super) struct Asked {
    pub records: Vec<CheckpointRow>,
    pub announced: Vec<Announced>,
    pub runs: Vec<RunStep>,
    pub errands: Vec<Errand>,
    /// Attempts whose limits are to be looked at before anything else.
    pub gates: Vec<RunStep>,
    /// Attempts that become jobs of their own.
    pub routed: Vec<RoutedRow>,
    pub cancels: Vec<RunId>,
    /// Attempts of other workers that nobody needs any more.
    pub recalls: Vec<(String, u32)>,
    pub end: Option<End>,
    /// What follows from the records, once they are stored.
    pub then: Vec<Action>,
}

impl Asked {
    /// How many attempts are about to begin.
    fn begins(&self) -> usize {
        self.runs.len() + self.gates.len() + self.routed.len() + self.then.len()
    }

    pub fn stores_nothing(&self) -> bool {
        self.records.is_empty() && self.announced.is_empty() && self.routed.is_empty() && self.end.is_none()
    }
}

impl Carried<'_> {
    /// Sorts what the flow asks for. A record counts as stored for the flow at once, but what follows from it is kept
    /// until it is: only an end travels in the same write.
    pub(super) fn sort(&mut self, actions: Vec<Action>) -> Asked {
        let mut asked = Asked::default();
        let mut stored = Vec::new();
        for action in actions {
            match action {
                Action::Record { checkpoint, line } => {
                    let checkpoint = self.unsealed.mask.checkpoint(checkpoint);
                    asked.records.push(CheckpointRow::new(&checkpoint, line.as_ref()));
                    stored.push(Event::Committed { path: checkpoint.path, attempt: checkpoint.attempt });
                }
                Action::Run(step) if self.is_limited(&step) => asked.gates.push(step),
                Action::Run(step) => match self.routed(&step) {
                    Some(row) => asked.routed.push(row),
                    None => asked.runs.push(step),
                },
                Action::Abandon { path, attempt } => self.abandon(&mut asked, &(path, attempt)),
                Action::Emit(event) => asked.errands.push(Errand::Emit(event)),
                Action::Call(call) => asked.errands.push(Errand::Call(call)),
                Action::CancelChild(child) => asked.cancels.push(child),
                Action::End(end) => asked.end = Some(end),
            }
        }
        let now = self.now();
        for event in stored {
            for follows in self.flow.apply(event, now) {
                match follows {
                    Action::End(end) => asked.end = Some(end),
                    Action::Abandon { path, attempt } => self.abandon(&mut asked, &(path, attempt)),
                    Action::CancelChild(child) => asked.cancels.push(child),
                    Action::Run(_) | Action::Emit(_) | Action::Call(_) | Action::Record { .. } => {
                        asked.then.push(follows);
                    }
                }
            }
        }
        let steps = &self.carrier.steps;
        let announced = asked.runs.iter().filter_map(|step| {
            let repeatable = steps.safe_to_repeat(&step.step_type, &step.config, step.key_is_written);
            let announced = Announced { path: step.path.clone(), attempt: step.attempt, repeatable };
            (!repeatable || step.undoable).then_some(announced)
        });
        asked.announced = announced.collect();
        asked
    }

    /// By its document, or by the service that it goes to; an attempt is asked about once.
    fn is_limited(&self, step: &RunStep) -> bool {
        if !self.admitted.is_empty() && self.admitted.contains(&(step.path.clone(), step.attempt)) {
            return false;
        }
        step.limits != Limits::default() || !self.carrier.steps.bounds(&step.step_type, &step.config).is_empty()
    }

    /// Stops an attempt that has not begun, or can be stopped without harm; any other goes on to its outcome.
    fn abandon(&mut self, asked: &mut Asked, attempt: &(String, u32)) {
        let is_it = |step: &RunStep| step.path == attempt.0 && step.attempt == attempt.1;
        let before = asked.begins();
        asked.runs.retain(|step| !is_it(step));
        asked.gates.retain(|step| !is_it(step));
        asked.then.retain(|action| !matches!(action, Action::Run(step) if is_it(step)));
        asked.routed.retain(|row| row.path != attempt.0 || row.attempt != attempt.1);
        let mut stopped = asked.begins() < before;
        if !stopped && !self.in_flight.contains_key(attempt) {
            asked.recalls.push(attempt.clone());
        }
        if self.in_flight.get(attempt).is_some_and(|flying| flying.harmless)
            && let Some(flying) = self.in_flight.remove(attempt)
        {
            flying.task.abort();
            stopped = true;
        }
        if stopped {
            let outcome = Outcome::Failed(StepError::stopped());
            let ((path, attempt), now) = (attempt.clone(), self.now());
            self.told.push_back(Event::Outcome { path, attempt, outcome, started_at: now, finished_at: now });
        }
    }
}
