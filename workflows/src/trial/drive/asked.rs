//! What a flow asks for, answered with what the case says.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Drive, Due, Happening};
use crate::check::Finding;
use crate::trial::missing;
use crate::trial::outcomes::{NoReply, Reply, ReplyKind, Settle, Settled};
use crate::{
    ArrivedEvent, CallChild, Checkpoint, CheckpointStatus, ChildEnd, ChildRun, EmitEvent, ErrorKind, Event, Outcome,
    RunStatus, RunStep, StepError, format_duration,
};

impl<'t> Drive<'t> {
    pub(super) fn attempt(&mut self, run: RunStep) {
        if !self.in_flight.insert((run.path.clone(), run.attempt)) {
            return;
        }
        let RunStep { path, attempt, step_type, config, timeout, .. } = run;
        let reply = self.reply(&path, &step_type, &config);
        self.seen.asked(&path, config.clone());
        let Some(reply) = reply else { return };
        let (outcome, took) = match &reply.kind {
            ReplyKind::Output(output) => {
                let Some(output) = self.rendered(reply, output, &config, attempt, &path) else { return };
                (Outcome::Done(output), reply.took)
            }
            ReplyKind::Error(error) => (Outcome::Failed(StepError::clone(error)), reply.took),
            ReplyKind::Timeout => {
                let message = format!("no answer within {}", format_duration(timeout));
                (Outcome::Failed(StepError::new(ErrorKind::Timeout, message).retryable()), timeout)
            }
            ReplyKind::Ambiguous { message, settle } => {
                if let Some(settle) = settle {
                    self.settle(&path, attempt, settle, reply.took);
                }
                (Outcome::Ambiguous(StepError::new(ErrorKind::Network, message)), reply.took)
            }
        };
        self.finish(path, attempt, outcome, took);
    }

    fn finish(&mut self, path: String, attempt: u32, outcome: Outcome, took: Duration) {
        let (started_at, at) = (self.now, self.now + took);
        let what = Happening::Outcome { path, attempt, outcome: Box::new(outcome), started_at };
        self.due.push(Due { at, what });
    }

    /// A person settles the attempt, some time after it has become ambiguous.
    fn settle(&mut self, path: &str, attempt: u32, settle: &Settle, took: Duration) {
        let (status, output) = match &settle.how {
            Settled::Complete(output) => (CheckpointStatus::Succeeded, Some(output.clone())),
            Settled::Retry => (CheckpointStatus::Retrying, None),
            Settled::Skip => (CheckpointStatus::Skipped, None),
        };
        let at = self.now + took + settle.after;
        let checkpoint = Checkpoint {
            path: path.to_owned(),
            attempt: attempt + 1,
            status,
            output,
            error: None,
            started_at: at,
            finished_at: at,
        };
        self.due.push(Due { at, what: Happening::Settled(Box::new(checkpoint)) });
    }

    /// Nobody has to say what an `emit` gives.
    pub(super) fn emit(&mut self, emit: EmitEvent) {
        if !self.in_flight.insert((emit.path.clone(), emit.attempt)) {
            return;
        }
        let EmitEvent { path, attempt, id, name, key, data, depth: _ } = emit;
        let config = json!({ "event": name, "key": key, "data": data });
        let reply = self.mocks.reply(&path).ok();
        self.seen.asked(&path, config.clone());
        let (outcome, took) = match reply.map(|reply| (reply, &reply.kind)) {
            Some((reply, ReplyKind::Output(output))) => {
                let Some(output) = self.rendered(reply, output, &config, attempt, &path) else { return };
                (Outcome::Done(output), reply.took)
            }
            Some((reply, ReplyKind::Error(error))) => (Outcome::Failed(StepError::clone(error)), reply.took),
            _ => {
                let output = json!({ "event_id": id, "woke": 0, "started": 0 });
                self.past.events.push(ArrivedEvent { id: id.to_string(), name, key, data, received_at: self.now });
                self.stale = true;
                (Outcome::Done(output), Duration::ZERO)
            }
        };
        self.finish(path, attempt, outcome, took);
    }

    pub(super) fn call(&mut self, call: CallChild) {
        if !self.in_flight.insert((call.path.clone(), call.attempt)) {
            return;
        }
        let CallChild { path, attempt, child, workflow, input, wait, .. } = call;
        let config = json!({ "workflow": workflow, "input": input });
        let reply = if wait { self.reply(&path, "call", &config) } else { self.mocks.reply(&path).ok() };
        self.seen.asked(&path, config.clone());
        if !wait {
            let started = || json!({ "run_id": child.to_string(), "url": format!("/runs/{child}") });
            let outcome = match reply.map(|reply| (reply, &reply.kind)) {
                Some((reply, ReplyKind::Output(output))) => {
                    let Some(output) = self.rendered(reply, output, &config, attempt, &path) else { return };
                    Outcome::Done(output)
                }
                Some((_, ReplyKind::Error(error))) => Outcome::Failed(StepError::clone(error)),
                _ => Outcome::Done(started()),
            };
            return self.finish(path, attempt, outcome, Duration::ZERO);
        }
        let Some(reply) = reply else { return };
        let (status, output, error) = match &reply.kind {
            ReplyKind::Output(output) => {
                let Some(output) = self.rendered(reply, output, &config, attempt, &path) else { return };
                (RunStatus::Succeeded, Some(output), None)
            }
            ReplyKind::Error(error) => (RunStatus::Failed, None, Some(StepError::clone(error))),
            // Its end is never seen: the time of the step runs out.
            ReplyKind::Timeout | ReplyKind::Ambiguous { .. } => {
                self.past.children.push(ChildRun { run: child, end: None });
                return self.reports.push_back(Event::ChildStarted { path, attempt });
            }
        };
        self.past.children.push(ChildRun { run: child, end: None });
        self.reports.push_back(Event::ChildStarted { path, attempt });
        let at = self.now + reply.took;
        let end = ChildEnd { status, output, error, finished_at: at };
        self.due.push(Due { at, what: Happening::ChildEnd { run: child, end } });
    }

    /// What the case says of the next attempt; without it the case cannot go on.
    fn reply(&mut self, path: &str, step_type: &str, config: &Value) -> Option<&'t Reply> {
        match self.mocks.reply(path) {
            Ok(reply) => Some(reply),
            Err(NoReply::None) => {
                self.problems.push(missing::nothing(self.case.name.span, path, step_type, config));
                None
            }
            Err(NoReply::RanOut(mock, attempt)) => {
                self.problems.push(missing::ran_out(&mock.key, path, attempt));
                None
            }
        }
    }

    fn rendered(&mut self, reply: &Reply, output: &Value, config: &Value, attempt: u32, path: &str) -> Option<Value> {
        let template = Reply::render(output, config, attempt, path);
        template
            .map_err(|message| {
                let finding = Finding::error(crate::trial::code::SHAPE, reply.span, message);
                self.problems.push(finding.label("an output may read `config`, `attempt` and `path`"));
            })
            .ok()
    }
}
