//! Carries out a run in memory: attempts end as the case says, and the clock jumps to whatever is due next.

mod asked;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::code;
use super::file::Case;
use super::outcomes::Mocks;
use super::path::Known;
use super::seen::Seen;
use crate::check::Finding;
use crate::{
    Action, ArrivedEvent, Body, Checkpoint, CheckpointStatus, ChildEnd, Definition, End, ErrorKind, Event, EventWait,
    Flow, Outcome, Past, RunFacts, RunId, StepError, Template, Wait, WaitKind,
};

/// Things that may happen in one run.
const HAPPENINGS_MAX: usize = 200_000;

pub(super) struct Drive<'t> {
    flow: Flow,
    definition: Arc<Definition>,
    facts: Arc<RunFacts>,
    known: &'t Known<'t>,
    case: &'t Case<'t>,
    pub mocks: Mocks<'t>,
    pub now: DateTime<Utc>,
    past: Past,
    due: Vec<Due>,
    /// Attempts whose outcome is due: a flow that is resumed asks for them again.
    in_flight: HashSet<(String, u32)>,
    /// Reports to the flow, in their order.
    reports: VecDeque<Event>,
    /// The flow has to be resumed to know of an event or of a child's end.
    stale: bool,
    canceled: Option<(DateTime<Utc>, bool)>,
    pub seen: Seen,
    pub end: Option<End>,
    /// What stands in the way of going on.
    pub problems: Vec<Finding>,
    /// Ids of the events that steps have ended with.
    pub taken: HashSet<String>,
    /// What each `wait_for_event` was last known to listen for.
    listening: HashMap<String, EventWait>,
}

struct Due {
    at: DateTime<Utc>,
    what: Happening,
}

enum Happening {
    Outcome { path: String, attempt: u32, outcome: Box<Outcome>, started_at: DateTime<Utc> },
    ChildEnd { run: RunId, end: ChildEnd },
    Event(ArrivedEvent),
    Settled(Box<Checkpoint>),
    Cancel { undo: bool },
}

impl<'t> Drive<'t> {
    pub fn new(
        definition: Arc<Definition>,
        facts: Arc<RunFacts>,
        known: &'t Known<'t>,
        case: &'t Case<'t>,
        mocks: Mocks<'t>,
    ) -> Self {
        let now = facts.created_at;
        let flow = Flow::resume(Arc::clone(&definition), Arc::clone(&facts), Past::default());
        let mut due = Vec::new();
        for (place, sent) in case.events.iter().enumerate() {
            let at = now + sent.after;
            let event = ArrivedEvent {
                id: event_id(place),
                name: sent.name.text.clone(),
                key: sent.key.clone(),
                data: sent.data.clone(),
                received_at: at,
            };
            due.push(Due { at, what: Happening::Event(event) });
        }
        if let Some(cancel) = case.cancel {
            due.push(Due { at: now + cancel.after, what: Happening::Cancel { undo: cancel.undo } });
        }
        Self {
            flow,
            definition,
            facts,
            known,
            case,
            mocks,
            now,
            past: Past::default(),
            due,
            in_flight: HashSet::new(),
            reports: VecDeque::new(),
            stale: false,
            canceled: None,
            seen: Seen::default(),
            end: None,
            problems: Vec::new(),
            taken: HashSet::new(),
            listening: HashMap::new(),
        }
    }

