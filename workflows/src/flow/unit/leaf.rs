//! Bodies that are one attempt at a time: work, waits, log lines, events, calls.

use chrono::{DateTime, Utc};

use super::{Asked, BodyEnd, Unit, Work};
use crate::flow::begin::{self, Begin};
use crate::flow::list::Round;
use crate::flow::stored::LastAttempt;
use crate::flow::{Action, CheckpointStatus, EventWait, wait};
use crate::{Body, CallMode, ErrorKind, RunId, Step, StepError};

#[derive(Debug)]
pub(crate) enum Leaf {
    /// Its turn has come, but it has not been started.
    Ready,
    /// Its outcome is stored, and counts from its instant on.
    Ahead(Box<LastAttempt>),
    InFlight {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
    /// Ended, but the checkpoint is not stored yet: nothing may follow from it.
    Recording(Asked),
    Waiting {
        since: DateTime<Utc>,
        due_at: DateTime<Utc>,
    },
    Listening(Box<Listening>),
    Child {
        child: RunId,
        since: DateTime<Utc>,
        due_at: Option<DateTime<Utc>>,
    },
    /// It is a job of its own.
    Routed {
        attempt: u32,
        queue: String,
        since: DateTime<Utc>,
    },
    /// A limit does not let it begin.
    Deferred {
        due_at: DateTime<Utc>,
        reserved: bool,
    },
    Retrying {
        due_at: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    Ambiguous {
        due_at: DateTime<Utc>,
        since: DateTime<Utc>,
        error: Option<Box<StepError>>,
    },
    Over(Box<BodyEnd>),
}

/// A `wait_for_event` that waits.
#[derive(Debug)]
pub(crate) struct Listening {
    pub wait: EventWait,
    pub since: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
}

impl Unit {
    pub(super) fn enter_leaf(&mut self, step: &Step, round: &mut Round<'_>) {
        self.body = Work::Leaf(Leaf::Ready);
        if let Some(last) = round.stored.take(&self.path) {
            self.first_started_at = Some(last.first_started_at);
            self.body = Work::Leaf(Leaf::Ahead(Box::new(last)));
        } else {
            self.await_turn(step, round);
            if self.is_halted() {
                self.abandon(step, round);
            }
        }
    }

    /// Waits begin when their turn comes, whether somebody carries the run or not.
    fn await_turn(&mut self, step: &Step, round: &Round<'_>) {
        let since = self.ready_at;
        let leaf = match &step.body {
            Body::Wait(wait) => wait::due_at(wait, round.known, &self.env, &self.path, since)
                .map(|due_at| Leaf::Waiting { since, due_at }),
            Body::WaitForEvent(pattern) => begin::listen(step, pattern, round.known, self, since)
                .map(|listening| Leaf::Listening(Box::new(listening))),
            Body::Call { .. } => return self.await_child(step, round),
            Body::Work { .. } => return self.await_routed(round),
            _ => return,
        };
        // What cannot be waited for fails when it begins, and that is recorded.
        if let Ok(leaf) = leaf {
            self.body = Work::Leaf(leaf);
        }
    }

    /// The child of the next attempt may have been started already.
    pub(super) fn await_child(&mut self, step: &Step, round: &Round<'_>) {
        let next = self.attempts + 1;
        let child = begin::child_of(step, &round.known.facts, &self.path, next, self.ready_at);
        if let (Body::Call { mode: CallMode::Wait, .. }, Some(child)) = (&step.body, child)
            && round.stored.child(child).is_some()
        {
            self.call(step, child);
        }
    }

    pub(super) fn advance_leaf(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        let (ready_at, is_halted) = (self.ready_at, self.is_halted());
        let Work::Leaf(leaf) = &mut self.body else { unreachable!("this body is a leaf") };
        if let Leaf::Ahead(last) = leaf {
            if round.now < last.checkpoint.finished_at {
                return None;
            }
            if let Leaf::Ahead(last) = std::mem::replace(leaf, Leaf::Ready) {
                self.apply(step, round, last.checkpoint);
            }
            return self.advance_leaf(step, round);
        }
        if matches!(leaf, Leaf::Routed { .. }) {
            return self.advance_routed(step, round);
        }
        if let Leaf::Over(end) = leaf {
            return Some(std::mem::replace(&mut **end, BodyEnd::Halted { at: ready_at }));
        }
        if is_halted {
            return self.give_up_leaf(step, round);
        }
        if !round.starts {
            return None;
        }
        let now = round.now;
        match leaf {
            Leaf::Ready => self.begin(step, round, now),
            Leaf::Retrying { due_at, .. } | Leaf::Deferred { due_at, .. } if *due_at <= now => {
                self.begin(step, round, now);
            }
            Leaf::Waiting { since, due_at } if *due_at <= now => {
                let since = *since;
                self.end_wait(step, round, since, now);
            }
            Leaf::Listening(_) => self.listen(step, round, now),
            Leaf::Child { child, since, due_at } => {
                let (child, since, due_at) = (*child, *since, *due_at);
                self.look_at_child(step, round, (child, since, due_at), now);
            }
            Leaf::Ambiguous { due_at, since, error } if *due_at <= now => {
                let (since, error) = (*since, error.take());
                self.settle_ambiguous(step, round, since, error, now);
            }
            _ => {}
        }
        None
    }

    /// What encloses it has ended. Only what may have to be undone is waited for.
    fn give_up_leaf(&mut self, step: &Step, round: &mut Round<'_>) -> Option<BodyEnd> {
        let begun = round.stored.begun(&self.path, self.attempts + 1).is_some();
        let Work::Leaf(leaf) = &self.body else { unreachable!("this body is a leaf") };
        match leaf {
            Leaf::InFlight { .. } | Leaf::Routed { .. } | Leaf::Recording(_) | Leaf::Ahead(_) | Leaf::Over(_) => {
                return None;
            }
            Leaf::Child { child, since, .. } if step.compensate.is_some() => {
                let (child, since) = (*child, *since);
                self.look_at_child(step, round, (child, since, None), round.now);
                return None;
            }
            Leaf::Ambiguous { .. } => self.undo.doubt(step),
            Leaf::Ready | Leaf::Retrying { .. } if begun => self.undo.doubt(step),
            Leaf::Ready
            | Leaf::Retrying { .. }
            | Leaf::Deferred { .. }
            | Leaf::Waiting { .. }
            | Leaf::Listening(_)
            | Leaf::Child { .. } => {}
        }
        Some(BodyEnd::Halted { at: self.ready_at })
    }

    /// Asks for the attempt in flight, or for the child, to be stopped.
    pub(super) fn abandon(&mut self, step: &Step, round: &mut Round<'_>) {
        let Work::Leaf(leaf) = &self.body else { return };
        match leaf {
            Leaf::Routed { attempt, .. } if round.stored.is_done(&self.path, *attempt) => {}
            Leaf::InFlight { attempt, .. } | Leaf::Routed { attempt, .. } => {
                round.actions.push(Action::Abandon { path: self.path.to_string(), attempt: *attempt });
            }
            Leaf::Child { child, .. } => round.actions.push(Action::CancelChild(*child)),
            Leaf::Ready | Leaf::Retrying { .. } => {
                let child = begin::child_of(step, &round.known.facts, &self.path, self.attempts + 1, self.ready_at);
                if let Some(running) = child.and_then(|child| round.stored.child(child))
                    && running.end.is_none()
                {
                    round.actions.push(Action::CancelChild(running.run));
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, step: &Step, round: &mut Round<'_>, now: DateTime<Utc>) {
        let attempt = self.attempts + 1;
        self.await_routed(round);
        if matches!(self.body, Work::Leaf(Leaf::Routed { .. })) {
            return;
        }
        if round.stored.begun(&self.path, attempt).is_some_and(|begun| !begun.repeatable) {
            let error = StepError::unanswered();
            return self.record(round, CheckpointStatus::Ambiguous, None, Some(error), (now, now), None);
        }
        match begin::begin(step, self, round, attempt) {
            Ok(Begin::Asked(action)) => {
                round.actions.push(action);
                self.body = Work::Leaf(Leaf::InFlight { attempt, started_at: now });
            }
            Ok(Begin::Called { child }) => {
                let (since, due_at) = self.call(step, child);
                self.look_at_child(step, round, (child, since, due_at), now);
            }
            Ok(Begin::Line(line)) => {
                self.record(round, CheckpointStatus::Succeeded, None, None, (now, now), Some(line));
            }
            Ok(Begin::Waits { since, due_at }) if due_at <= now => self.end_wait(step, round, since, now),
            Ok(Begin::Waits { since, due_at }) => self.body = Work::Leaf(Leaf::Waiting { since, due_at }),
            Ok(Begin::Listens(listening)) => {
                self.body = Work::Leaf(Leaf::Listening(Box::new(listening)));
                self.listen(step, round, now);
            }
            Err(error) => self.attempt_failed(step, round, *error, (now, now)),
        }
    }

    fn end_wait(&mut self, step: &Step, round: &mut Round<'_>, since: DateTime<Utc>, now: DateTime<Utc>) {
        let waited_ms = (now - since).num_milliseconds().max(0);
        self.attempt_done(step, round, serde_json::json!({ "waited_ms": waited_ms }), (since, now));
    }

    /// Ends with the first event that is meant, or with the deadline.
    fn listen(&mut self, step: &Step, round: &mut Round<'_>, now: DateTime<Utc>) {
        let Work::Leaf(Leaf::Listening(listening)) = &self.body else { return };
        let (since, due_at) = (listening.since, listening.due_at);
        let condition = match &step.body {
            Body::WaitForEvent(pattern) => pattern.condition.as_ref(),
            _ => None,
        };
        let found = round.stored.events.iter().find(|event| {
            listening.wait.matches(event)
                && event.received_at <= due_at
                && !round.stored.consumed.contains(&event.id)
                && condition.is_none_or(|condition| {
                    // An event that lacks what the condition reads is another one.
                    round.known.test_event(condition, &self.env, &event.to_value()).unwrap_or(false)
                })
        });
        if let Some(event) = found.map(|event| (event.id.clone(), event.to_value())) {
            round.stored.consumed.insert(event.0);
            self.attempt_done(step, round, event.1, (since, now));
        } else if due_at <= now {
            let error = StepError::new(ErrorKind::Timeout, "no such event came in time");
            self.attempt_failed(step, round, error, (since, now));
        } else if let Work::Leaf(Leaf::Listening(listening)) = &mut self.body {
            // What has been looked at need not be looked at again.
            let seen = round.stored.events.iter().filter(|event| listening.wait.matches(event));
            if let Some(last) = seen.map(|event| event.received_at).max() {
                listening.wait.since = last;
            }
        }
    }

    fn look_at_child(
        &mut self,
        step: &Step,
        round: &mut Round<'_>,
        (child, since, due_at): (RunId, DateTime<Utc>, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) {
        match round.stored.child(child).and_then(|child| child.end.clone()) {
            Some(end) => {
                let at = (since, end.finished_at.max(since));
                match begin::outcome_of(child, end) {
                    Ok(output) => self.attempt_done(step, round, output, at),
                    Err(error) => self.attempt_failed(step, round, *error, at),
                }
            }
            None if due_at.is_some_and(|due_at| due_at <= now) => {
                round.actions.push(Action::CancelChild(child));
                let error = StepError::new(ErrorKind::Timeout, "the called workflow took longer than `timeout`");
                self.attempt_failed(step, round, error.retryable(), (since, now));
            }
            None => {}
        }
    }

    /// A limit does not let the attempt begin yet.
    pub fn deferred(&mut self, attempt: u32, due_at: DateTime<Utc>, reserved: bool) {
        let Work::Leaf(leaf) = &mut self.body else { return };
        if matches!(leaf, Leaf::InFlight { attempt: current, .. } if *current == attempt) {
            *leaf = Leaf::Deferred { due_at, reserved };
        }
    }

    /// The called workflow has been started.
    pub fn child_started(&mut self, step: &Step, round: &mut Round<'_>, attempt: u32) {
        let Work::Leaf(Leaf::InFlight { attempt: current, .. }) = &self.body else { return };
        if *current != attempt {
            return;
        }
        let child = begin::child_of(step, &round.known.facts, &self.path, attempt, self.ready_at);
        let Some(child) = child else { return };
        self.call(step, child);
        if self.is_halted() {
            round.actions.push(Action::CancelChild(child));
        }
    }

    fn call(&mut self, step: &Step, child: RunId) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        let since = self.turn_at;
        let due_at = step.timeout.map(|timeout| since + timeout);
        self.body = Work::Leaf(Leaf::Child { child, since, due_at });
        (since, due_at)
    }
}
