//! The flow interpreter: from a definition and what is stored of a run to what happens next.
//!
//! Pure: the same checkpoints give the same actions, so recovery after a crash is nothing but [`Flow::resume`]. The
//! caller carries out the actions and reports back with events; `now` only stamps what the flow records itself.
//!
//! Inside, a run is a tree: lists of steps ([`list`]), whose units ([`unit`]) are attempts, blocks or loops.

mod action;
mod advance;
mod begin;
mod compute;
mod facts;
mod known;
mod list;
mod loops;
mod retry;
mod rooms;
mod scope;
mod stored;
mod unit;
mod variables;
mod view;
mod wait;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use self::action::{
    Action, CacheUse, CallChild, EmitEvent, End, Event, EventWait, Limits, LogLine, RateBound, RunStatus, RunStep,
    SlotLimit, Wait, WaitKind,
};
pub use self::compute::storable_outcome;
pub use self::facts::{
    ArrivedEvent, Begun, Cancel, Checkpoint, CheckpointStatus, ChildEnd, ChildRun, Past, RoutedEnd, RoutedStep,
    RunFacts,
};
use self::known::{Env, Known};
use self::list::{List, Round};
pub use self::loops::LoopCounts;
use self::stored::Stored;
use self::unit::{Failed, Unit};
pub use self::variables::evaluate_variables;
pub use self::view::{StepStatus, StepView};
use crate::{Definition, Step, StepError};

#[derive(Debug)]
pub struct Flow {
    definition: Arc<Definition>,
    known: Known,
    stored: Stored,
    main: List,
    /// The document's `on_error`, once it is at work.
    handler: Option<List>,
    /// The document's `finally`, once it is at work.
    last: Option<List>,
    phase: Phase,
    cancel: Option<Cancel>,
    /// What resuming brought to light and [`Flow::next`] hands out.
    found: Vec<Action>,
}

#[derive(Debug)]
enum Phase {
    Main,
    /// What had succeeded is being undone.
    Undo(Outcome),
    /// The run has failed, and its `on_error` steps are at work.
    OnError(Failed),
    Finally(Outcome),
    Ended,
}

/// How the run ends, unless its `finally` fails.
#[derive(Debug, Clone)]
enum Outcome {
    Succeeded { output: Value, at: DateTime<Utc> },
    Failed(Failed),
    Canceled { at: DateTime<Utc> },
}

impl Flow {
    /// The flow is complete for readers at once: [`Flow::steps`] and [`Flow::waits`] need no [`Flow::next`].
    pub fn resume(definition: Arc<Definition>, facts: Arc<RunFacts>, past: Past) -> Self {
        let since = facts.admitted_at.map_or(facts.created_at, |at| at.max(facts.created_at));
        let env = Env::run().until(facts.created_at + definition.timeout);
        let cancel = past.cancel;
        let mut flow = Self {
            main: List::new(env, &definition.steps, since, None),
            known: Known::new(facts, Arc::clone(&definition)),
            stored: Stored::new(past, since),
            definition,
            handler: None,
            last: None,
            phase: Phase::Main,
            cancel: None,
            found: Vec::new(),
        };
        flow.found = flow.replay(cancel);
        flow
    }

    /// Goes through what is stored in the order in which it came to be known, as the flow did that wrote it.
    fn replay(&mut self, mut cancel: Option<Cancel>) -> Vec<Action> {
        let mut found = Vec::new();
        let timed = self.definition.all_steps().into_iter().any(is_timed);
        let instants = self.stored.instants();
        while self.settle(self.known.facts.created_at, &mut found) {}
        for at in instants.into_iter().chain([self.stored.latest()]) {
            if let Some(due) = cancel.take_if(|cancel| cancel.at < at) {
                self.replay_cancel(due, timed, &mut found);
            }
            self.replay_to(at, timed, &mut found);
        }
        if let Some(due) = cancel {
            self.replay_cancel(due, timed, &mut found);
        }
        found
    }

    fn replay_cancel(&mut self, Cancel { at, undo }: Cancel, timed: bool, found: &mut Vec<Action>) {
        let now = at.max(self.known.facts.created_at);
        self.replay_to(now, timed, found);
        self.cancel(at, undo);
        while self.settle(now, found) {}
    }

    /// Deadlines on the way are noticed before what comes later.
    fn replay_to(&mut self, at: DateTime<Utc>, timed: bool, found: &mut Vec<Action>) {
        let mut last = DateTime::<Utc>::MIN_UTC;
        loop {
            let waits = if timed { self.waits() } else { Vec::new() };
            let dues = waits.iter().map(|wait| wait.due_at).chain([self.deadline()]);
            let Some(due) = dues.filter(|due| last < *due && *due < at).min() else { break };
            while self.settle(due, found) {}
            last = due;
        }
        while self.settle(at, found) {}
    }

    /// What to do now; call it once after [`Flow::resume`], then only [`Flow::apply`].
    pub fn next(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        let mut actions = std::mem::take(&mut self.found);
        self.advance(now.max(self.stored.latest()), &mut actions);
        actions
    }

