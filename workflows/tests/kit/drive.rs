//! Carries out what a flow asks for: attempts end as the test says, checkpoints are stored in memory.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{
    Action, ArrivedEvent, Begun, CallChild, Cancel, Checkpoint, CheckpointStatus, ChildEnd, ChildRun, Definition,
    EmitEvent, End, ErrorKind, Event, Flow, LogLine, Outcome, Past, RoutedEnd, RoutedStep, RunFacts, RunId, RunStatus,
    RunStep, StepError, StepStatus, StepView,
};
use serde_json::{Value, json};

use crate::build::{at, facts};

pub struct Drive {
    pub flow: Flow,
    pub definition: Arc<Definition>,
    pub facts: Arc<RunFacts>,
    pub now: DateTime<Utc>,
    pub checkpoints: Vec<Checkpoint>,
    pub events: Vec<ArrivedEvent>,
    pub children: Vec<ChildRun>,
    pub routed: Vec<RoutedStep>,
    pub cancel: Option<Cancel>,
    pub lines: Vec<LogLine>,
    pub emitted: Vec<EmitEvent>,
    pub called: Vec<CallChild>,
    pub in_flight: Vec<RunStep>,
    pub end: Option<End>,
    /// What was asked for, in words.
    pub asked: Vec<String>,
    /// Checkpoints that were asked for while the store was held up.
    pub held: Option<Vec<Checkpoint>>,
    /// Attempts that are given up are not stopped at once: they go on to an outcome.
    pub finishes_abandoned: bool,
    pub manner: Manner,
}

/// How things go.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// No two things happen at the same instant.
    pub ticks: bool,
    /// Another queue's workers carry out the steps whose paths have an even length.
    pub routes: bool,
}

pub fn drive(definition: Definition, inputs: Value) -> Drive {
    start(Arc::new(definition), facts(inputs), Past::default(), at(0))
}

pub fn resume(
    definition: Arc<Definition>,
    facts: Arc<RunFacts>,
    checkpoints: Vec<Checkpoint>,
    begun: Vec<(String, u32)>,
    now: DateTime<Utc>,
) -> Drive {
    let begun = begun.into_iter().map(|(path, attempt)| Begun { path, attempt, repeatable: false }).collect();
    start(definition, facts, Past { checkpoints, begun, ..Past::default() }, now)
}

pub fn start(definition: Arc<Definition>, facts: Arc<RunFacts>, past: Past, now: DateTime<Utc>) -> Drive {
    begin(definition, facts, past, now, Manner::default())
}

pub fn begin(
    definition: Arc<Definition>,
    facts: Arc<RunFacts>,
    past: Past,
    now: DateTime<Utc>,
    manner: Manner,
) -> Drive {
    let Past { checkpoints, begun: _, events, children, routed, cancel } = past.clone();
    let flow = Flow::resume(Arc::clone(&definition), Arc::clone(&facts), past);
    let mut drive = Drive {
        flow,
        definition,
        facts,
        now,
        checkpoints,
        events,
        children,
        routed,
        cancel,
        lines: Vec::new(),
        emitted: Vec::new(),
        called: Vec::new(),
        in_flight: Vec::new(),
        end: None,
        asked: Vec::new(),
        held: None,
        finishes_abandoned: false,
        manner,
    };
    let actions = drive.flow.next(now);
    drive.carry_out(actions);
    drive
}

pub fn retryable(message: &str) -> Outcome {
    Outcome::Failed(StepError::new(ErrorKind::Http, message).retryable())
}

pub fn definite(message: &str) -> Outcome {
    Outcome::Failed(StepError::new(ErrorKind::Http, message))
}

pub fn ambiguous(message: &str) -> Outcome {
    Outcome::Ambiguous(StepError::new(ErrorKind::Network, message))
}

/// As it is reported of an attempt that was given up before it could matter.
pub fn stopped() -> Outcome {
    Outcome::Failed(StepError::new(ErrorKind::Canceled, "stopped"))
}

