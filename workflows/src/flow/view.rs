//! The steps of a run as people see them.

use super::known::Known;
use super::list::{List, State};
use super::results::Verdict;
use super::{StepStatus, StepView, Wait, WaitKind};
use crate::{Body, Step};

impl List {
    pub fn views<'l>(&'l self, steps: &'l [Step], known: &'l Known) -> impl Iterator<Item = StepView> + 'l {
        steps.iter().enumerate().map(|(index, step)| self.view(step, index, known))
    }

    fn view(&self, step: &Step, index: usize, known: &Known) -> StepView {
        let place = &self.places[index];
        let mut view = StepView {
            path: step.id.clone(),
            name: step.name.clone(),
            step_type: step_type(&step.body).to_owned(),
            status: StepStatus::Pending,
            attempts: place.attempts,
            output: None,
            error: None,
            started_at: place.first_started_at,
            finished_at: None,
            waits_until: None,
        };
        match &place.state {
            State::Pending => {}
            // Its turn has come: whoever carries the run is at it.
            State::Ready | State::Recording(_) => view.status = StepStatus::Running,
            State::InFlight { attempt, started_at } => {
                view.status = StepStatus::Running;
                view.attempts = *attempt;
                view.started_at.get_or_insert(*started_at);
            }
            State::Waiting { since, due_at, .. } => {
                view.status = StepStatus::Waiting;
                view.started_at = Some(*since);
                view.waits_until = Some(*due_at);
            }
            State::Retrying { due_at, error } => {
                view.status = StepStatus::Retrying;
                view.error = error.as_deref().cloned();
                view.waits_until = Some(*due_at);
            }
            State::Ambiguous { due_at, error, .. } => {
                view.status = StepStatus::Ambiguous;
                view.error = error.as_deref().cloned();
                view.waits_until = Some(*due_at);
            }
            State::Canceled => view.status = StepStatus::Canceled,
            State::Over if self.is_beyond_stop(index, known) => view.status = StepStatus::Canceled,
            State::Over => {
                let result = self.result(index, known).expect("a step that is over has a result");
                view.status = match result.verdict {
                    Verdict::Succeeded => StepStatus::Succeeded,
                    Verdict::Failed => StepStatus::Failed,
                    Verdict::Skipped => StepStatus::Skipped,
                };
                view.attempts = result.attempts;
                view.output = (result.verdict == Verdict::Succeeded).then(|| result.output.clone());
                view.error.clone_from(&result.error);
                view.started_at = Some(result.started_at);
                view.finished_at = Some(result.finished_at);
            }
        }
        view
    }

    /// Computing does not stop with the list, but what came of it afterwards is of no effect: to people such a step
    /// never had its turn. One with a checkpoint did, whatever the clocks say.
    fn is_beyond_stop(&self, index: usize, known: &Known) -> bool {
        let Some(stop) = self.stop() else { return false };
        let is_computed = self.places[index].attempts == 0;
        is_computed
            && self.result(index, known).is_some_and(|result| (result.started_at, index) > (stop.at, stop.index))
    }

    pub fn waits<'l>(&'l self, steps: &'l [Step]) -> impl Iterator<Item = Wait> + 'l {
        let open = self.places.iter().zip(steps).skip(self.first_open).filter(|_| !self.halted);
        open.filter_map(|(place, step)| {
            let (kind, attempt, due_at) = match &place.state {
                State::Waiting { attempt, due_at, .. } => (WaitKind::Timer, *attempt, *due_at),
                State::Retrying { due_at, .. } => (WaitKind::Retry, place.attempts, *due_at),
                State::Ambiguous { due_at, .. } => (WaitKind::Person, place.attempts, *due_at),
                State::Pending
                | State::Ready
                | State::InFlight { .. }
                | State::Recording(_)
                | State::Over
                | State::Canceled => return None,
            };
            Some(Wait { path: step.id.clone(), attempt, kind, due_at })
        })
    }
}

fn step_type(body: &Body) -> &str {
    match body {
        Body::Work { step_type, .. } => step_type,
        Body::Value(_) => "value",
        Body::Wait(_) => "wait",
        Body::Log { .. } => "log",
        Body::Return(_) => "return",
        Body::Fail { .. } => "fail",
    }
}