    /// The actions are to be taken on, in their order, before the next event is reported: one of them may give up what
    /// an earlier one began.
    pub fn apply(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Action> {
        let mut actions = std::mem::take(&mut self.found);
        // Another clock may have been ahead.
        let now = now.max(self.stored.latest());
        match event {
            Event::Outcome { path, attempt, outcome, started_at, finished_at } => {
                let mut outcome = Some(outcome);
                self.with_unit(&path, now, &mut actions, &mut |step, unit, round| {
                    if let Some(outcome) = outcome.take() {
                        unit.outcome(step, round, attempt, outcome, (started_at, finished_at));
                    }
                });
            }
            Event::ChildStarted { path, attempt } => {
                self.with_unit(&path, now, &mut actions, &mut |step, unit, round| {
                    unit.child_started(step, round, attempt);
                });
            }
            Event::Routed { path, attempt, queue } => {
                self.with_unit(&path, now, &mut actions, &mut |_, unit, _| unit.routed(attempt, &queue));
            }
            Event::Deferred { path, attempt, until, reserved } => {
                self.with_unit(&path, now, &mut actions, &mut |_, unit, _| unit.deferred(attempt, until, reserved));
            }
            Event::Committed { path, attempt } => self.committed(path, attempt, now, &mut actions),
            Event::Time => {}
            Event::Cancel { at, undo } => self.cancel(at, undo),
        }
        self.advance(now, &mut actions);
        actions
    }

    /// The attempt of this path that was routed, for the worker that carries it out; `None` when the run does not wait
    /// for it any more. To be called after [`Flow::next`].
    pub fn routed_step(&mut self, path: &str, attempt: u32) -> Option<RunStep> {
        let (now, mut actions, mut found) = (self.stored.latest(), Vec::new(), None);
        self.with_unit(path, now, &mut actions, &mut |step, unit, round| {
            found = unit.routed_step(step, round, attempt);
        });
        found
    }

    /// Checkpoints count in the order in which they were asked for, whatever the order in which they are stored.
    fn committed(&mut self, path: String, attempt: u32, now: DateTime<Utc>, actions: &mut Vec<Action>) {
        let mut next = Some((path, attempt));
        while let Some((path, attempt)) = next.take() {
            let mut counts_from = None;
            self.with_unit(&path, now, actions, &mut |step, unit, round| {
                counts_from = unit.committed(step, round, attempt);
            });
            if let Some(at) = counts_from {
                // Before what is due later, though that is due by now: a resumed flow goes through it in this order.
                while self.settle(at, actions) {}
                next = self.stored.next_early();
            }
            // What follows from one is asked for before the next one counts.
            if next.is_some() {
                self.advance(now, actions);
            }
        }
    }

    /// Calls `act` with the unit of this path, if it is at work.
    fn with_unit(
        &mut self,
        path: &str,
        now: DateTime<Utc>,
        actions: &mut Vec<Action>,
        act: &mut dyn FnMut(&Step, &mut Unit, &mut Round<'_>),
    ) {
        let definition = Arc::clone(&self.definition);
        let (known, stored) = (&mut self.known, &mut self.stored);
        let mut round = Round { known, stored, now, starts: false, actions };
        let mut act = |step: &Step, unit: &mut Unit| {
            act(step, unit, &mut round);
            Some(())
        };
        let mut lists = [
            (Some(&mut self.main), &definition.steps),
            (self.handler.as_mut(), &definition.on_error),
            (self.last.as_mut(), &definition.finally),
        ];
        for (list, steps) in &mut lists {
            if list.as_mut().is_some_and(|list| list.find(steps, path, &mut act).is_some()) {
                return;
            }
        }
    }

    /// What the run waits for at this moment, the earliest first; the run's own age limit is not among them.
    pub fn waits(&self) -> Vec<Wait> {
        let mut waits = Vec::new();
        match self.phase {
            Phase::Main | Phase::Undo(_) => self.main.waits(&self.definition.steps, &mut waits),
            Phase::OnError(_) => {
                if let Some(list) = &self.handler {
                    list.waits(&self.definition.on_error, &mut waits);
                }
            }
            Phase::Finally(_) => {
                if let Some(list) = &self.last {
                    list.waits(&self.definition.finally, &mut waits);
                }
            }
            Phase::Ended => {}
        }
        waits.sort_by_key(|wait| wait.due_at);
        waits
    }

    /// Whether the run has come to its end.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// How the steps of the document are known so far.
    pub fn steps(&self) -> Vec<StepView> {
        view::steps(self)
    }

    /// What an expression behind all steps can read, by root; without secrets. A step whose id has hyphens is there by
    /// its other name too. Of a run that has ended: how, and what brought it down.
    pub fn names(&self, end: Option<(&'static str, Option<&StepError>)>) -> Map<String, Value> {
        self.known.names(end)
    }

    fn failed_with(&self) -> Option<&StepError> {
        match &self.phase {
            Phase::OnError(failed) | Phase::Undo(Outcome::Failed(failed)) | Phase::Finally(Outcome::Failed(failed)) => {
                Some(&failed.error)
            }
            _ => None,
        }
    }
}

/// What happens to it depends on the time as well.
fn is_timed(step: &Step) -> bool {
    (step.is_container() && (step.timeout.is_some() || step.retry.max > 0)) || !step.finally.is_empty()
}
