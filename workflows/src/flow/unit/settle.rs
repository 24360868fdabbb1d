//! What a unit has come to, its `finally`, and the row of an item.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Ended, Phase, Settled, Settling, Unit, Work};
use crate::Step;
use crate::expression::from_json;
use crate::flow::known::{Env, WIND_UP_MAX};
use crate::flow::list::{List, ListEnd};
use crate::flow::rooms::{StepResult, Verdict};
use crate::flow::{Checkpoint, CheckpointStatus};

impl Unit {
    pub(super) fn settle(&mut self, step: &Step, outcome: Settling, at: DateTime<Utc>) {
        // Also when its `finally` fails: what has happened can be undone.
        if let Settling::Succeeded { output, .. } | Settling::Returned(output) = &outcome {
            self.undo.remember(step, || from_json(output));
        }
        if let Some(row) = self.row.take() {
            self.settled = Some(row);
            self.phase = Phase::Closed;
            return;
        }
        let begun = !matches!(outcome, Settling::Skipped) && !self.is_loop(step);
        if begun && !step.finally.is_empty() {
            let env = match &outcome {
                Settling::Failed { error, .. } => self.env.handling(&Arc::new(error.clone())),
                _ => Env { alias: None, ..self.env.clone() },
            };
            let env = Env { prefix: self.prefix(step), horizon: Some(at + WIND_UP_MAX), cleans_up: true, ..env };
            self.last = Some(List::new(env, &step.finally, at, None));
            self.phase = Phase::Finally;
        } else {
            self.phase = Phase::Over;
        }
        self.settled = Some(Box::new(Settled { outcome, at }));
        if matches!(self.phase, Phase::Over) {
            self.close(step);
        }
    }

    pub(super) fn finally_over(&mut self, step: &Step, end: ListEnd, at: DateTime<Utc>) {
        let settled = self.settled.as_mut().expect("a unit settles before its `finally`");
        settled.at = settled.at.max(at);
        if let (ListEnd::Failed(error), Settling::Succeeded { .. } | Settling::Returned(_)) = (end, &settled.outcome) {
            settled.outcome = Settling::Failed { error: *error, handled: None };
        }
        self.phase = Phase::Over;
        self.close(step);
    }

    /// A finished item of a loop gets a row of its own, so that what is below it need not be read again.
    fn close(&mut self, step: &Step) {
        if !self.is_item || !step.is_container() || self.has_row {
            return;
        }
        let settled = self.settled.as_ref().expect("a unit closes when it has settled");
        let (status, output, error) = match &settled.outcome {
            Settling::Succeeded { output, .. } => (CheckpointStatus::Succeeded, Some(output.clone()), None),
            Settling::Failed { error, handled } => (CheckpointStatus::Failed, handled.clone(), Some(error.clone())),
            Settling::Skipped | Settling::Returned(_) | Settling::Canceled => return,
        };
        self.phase = Phase::Unrecorded(Box::new(Checkpoint {
            path: self.path.to_string(),
            attempt: self.attempts + 1,
            status,
            output,
            error,
            // Of this generation: the first row says when the first one began.
            started_at: self.turn_at,
            finished_at: settled.at,
        }));
    }

    pub(super) fn ended(&mut self, step: &Step) -> Ended {
        let settled = *self.settled.take().expect("a unit that is over has settled");
        let times = (self.first_started_at.unwrap_or(self.ready_at), settled.at);
        let attempts = if step.is_container() { self.attempts + 1 } else { self.attempts.max(1) };
        match settled.outcome {
            Settling::Succeeded { output, items } => {
                let is_loop = self.is_loop(step);
                let result =
                    StepResult { is_loop, items, ..StepResult::new(Verdict::Succeeded, output, attempts, times) };
                Ended::Over(result)
            }
            Settling::Skipped => Ended::Over(StepResult::new(Verdict::Skipped, Value::Null, 0, times)),
            Settling::Failed { error, handled } => {
                let is_handled = handled.is_some();
                let items = if let Work::Loop(items) = &mut self.body { items.take_results() } else { Vec::new() };
                let is_loop = self.is_loop(step);
                let result = StepResult::new(Verdict::Failed, handled.unwrap_or_default(), attempts, times);
                Ended::Over(StepResult { error: Some(error), handled: is_handled, is_loop, items, ..result })
            }
            Settling::Returned(value) => Ended::Returned(StepResult::new(Verdict::Succeeded, value, attempts, times)),
            Settling::Canceled => Ended::Canceled(settled.at),
        }
    }
}