    /// To the end of the run, or to the first problem.
    pub fn run(&mut self) {
        let actions = self.flow.next(self.now);
        self.carry_out(actions);
        for _ in 0..HAPPENINGS_MAX {
            if self.end.is_some() || !self.problems.is_empty() {
                return;
            }
            if std::mem::take(&mut self.stale) {
                self.resume();
                continue;
            }
            let waits = self.remember_waits();
            let next = self.due.iter().map(|due| due.at).chain(waits.iter().map(|wait| wait.due_at));
            self.now = next.chain([self.flow.deadline()]).min().unwrap_or(self.now).max(self.now);
            match (0..self.due.len())
                .filter(|place| self.due[*place].at <= self.now)
                .min_by_key(|place| self.due[*place].at)
            {
                Some(place) => {
                    let due = self.due.remove(place);
                    self.happen(due.what);
                }
                None => self.report(Event::Time),
            }
        }
        let finding = Finding::error(code::START, self.case.name.span, "the run does not come to an end");
        self.problems.push(finding.label(format!("stopped after {HAPPENINGS_MAX} steps of the clock")));
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Outcome { path, attempt, outcome, started_at } => {
                self.in_flight.remove(&(path.clone(), attempt));
                let finished_at = self.now;
                self.report(Event::Outcome { path, attempt, outcome: *outcome, started_at, finished_at });
            }
            Happening::ChildEnd { run, end } => {
                if let Some(child) = self.past.children.iter_mut().find(|child| child.run == run) {
                    child.end = Some(end);
                    self.stale = true;
                }
            }
            Happening::Event(event) => {
                self.past.events.push(event);
                self.stale = true;
            }
            Happening::Settled(checkpoint) => {
                self.past.checkpoints.push(*checkpoint);
                self.stale = true;
            }
            Happening::Cancel { undo } => {
                self.canceled = Some((self.now, undo));
                self.report(Event::Cancel { at: self.now, undo });
            }
        }
    }

    /// As another process would: from what is stored.
    fn resume(&mut self) {
        let mut past = self.past.clone();
        past.events.retain(|event| !self.taken.contains(&event.id));
        self.flow = Flow::resume(Arc::clone(&self.definition), Arc::clone(&self.facts), past);
        self.remember_waits();
        if let Some((at, undo)) = self.canceled {
            self.report(Event::Cancel { at, undo });
        } else {
            let actions = self.flow.next(self.now);
            self.carry_out(actions);
        }
    }

    fn remember_waits(&mut self) -> Vec<Wait> {
        let waits = self.flow.waits();
        for wait in &waits {
            if let WaitKind::Event(event) = &wait.kind {
                self.listening.insert(wait.path.clone(), event.clone());
            }
        }
        waits
    }

    fn report(&mut self, event: Event) {
        let actions = self.flow.apply(event, self.now);
        self.carry_out(actions);
    }

    /// All actions of one call come before the next report.
    fn carry_out(&mut self, actions: Vec<Action>) {
        self.take_on(actions);
        while let Some(report) = self.reports.pop_front() {
            let actions = self.flow.apply(report, self.now);
            self.take_on(actions);
        }
    }

    fn take_on(&mut self, actions: Vec<Action>) {
        self.seen.look(&self.flow, self.known);
        for action in actions {
            match action {
                Action::Run(run) => self.attempt(run),
                Action::Emit(emit) => self.emit(emit),
                Action::Call(call) => self.call(call),
                Action::CancelChild(run) => {
                    self.due
                        .retain(|due| !matches!(&due.what, Happening::ChildEnd { run: other, .. } if *other == run));
                }
                Action::Record { checkpoint, line: _ } => {
                    self.seen.recorded(&checkpoint, self.known);
                    self.note_event(&checkpoint);
                    let (path, attempt) = (checkpoint.path.clone(), checkpoint.attempt);
                    self.past.checkpoints.push(checkpoint);
                    self.reports.push_back(Event::Committed { path, attempt });
                }
                Action::Abandon { path, attempt } => self.abandon(path, attempt),
                Action::End(end) => self.end = Some(end),
            }
        }
    }

    fn abandon(&mut self, path: String, attempt: u32) {
        if !self.in_flight.remove(&(path.clone(), attempt)) {
            return;
        }
        let is_it = |due: &Due| matches!(&due.what, Happening::Outcome { path: other, attempt: number, .. } if *other == path && *number == attempt);
        self.due.retain(|due| !is_it(due));
        let outcome = Outcome::Failed(StepError::new(ErrorKind::Canceled, "stopped"));
        let (started_at, finished_at) = (self.now, self.now);
        self.reports.push_back(Event::Outcome { path, attempt, outcome, started_at, finished_at });
    }

    /// Which event a `wait_for_event` has ended with. Its output may have been shaped, so it need not say.
    fn note_event(&mut self, checkpoint: &Checkpoint) {
        let Some(Body::WaitForEvent(pattern)) = self.known.find(&checkpoint.path).map(|step| &step.body) else {
            return;
        };
        // With an event that is not the expected one a step has ended too.
        let expected = checkpoint.error.as_ref().is_none_or(|error| error.kind == ErrorKind::Expectation);
        if matches!(checkpoint.status, CheckpointStatus::Skipped | CheckpointStatus::Ambiguous) || !expected {
            return;
        }
        let said = checkpoint.output.as_ref().and_then(|output| output.get("id")).and_then(Value::as_str);
        let wait = self.listening.get(&checkpoint.path);
        let fits = |event: &&ArrivedEvent| {
            !self.taken.contains(&event.id)
                && match (wait, &pattern.names) {
                    (Some(wait), _) => wait.matches(event),
                    (None, Template::Literal(Value::Array(names))) => names.iter().any(|name| *name == event.name),
                    (None, Template::Literal(name)) => *name == event.name,
                    (None, _) => true,
                }
        };
        let by_id = self.past.events.iter().find(|event| Some(event.id.as_str()) == said);
        if let Some(id) = by_id.or_else(|| self.past.events.iter().find(fits)).map(|event| event.id.clone()) {
            self.taken.insert(id);
        }
    }
}

pub(super) fn event_id(place: usize) -> String {
    format!("evt_test_{}", place + 1)
}

/// A `Duration` of the moved clock.
pub(super) fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}