impl Drive {
    /// All actions of one call come before the next event.
    pub fn carry_out(&mut self, actions: Vec<Action>) {
        let (mut recorded, mut told) = (Vec::new(), VecDeque::new());
        for action in actions {
            assert!(self.end.is_none(), "nothing follows the end: {action:?}");
            match action {
                Action::Run(run) => {
                    self.assert_new(&run.path, run.attempt);
                    self.assert_not_routed(&run.path, run.attempt);
                    self.asked.push(format!("run {}#{}", run.path, run.attempt));
                    if self.manner.routes && run.path.len().is_multiple_of(2) {
                        let (path, attempt, queue) = (run.path, run.attempt, "elsewhere".to_owned());
                        told.push_back(Event::Routed { path: path.clone(), attempt, queue: queue.clone() });
                        self.routed.push(RoutedStep { path, attempt, queue, end: None });
                    } else {
                        self.in_flight.push(run);
                    }
                }
                Action::Abandon { path, attempt } => {
                    self.asked.push(format!("abandon {path}#{attempt}"));
                    let is_it = |run: &RunStep| (&run.path, run.attempt) == (&path, attempt);
                    // What other workers are at ends some time.
                    if !self.finishes_abandoned && self.in_flight.iter().any(is_it) {
                        self.in_flight.retain(|run| !is_it(run));
                        told.push_back(self.outcome(path, attempt, stopped()));
                    }
                }
                Action::Record { checkpoint, line } => {
                    let Checkpoint { path, attempt, .. } = &checkpoint;
                    self.asked.push(format!("record {path}#{attempt} {}", word(checkpoint.status)));
                    self.lines.extend(line);
                    match &mut self.held {
                        Some(held) => held.push(checkpoint),
                        None => recorded.push(checkpoint),
                    }
                }
                Action::Emit(event) => {
                    self.asked.push(format!("emit {}#{}", event.path, event.attempt));
                    let output = json!({"event_id": event.id, "woke": 0, "started": 0});
                    told.push_back(self.outcome(event.path.clone(), event.attempt, Outcome::Done(output)));
                    self.emitted.push(event);
                }
                Action::Call(call) => {
                    self.asked.push(format!("call {}#{}", call.path, call.attempt));
                    let (path, attempt) = (call.path.clone(), call.attempt);
                    if call.wait {
                        self.children.push(ChildRun { run: call.child, end: None });
                        told.push_back(Event::ChildStarted { path, attempt });
                    } else {
                        let output = json!({"run_id": call.child.to_string(), "url": "/"});
                        told.push_back(self.outcome(path, attempt, Outcome::Done(output)));
                    }
                    self.called.push(call);
                }
                Action::CancelChild(child) => {
                    assert!(self.children.iter().any(|known| known.run == child), "a child that was started");
                    self.asked.push("cancel child".to_owned());
                }
                Action::End(end) => {
                    self.asked.push(format!("end {}", word(end.status)));
                    self.end = Some(end);
                }
            }
        }
        for event in told {
            self.apply(event);
        }
        for checkpoint in recorded {
            self.store(checkpoint);
        }
    }

    fn outcome(&self, path: String, attempt: u32, outcome: Outcome) -> Event {
        Event::Outcome { path, attempt, outcome, started_at: self.now, finished_at: self.now }
    }

    pub fn cancel(&mut self, undo: bool) -> &mut Self {
        let at = self.now;
        self.cancel = Some(Cancel { at, undo });
        self.apply(Event::Cancel { at, undo });
        self
    }

    /// An event arrives. The run learns of it when it is read again.
    pub fn deliver(&mut self, name: &str, data: Value) -> &mut Self {
        let id = format!("evt_{}", self.events.len());
        let (name, received_at) = (name.to_owned(), self.now);
        self.events.push(ArrivedEvent { id, name, key: None, data, received_at });
        self.read_again()
    }

    /// The child that this step called last comes to its end.
    pub fn child_ends(&mut self, path: &str, status: RunStatus, output: Option<Value>) -> &mut Self {
        let child = self.called.iter().rfind(|call| call.path == path).expect("it was called").child;
        self.end_child(child, status, output);
        self.read_again()
    }

    pub fn end_child(&mut self, child: RunId, status: RunStatus, output: Option<Value>) {
        let error = (status == RunStatus::Failed).then(|| StepError::new(ErrorKind::Fail, "the child failed"));
        let known = self.children.iter_mut().find(|known| known.run == child).expect("it was started");
        known.end = Some(ChildEnd { status, output, error, finished_at: self.now });
    }

    /// The worker that carries out this routed step says what it came to.
    pub fn end_routed(&mut self, path: &str, outcome: Outcome) {
        let end = RoutedEnd { outcome, started_at: self.now, finished_at: self.now };
        let open = |routed: &&mut RoutedStep| routed.path == path && routed.end.is_none();
        if let Some(routed) = self.routed.iter_mut().rfind(open) {
            routed.end = Some(end);
        }
    }

    /// The run goes on from what is stored; its attempts in flight begin anew.
    pub fn read_again(&mut self) -> &mut Self {
        if self.manner.ticks {
            self.now += TimeDelta::milliseconds(1);
        }
        let again = self.again();
        let before = std::mem::replace(self, again);
        let (emitted, called, mut lines) = (before.emitted, before.called, before.lines);
        lines.append(&mut self.lines);
        self.emitted.splice(0..0, emitted);
        self.called.splice(0..0, called);
        self.lines = lines;
        self.asked.splice(0..0, before.asked);
        self.finishes_abandoned = before.finishes_abandoned;
        // What was not stored is lost.
        self.held = before.held.map(|_| Vec::new());
        self
    }

