//! How a run goes on: from its steps to its `on_error`, and from there to its end.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::list::List;
use super::recomputed::not_evaluated;
use super::step::Round;
use super::{Action, Checkpoint, End, Flow, Phase, RunStatus};
use crate::payload::check_output;
use crate::{ErrorKind, StepError};

/// Bytes of a run's output.
const RUN_OUTPUT_MAX: usize = 1 << 20;

/// Why the document's steps did not come to an output, and since when that is so.
struct Failure {
    error: Box<StepError>,
    at: DateTime<Utc>,
}

impl Failure {
    fn new(error: StepError, at: DateTime<Utc>) -> Self {
        Self { error: Box::new(error), at }
    }
}

impl Flow {
    /// Takes over what is stored; of each path the highest attempt counts.
    pub(super) fn load(&mut self, checkpoints: Vec<Checkpoint>) {
        if checkpoints.is_empty() {
            return;
        }
        let mut last: HashMap<String, (Checkpoint, DateTime<Utc>)> = HashMap::with_capacity(checkpoints.len());
        for checkpoint in checkpoints {
            match last.get_mut(&checkpoint.path) {
                None => {
                    let started_at = checkpoint.started_at;
                    last.insert(checkpoint.path.clone(), (checkpoint, started_at));
                }
                Some((known, first_started_at)) => {
                    *first_started_at = (*first_started_at).min(checkpoint.started_at);
                    if known.attempt < checkpoint.attempt {
                        *known = checkpoint;
                    }
                }
            }
        }
        let definition = &self.definition;
        for (list, steps) in [(&mut self.main, &definition.steps), (&mut self.handler, &definition.on_error)] {
            for (index, step) in steps.iter().enumerate() {
                if let Some((checkpoint, first_started_at)) = last.remove(&step.id) {
                    list.places[index].first_started_at = Some(first_started_at);
                    list.apply(steps, &mut self.known, index, checkpoint);
                }
            }
        }
    }

    /// Calls `act` with the list that is at work, if one is.
    pub(super) fn with_list(
        &mut self,
        now: DateTime<Utc>,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut List, &mut Round<'_>),
    ) {
        let (list, steps) = match self.phase {
            Phase::Main => (&mut self.main, &self.definition.steps),
            Phase::OnError(_) => (&mut self.handler, &self.definition.on_error),
            Phase::Ended => return,
        };
        act(list, &mut Round { steps, known: &mut self.known, now, actions });
    }

    /// Goes on as far as the stored checkpoints allow. Without `now` only what can be computed happens.
    pub(super) fn advance(&mut self, now: Option<DateTime<Utc>>) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(self.phase, Phase::Main) && self.work_off(now, &mut actions) {
            match self.conclude() {
                Ok(output) => self.end(RunStatus::Succeeded, Some(output), None, &mut actions),
                Err(Failure { error, at }) => {
                    self.known.fail(&error);
                    self.main.close();
                    self.handler.since = at;
                    self.phase = Phase::OnError(error);
                }
            }
        }
        if let Phase::OnError(error) = &self.phase {
            let error = StepError::clone(error);
            if self.work_off(now, &mut actions) {
                self.end(RunStatus::Failed, None, Some(error), &mut actions);
            }
        }
        actions
    }

    /// Lets the list at work go on; true when it has come to an end, and nothing of it is being recorded: only then
    /// does what comes next follow from the stored checkpoints alone.
    fn work_off(&mut self, now: Option<DateTime<Utc>>, actions: &mut Vec<Action>) -> bool {
        let deadline = self.deadline();
        let (list, steps, in_main) = match self.phase {
            Phase::Main => (&mut self.main, &self.definition.steps, true),
            Phase::OnError(_) => (&mut self.handler, &self.definition.on_error, false),
            Phase::Ended => return false,
        };
        list.settle(steps, &mut self.known);
        let over = list.stop().is_some() || list.is_over();
        self.timed_out |= in_main && !over && now.is_some_and(|now| deadline <= now);
        if over || (in_main && self.timed_out) {
            list.halt(steps, actions);
            return !list.is_recording();
        }
        if let Some(now) = now {
            list.start(&mut Round { steps, known: &mut self.known, now, actions });
        }
        false
    }

    /// What the steps of the document came to, or why and when they failed.
    fn conclude(&self) -> Result<Value, Failure> {
        let (output, finished_at) = self.output()?;
        match check_output(&output, RUN_OUTPUT_MAX) {
            Ok(()) => Ok(output),
            Err(problem) => {
                let message = format!("the run's output cannot be kept: {problem}");
                Err(Failure::new(StepError::new(ErrorKind::Limit, message), finished_at))
            }
        }
    }

    fn output(&self) -> Result<(Value, DateTime<Utc>), Failure> {
        if let Some(stop) = self.main.stop() {
            let result = self.main.result(stop.index, &self.known).expect("what stops a list is over");
            return match &result.error {
                Some(error) => Err(Failure::new(error.clone(), stop.at)),
                None => Ok((result.output.clone(), stop.at)),
            };
        }
        if !self.main.is_over() {
            let message = "the run took longer than the `timeout` of its document";
            return Err(Failure::new(StepError::new(ErrorKind::Timeout, message), self.deadline()));
        }
        let finished_at = self.main.finished_at(&self.known);
        let output = if let Some(template) = &self.definition.output {
            self.known.render(template, "", finished_at)
        } else {
            let last = self.definition.steps.len().checked_sub(1).and_then(|last| self.main.result(last, &self.known));
            Ok(last.map_or(Value::Null, |result| result.output.clone()))
        };
        output.map(|output| (output, finished_at)).map_err(|error| Failure::new(not_evaluated(&error), finished_at))
    }

    pub(super) fn end(
        &mut self,
        status: RunStatus,
        output: Option<Value>,
        error: Option<StepError>,
        actions: &mut Vec<Action>,
    ) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.phase = Phase::Ended;
        self.main.close();
        self.handler.close();
        actions.push(Action::End(End { status, output, error }));
    }
}
