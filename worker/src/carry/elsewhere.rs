//! Steps of a run that other workers carry out.

use onward_engine::{RoutedRow, recall_routed, type_queue};
use onward_workflows::{Event, RunStep};

use super::Carried;
use super::asked::Asked;

impl Carried<'_> {
    /// The job that a step becomes whose place is not here: another queue was named, or this process does not have its
    /// type.
    pub(super) fn routed(&self, step: &RunStep) -> Option<RoutedRow> {
        let queue = match &step.queue {
            Some(queue) if *queue != self.queue => queue.clone(),
            Some(_) | None if !self.carrier.steps.offers(&step.step_type) => type_queue(&step.step_type),
            Some(_) | None => return None,
        };
        let priority = step.priority.map_or(self.priority, Into::into);
        Some(RoutedRow { path: step.path.clone(), attempt: step.attempt, queue, priority })
    }

    /// The flow waits for them from now on.
    pub(super) fn handed_over(&mut self, asked: &mut Asked) {
        let now = self.now();
        for RoutedRow { path, attempt, queue, .. } in std::mem::take(&mut asked.routed) {
            self.carrier.engine.wakes().queue(&queue);
            asked.then.extend(self.flow.apply(Event::Routed { path, attempt, queue }, now));
        }
    }

    /// What comes of it is found when the run is read again.
    pub(super) async fn recall(&self, path: &str, attempt: u32) {
        let (engine, worker) = (&self.carrier.engine, self.carrier.lease.worker());
        if let Err(error) = recall_routed(engine, worker, self.run, (path, attempt)).await {
            tracing::warn!(run.id = %self.run, step.path = path, error = %error, "a routed step could not be recalled");
        }
    }
}
