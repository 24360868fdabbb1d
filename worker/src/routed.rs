//! Carrying out one step of a run that somebody else carries: from its job to its outcome.

use std::sync::Arc;
use std::time::Duration;

use onward_engine::{
    Claimed, FinishedRouted, LoadSecretsError, LoadedStep, announce_routed, drop_routed, finish_routed, load_routed,
    release, release_slots, reroute, type_queue,
};
use onward_workflows::{ErrorKind, Event, Flow, Outcome, RoutedEnd, RunId, RunStep, StepError, storable_outcome};
use tokio::sync::{Semaphore, watch};

use crate::attempt;
use crate::carry::{CRASHES_MAX, Carrier, Signal};
use crate::secrets::Unsealed;

/// A step whose run cannot be read now is handed back for so long.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two tries to store an outcome.
const STORE_PAUSE: Duration = Duration::from_millis(500);

impl Carrier {
    pub(crate) async fn carry_routed(&self, job: &Claimed, signal: watch::Receiver<Signal>) {
        let loaded = match load_routed(&self.engine, self.lease.worker(), job).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return self.drop_job(job).await,
            Err(error) => {
                tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "the run of a routed step could not be read");
                return self.leave(job, AGAIN).await;
            }
        };
        if self.drain.is_cancelled() {
            return self.leave(job, Duration::ZERO).await;
        }
        let attempt = loaded.attempt;
        let takes_slots = loaded.version.takes_slots;
        let Some(end) = self.outcome_of(job, loaded, signal).await else { return };
        self.finish(job, &FinishedRouted { attempt, end }).await;
        if takes_slots && let Err(error) = release_slots(&self.engine, job.run, Some(&job.path)).await {
            tracing::warn!(run.id = %job.run, error = %error, "a slot could not be given back; housekeeping frees it");
        }
    }

    /// What the step comes to; `None` when its job has been let go.
    async fn outcome_of(
        &self,
        job: &Claimed,
        loaded: LoadedStep,
        signal: watch::Receiver<Signal>,
    ) -> Option<RoutedEnd> {
        let LoadedStep { attempt, version, mut facts, past, recalled, begun } = loaded;
        if recalled && !begun {
            return Some(self.at_once(Outcome::Failed(StepError::stopped())));
        }
        if job.crashes >= CRASHES_MAX {
            let message = format!("the workers that carried this step out died {} times", job.crashes);
            return Some(self.at_once(Outcome::Failed(StepError::new(ErrorKind::CrashLoop, message))));
        }
        let unsealed = match self.unsealed(&version.definition, &mut facts).await {
            Ok(unsealed) => unsealed,
            Err(error @ LoadSecretsError::NotSet(_)) => {
                let error = StepError::new(ErrorKind::Config, error.to_string());
                return Some(self.at_once(Outcome::Failed(error)));
            }
            Err(error) => {
                tracing::error!(run.id = %job.run, step.path = %job.path, error = %error, "the secrets of a routed step cannot be read; it is handed back");
                self.leave(job, AGAIN).await;
                return None;
            }
        };
        let mut flow = Flow::resume(Arc::clone(&version.definition), facts, past);
        // What else the run would begin is its owner's business.
        flow.next(self.engine.clock().now());
        let Some(step) = flow.routed_step(&job.path, attempt) else {
            self.drop_job(job).await;
            return None;
        };
        if !self.steps.offers(&step.step_type) {
            self.hand_on(job, &step).await;
            return None;
        }
        let repeatable = self.steps.safe_to_repeat(&step.step_type, &step.config, step.key_is_written);
        if begun && !repeatable {
            return Some(self.at_once(Outcome::Ambiguous(StepError::unanswered())));
        }
        let harmless = repeatable && !step.undoable;
        if !harmless && !self.announce(job, (attempt, repeatable)).await {
            return None;
        }
        self.attempt((job.run, step), unsealed, harmless.then_some(signal)).await
    }

    /// Carries the attempt out. With a signal it is stopped when the run does not need it any more.
    async fn attempt(
        &self,
        (run, step): (RunId, RunStep),
        unsealed: Arc<Unsealed>,
        recalled: Option<watch::Receiver<Signal>>,
    ) -> Option<RoutedEnd> {
        let cache = step.cache.clone();
        let (engine, lease) = (self.engine.clone(), self.lease.clone());
        // The job holds a seat since its claim.
        let (own, seats) = (Arc::new(Semaphore::new(1)), Arc::clone(&self.seats));
        let (steps, step) = (Arc::clone(&self.steps), (run, step));
        let attempt = attempt::run(engine, steps, lease, step, Arc::clone(&unsealed), own, seats);
        let event = tokio::select! {
            biased;
            () = self.lease.lost().cancelled() => return None,
            event = attempt => unsealed.mask.event(event),
            () = recall_of(recalled) => {
                return Some(self.at_once(Outcome::Failed(StepError::stopped())));
            }
        };
        attempt::keep(&self.engine, cache.as_ref(), &event).await;
        match event {
            Event::Outcome { outcome, started_at, finished_at, .. } => {
                Some(RoutedEnd { outcome: storable_outcome(outcome), started_at, finished_at })
            }
            Event::ChildStarted { .. }
            | Event::Routed { .. }
            | Event::Deferred { .. }
            | Event::Committed { .. }
            | Event::Time
            | Event::Cancel { .. } => unreachable!("an attempt ends with its outcome"),
        }
    }

    fn at_once(&self, outcome: Outcome) -> RoutedEnd {
        let now = self.engine.clock().now();
        RoutedEnd { outcome, started_at: now, finished_at: now }
    }

    /// Until it is stored, or certainly not ours to store any more.
    async fn finish(&self, job: &Claimed, finished: &FinishedRouted) {
        while let Err(error) = finish_routed(&self.engine, self.lease.worker(), job, finished).await {
            tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "the outcome of a routed step was not stored; it is tried again");
            tokio::select! {
                () = self.lease.lost().cancelled() => return,
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        }
    }

    async fn announce(&self, job: &Claimed, attempt: (u32, bool)) -> bool {
        match announce_routed(&self.engine, self.lease.worker(), job, attempt).await {
            Ok(is_ours) => is_ours,
            Err(error) => {
                // Perhaps it is announced: then whoever comes next knows.
                tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "a routed step could not be announced");
                self.leave(job, AGAIN).await;
                false
            }
        }
    }

    async fn hand_on(&self, job: &Claimed, step: &RunStep) {
        let queue = type_queue(&step.step_type);
        if let Err(error) = reroute(&self.engine, self.lease.worker(), job, &queue).await {
            tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "a routed step could not be handed on");
        }
    }

    async fn drop_job(&self, job: &Claimed) {
        if let Err(error) = drop_routed(&self.engine, self.lease.worker(), job).await {
            tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "a routed step that nobody waits for could not be taken away");
        }
    }

    /// Hands the job back unharmed.
    pub(crate) async fn leave(&self, job: &Claimed, delay: Duration) {
        let (pool, wakes) = (self.engine.hot(), self.engine.wakes());
        if let Err(error) = release(pool, wakes, self.lease.worker(), &[job.name()], delay).await {
            tracing::warn!(run.id = %job.run, step.path = %job.path, error = %error, "a routed step could not be handed back; the sweep adopts it");
        }
    }
}

/// Resolves when the run has said that it does not need the step any more; never without a signal.
async fn recall_of(signal: Option<watch::Receiver<Signal>>) {
    let Some(mut signal) = signal else { return std::future::pending().await };
    if signal.wait_for(|signal| signal.cancel.is_some()).await.is_err() {
        std::future::pending::<()>().await;
    }
}
