//! Limits in a run's own loop: what has to pass them first, and what is given back.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{EndRow, LoadedRun, Park, Release, RunWrite, Then, release_slots};
use onward_workflows::{End, ErrorKind, Event, RunStatus, RunStep, StepError, Wait, WaitKind};

use super::{Carried, Carrier, Flying, Next};
use crate::backing;
use crate::gate::{self, AdmitError, Asker, Gate};

/// Before limits that could not be looked at are looked at again.
const GATE_PAUSE: Duration = Duration::from_secs(1);

/// What a task of a run brings back.
pub(super) enum Landed {
    Told(Event),
    /// The limits of an attempt let it begin.
    Admitted(Box<RunStep>),
    /// They could not be looked at.
    Unsure(Box<RunStep>),
}

/// What happens outside reaches a run only while it is parked.
pub(super) fn is_outside(kind: &WaitKind) -> bool {
    match kind {
        WaitKind::Event(_) | WaitKind::Child(_) | WaitKind::Routed { .. } | WaitKind::Slot { reserved: false } => true,
        WaitKind::Timer | WaitKind::Retry | WaitKind::Person | WaitKind::Slot { reserved: true } => false,
    }
}

impl Carrier {
    /// Whether the limits of its document let the run go on; else it is parked, or ended, here.
    pub(super) async fn admits(&self, loaded: &mut LoadedRun) -> bool {
        let parked = |due_at, reserved| {
            let wait = Wait { path: String::new(), attempt: 1, kind: WaitKind::Slot { reserved }, due_at };
            Then::Park(Park { seen: loaded.seen, due_at, waits: vec![wait] })
        };
        let then = match gate::admit(&self.engine, loaded).await {
            Ok(Gate::Open(since)) => {
                if since.is_some() {
                    Arc::make_mut(&mut loaded.facts).admitted_at = since;
                }
                return true;
            }
            Ok(Gate::Reserved(at)) => parked(at, true),
            Ok(Gate::Waits(at)) => parked(at, false),
            Ok(Gate::Skipped) => {
                let why = "skipped: another run of the same `concurrency` key is at work";
                let error = Some(StepError::new(ErrorKind::Canceled, why));
                let end = End { status: RunStatus::Canceled, output: None, error, not_undone: Vec::new() };
                Then::End(EndRow::from(&end))
            }
            Err(error @ AdmitError::Key(_)) => {
                self.give_up(loaded.run, loaded.claimed, &error.to_string()).await;
                return false;
            }
            Err(AdmitError::Limit(error)) => {
                tracing::warn!(run.id = %loaded.run, error = %error, "the limits of a run could not be looked at");
                Then::Release(Release { seen: loaded.seen, due_at: self.engine.clock().now() + TimeDelta::seconds(1) })
            }
        };
        let nothing = RunWrite::nothing(loaded.run, loaded.claimed);
        self.committer.write(RunWrite { then, settles: loaded.has_pending, ..nothing }).await;
        false
    }
}

impl Carried<'_> {
    /// Looks at the limits of an attempt; it takes no seat before they let it begin.
    pub(super) fn ask(&mut self, step: RunStep) {
        let name = (step.path.clone(), step.attempt);
        let reserved = self.reserved.get(&name).copied();
        let priority = step.priority.map_or(self.priority, Into::into);
        let asker = Asker { run: self.run, path: step.path.clone(), attempt: step.attempt, priority, reserved };
        let engine = self.carrier.engine.clone();
        let provider: Vec<_> =
            self.carrier.steps.bounds(&step.step_type, &step.config).iter().map(backing::rate).collect();
        let task = self.attempts.spawn(async move {
            match gate::pass(&engine, &asker, &step.limits, &provider).await {
                Ok(Gate::Open(_) | Gate::Skipped) => Landed::Admitted(Box::new(step)),
                Ok(Gate::Reserved(at)) => later(asker, at, true),
                Ok(Gate::Waits(at)) => later(asker, at, false),
                Err(error) => {
                    tracing::warn!(run.id = %asker.run, error = %error, "the limits of a step could not be looked at");
                    tokio::time::sleep(GATE_PAUSE).await;
                    Landed::Unsure(Box::new(step))
                }
            }
        });
        self.in_flight.insert(name, Flying { task, harmless: true });
    }

    /// What a task has brought back, unless nobody wants to know any more.
    pub(super) fn land(&mut self, landed: Landed) -> Option<Next> {
        let mut is_wanted = |path: &str, attempt: u32| self.in_flight.remove(&(path.to_owned(), attempt)).is_some();
        match landed {
            Landed::Told(event) => {
                let wanted = match &event {
                    Event::Outcome { path, attempt, .. }
                    | Event::ChildStarted { path, attempt }
                    | Event::Deferred { path, attempt, .. } => is_wanted(path, *attempt),
                    Event::Routed { .. } | Event::Committed { .. } | Event::Time | Event::Cancel { .. } => true,
                };
                if let Event::Deferred { path, attempt, until, reserved: true } = &event {
                    self.reserved.insert((path.clone(), *attempt), *until);
                }
                wanted.then_some(Next::Event(event))
            }
            Landed::Admitted(step) => {
                if step.limits.slot.is_some() {
                    self.slots.insert(step.path.clone());
                }
                let wanted = is_wanted(&step.path, step.attempt);
                self.admitted.insert((step.path.clone(), step.attempt));
                wanted.then_some(Next::Admitted(step))
            }
            Landed::Unsure(step) => {
                if is_wanted(&step.path, step.attempt) {
                    self.ask(*step);
                }
                None
            }
        }
    }

    /// A slot is free as soon as its attempt is over.
    pub(super) async fn give_back(&mut self, path: &str) {
        if self.slots.remove(path) {
            self.release(Some(path)).await;
        }
    }

    /// The run has ended.
    pub(super) async fn give_everything_back(&self) {
        self.release(None).await;
    }

    async fn release(&self, path: Option<&str>) {
        if self.takes_slots
            && let Err(error) = release_slots(&self.carrier.engine, self.run, path).await
        {
            tracing::warn!(run.id = %self.run, error = %error, "a slot could not be given back; housekeeping frees it");
        }
    }
}

fn later(asker: Asker, until: DateTime<Utc>, reserved: bool) -> Landed {
    Landed::Told(Event::Deferred { path: asker.path, attempt: asker.attempt, until, reserved })
}