    /// What is over does not begin again, and no attempt has a number that was given before.
    fn assert_new(&self, path: &str, attempt: u32) {
        let over = [CheckpointStatus::Succeeded, CheckpointStatus::Failed, CheckpointStatus::Skipped];
        let mut stored = self.checkpoints.iter().filter(|stored| stored.path == path);
        let again = stored.find(|stored| over.contains(&stored.status) || attempt <= stored.attempt);
        assert!(again.is_none(), "{path}#{attempt} comes after {again:?}");
    }

    /// What other workers are at is not asked for again.
    fn assert_not_routed(&self, path: &str, attempt: u32) {
        let known = self.routed.iter().find(|routed| routed.path == path && routed.attempt == attempt);
        assert!(known.is_none(), "{known:?} is asked for again");
    }

    pub fn store(&mut self, checkpoint: Checkpoint) {
        self.assert_new(&checkpoint.path, checkpoint.attempt);
        let (path, attempt) = (checkpoint.path.clone(), checkpoint.attempt);
        self.checkpoints.push(checkpoint);
        self.apply(Event::Committed { path, attempt });
    }

    pub fn apply(&mut self, event: Event) {
        if self.manner.ticks {
            self.now += TimeDelta::microseconds(1);
        }
        let actions = self.flow.apply(event, self.now);
        self.carry_out(actions);
    }

    /// The attempt in flight of this path ends, now.
    pub fn finish(&mut self, path: &str, outcome: Outcome) -> &mut Self {
        let place = self.in_flight.iter().position(|run| run.path == path);
        let run = self.in_flight.remove(place.unwrap_or_else(|| panic!("{path} is not in flight: {:?}", self.asked)));
        let (started_at, finished_at) = (self.now, self.now);
        self.apply(Event::Outcome { path: run.path, attempt: run.attempt, outcome, started_at, finished_at });
        self
    }

    pub fn done(&mut self, path: &str, output: Value) -> &mut Self {
        self.finish(path, Outcome::Done(output))
    }

    /// Attempts in flight end well, in this order.
    pub fn all_done(&mut self, paths: &[&str]) -> &mut Self {
        for path in paths {
            self.done(path, json!(path));
        }
        self
    }

    /// It is `seconds` after the creation of the run.
    pub fn time(&mut self, seconds: i64) -> &mut Self {
        self.now = at(seconds);
        self.apply(Event::Time);
        self
    }

    /// What was asked for since the last look.
    #[track_caller]
    pub fn expect(&mut self, asked: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.asked), asked);
        self
    }

    /// What is stored of the run.
    pub fn past(&self) -> Past {
        let is_open = |routed: &&RoutedStep| {
            self.checkpoints.iter().all(|row| row.path != routed.path || row.attempt < routed.attempt)
        };
        Past {
            checkpoints: self.checkpoints.clone(),
            begun: Vec::new(),
            events: self.events.clone(),
            children: self.children.clone(),
            // A checkpoint takes the wait that it settles with it.
            routed: self.routed.iter().filter(is_open).cloned().collect(),
            cancel: self.cancel,
        }
    }

    /// The same run in another process, from what is stored.
    pub fn again(&self) -> Drive {
        begin(Arc::clone(&self.definition), Arc::clone(&self.facts), self.past(), self.now, self.manner)
    }

    /// The same, after a crash: what was in flight had been announced.
    pub fn crashed(&self) -> Drive {
        let begun = |run: &RunStep| Begun { path: run.path.clone(), attempt: run.attempt, repeatable: false };
        let past = Past { begun: self.in_flight.iter().map(begun).collect(), ..self.past() };
        start(Arc::clone(&self.definition), Arc::clone(&self.facts), past, self.now)
    }

    pub fn config(&self, path: &str) -> &Value {
        &self.in_flight.iter().find(|run| run.path == path).expect("in flight").config
    }

    pub fn step(&self, path: &str) -> StepView {
        self.flow.steps().into_iter().find(|step| step.path == path).expect("a step of the document")
    }

    pub fn status(&self, path: &str) -> StepStatus {
        self.step(path).status
    }

    #[track_caller]
    pub fn output(&self) -> Value {
        let end = self.end.as_ref().expect("ended");
        assert_eq!((end.status, &end.error), (RunStatus::Succeeded, &None));
        end.output.clone().expect("a run that succeeded has an output")
    }

    #[track_caller]
    pub fn error(&self) -> StepError {
        let end = self.end.as_ref().expect("ended");
        assert_eq!((end.status, &end.output), (RunStatus::Failed, &None));
        end.error.clone().expect("a run that failed has an error")
    }
}

fn word(status: impl serde::Serialize) -> String {
    serde_json::to_value(status).expect("a word").as_str().expect("a word").to_owned()
}

/// A checkpoint as an operator would add it.
pub fn settled(path: &str, attempt: u32, status: CheckpointStatus, output: Option<Value>, seconds: i64) -> Checkpoint {
    let (started_at, finished_at) = (at(seconds), at(seconds));
    Checkpoint { path: path.to_owned(), attempt, status, output, error: None, started_at, finished_at }
}

pub fn nothing() -> Value {
    json!({})
}
