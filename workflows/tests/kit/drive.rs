//! Carries out what a flow asks for: attempts end as the test says, checkpoints are stored in memory.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onward_workflows::{
    Action, Begun, Checkpoint, CheckpointStatus, Definition, End, ErrorKind, Event, Flow, LogLine, Outcome, Past,
    RunFacts, RunStatus, RunStep, StepError, StepStatus, StepView,
};
use serde_json::{Value, json};

use crate::build::{at, facts};

pub struct Drive {
    pub flow: Flow,
    pub definition: Arc<Definition>,
    pub facts: Arc<RunFacts>,
    pub now: DateTime<Utc>,
    pub checkpoints: Vec<Checkpoint>,
    pub lines: Vec<LogLine>,
    pub in_flight: Vec<RunStep>,
    pub end: Option<End>,
    /// What was asked for, in words.
    pub asked: Vec<String>,
    /// Checkpoints that were asked for while the store was held up.
    pub held: Option<Vec<Checkpoint>>,
    /// Attempts that are given up are not stopped at once: they go on to an outcome.
    pub finishes_abandoned: bool,
}

pub fn drive(definition: Definition, inputs: Value) -> Drive {
    resume(Arc::new(definition), facts(inputs), Vec::new(), Vec::new(), at(0))
}

pub fn resume(
    definition: Arc<Definition>,
    facts: Arc<RunFacts>,
    checkpoints: Vec<Checkpoint>,
    begun: Vec<(String, u32)>,
    now: DateTime<Utc>,
) -> Drive {
    let begun = begun.into_iter().map(|(path, attempt)| Begun { path, attempt, repeatable: false }).collect();
    let past = Past { checkpoints: checkpoints.clone(), begun, ..Past::default() };
    let flow = Flow::resume(Arc::clone(&definition), Arc::clone(&facts), past);
    let (lines, in_flight, asked) = (Vec::new(), Vec::new(), Vec::new());
    let mut drive = Drive {
        flow,
        definition,
        facts,
        now,
        checkpoints,
        lines,
        in_flight,
        end: None,
        asked,
        held: None,
        finishes_abandoned: false,
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

impl Drive {
    /// All actions of one call come before the next event.
    pub fn carry_out(&mut self, actions: Vec<Action>) {
        let (mut recorded, mut stopped) = (Vec::new(), Vec::new());
        for action in actions {
            assert!(self.end.is_none(), "nothing follows the end: {action:?}");
            match action {
                Action::Run(run) => {
                    self.asked.push(format!("run {}#{}", run.path, run.attempt));
                    self.in_flight.push(run);
                }
                Action::Abandon { path, attempt } => {
                    self.asked.push(format!("abandon {path}#{attempt}"));
                    if !self.finishes_abandoned {
                        self.in_flight.retain(|run| (&run.path, run.attempt) != (&path, attempt));
                        stopped.push((path, attempt));
                    }
                }
                Action::Record { checkpoint, line } => {
                    let status = serde_json::to_value(checkpoint.status).expect("a word");
                    let Checkpoint { path, attempt, .. } = &checkpoint;
                    self.asked.push(format!("record {path}#{attempt} {}", status.as_str().expect("a word")));
                    self.lines.extend(line);
                    match &mut self.held {
                        Some(held) => held.push(checkpoint),
                        None => recorded.push(checkpoint),
                    }
                }
                Action::Emit(event) => self.asked.push(format!("emit {}#{}", event.path, event.attempt)),
                Action::Call(call) => self.asked.push(format!("call {}#{}", call.path, call.attempt)),
                Action::CancelChild(_) => self.asked.push("cancel child".to_owned()),
                Action::End(end) => {
                    let status = serde_json::to_value(end.status).expect("a word");
                    self.asked.push(format!("end {}", status.as_str().expect("a word")));
                    self.end = Some(end);
                }
            }
        }
        for (path, attempt) in stopped {
            let outcome = Outcome::Failed(StepError::new(ErrorKind::Canceled, "stopped"));
            let (started_at, finished_at) = (self.now, self.now);
            self.apply(Event::Outcome { path, attempt, outcome, started_at, finished_at });
        }
        for checkpoint in recorded {
            self.store(checkpoint);
        }
    }

    pub fn store(&mut self, checkpoint: Checkpoint) {
        let (path, attempt) = (checkpoint.path.clone(), checkpoint.attempt);
        self.checkpoints.push(checkpoint);
        self.apply(Event::Committed { path, attempt });
    }

    pub fn apply(&mut self, event: Event) {
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

    /// The same run in another process, from what is stored.
    pub fn again(&self) -> Drive {
        let (definition, facts) = (Arc::clone(&self.definition), Arc::clone(&self.facts));
        resume(definition, facts, self.checkpoints.clone(), Vec::new(), self.now)
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

/// A checkpoint as an operator would add it.
pub fn settled(path: &str, attempt: u32, status: CheckpointStatus, output: Option<Value>, seconds: i64) -> Checkpoint {
    let (started_at, finished_at) = (at(seconds), at(seconds));
    Checkpoint { path: path.to_owned(), attempt, status, output, error: None, started_at, finished_at }
}

pub fn nothing() -> Value {
    json!({})
}
