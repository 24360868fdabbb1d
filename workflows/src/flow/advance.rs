//! How a run goes on: from its steps to undo, `on_error` and `finally`, and from there to its end.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::compute::{not_evaluated, storable};
use super::known::{Env, FINALLY_AFTER_CANCEL_MAX, WIND_UP_MAX};
use super::list::{Cut, List, ListEnd, Round};
use super::unit::{Failed, UndoSeen};
use super::{Action, Cancel, End, Flow, Outcome, Phase, RunStatus};
use crate::payload::check_output;
use crate::{ErrorKind, StepError};

/// Bytes of a run's output.
const RUN_OUTPUT_MAX: usize = 1 << 20;

impl Flow {
    /// Goes on as far as the stored checkpoints allow, then begins what has its turn.
    pub(super) fn advance(&mut self, now: DateTime<Utc>, actions: &mut Vec<Action>) {
        while self.settle(now, actions) {}
        if !matches!(self.phase, Phase::Ended) {
            // What has settled stays as it is: only attempts begin.
            self.work(now, true, actions);
        }
    }

    /// One step from phase to phase; true when there was one, and there may be another.
    pub(super) fn settle(&mut self, now: DateTime<Utc>, actions: &mut Vec<Action>) -> bool {
        let Some(end) = self.work(now, false, actions) else {
            return self.wind_up_deadline() <= now && self.give_up(actions);
        };
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Main => {
                let outcome = self.outcome_of(end);
                let undoes = match &outcome {
                    Outcome::Succeeded { .. } => false,
                    Outcome::Failed(_) => true,
                    Outcome::Canceled { .. } => self.cancel.is_some_and(|cancel| cancel.undo),
                };
                if undoes {
                    if let Outcome::Failed(failed) = &outcome {
                        self.known.set_status("failed", Some(&failed.error));
                    }
                    self.phase = Phase::Undo(outcome);
                } else {
                    self.begin_finally(outcome);
                }
            }
            Phase::Undo(outcome) => match outcome {
                Outcome::Failed(failed) => {
                    let at = self.undone_at(failed.at);
                    self.begin_on_error(Failed { at, ..failed });
                }
                Outcome::Canceled { at } => {
                    let at = self.undone_at(at);
                    self.begin_finally(Outcome::Canceled { at });
                }
                Outcome::Succeeded { .. } => self.begin_finally(outcome),
            },
            Phase::OnError(failed) => {
                let list = self.handler.as_ref().expect("`on_error` is at work");
                let at = list.finished_at(&self.definition.on_error, &self.known);
                let outcome = match self.cancel {
                    Some(cancel) if matches!(end, ListEnd::Halted) => Outcome::Canceled { at: at.max(cancel.at) },
                    _ => Outcome::Failed(Failed { at, ..failed }),
                };
                self.begin_finally(outcome);
            }
            Phase::Finally(outcome) => {
                let outcome = match (end, outcome) {
                    (ListEnd::Failed(error), Outcome::Succeeded { at, .. }) => {
                        Outcome::Failed(Failed { error: Arc::new(*error), at })
                    }
                    (_, outcome) => outcome,
                };
                self.end(outcome, actions);
            }
            Phase::Ended => return false,
        }
        !matches!(self.phase, Phase::Ended)
    }

    /// Lets the list at work go on.
    fn work(&mut self, now: DateTime<Utc>, starts: bool, actions: &mut Vec<Action>) -> Option<ListEnd> {
        let definition = Arc::clone(&self.definition);
        let deadline = self.run_deadline();
        let (known, stored) = (&mut self.known, &mut self.stored);
        let mut round = Round { known, stored, now, starts, actions };
        match &self.phase {
            Phase::Main => {
                if deadline <= now {
                    self.main.halt(Cut::at(deadline));
                    round.stored.pass(deadline);
                }
                self.main.advance(&definition.steps, &mut round)
            }
            Phase::Undo(outcome) => {
                let since = outcome.at();
                self.main.undo(&definition.steps, since, &mut round).map(|_| ListEnd::Done)
            }
            Phase::OnError(_) => self.handler.as_mut()?.advance(&definition.on_error, &mut round),
            Phase::Finally(_) => self.last.as_mut()?.advance(&definition.finally, &mut round),
            Phase::Ended => None,
        }
    }

    /// What the steps of the document came to, or why and when they failed.
    fn outcome_of(&self, end: ListEnd) -> Outcome {
        let at = self.main.finished_at(&self.definition.steps, &self.known);
        let deadline = self.run_deadline();
        let failed = |error: StepError, at| Outcome::Failed(Failed { error: Arc::new(storable(error)), at });
        let late = deadline < at || matches!(end, ListEnd::Halted);
        if let Some(cancel) = self.cancel.filter(|cancel| matches!(end, ListEnd::Halted) && cancel.at <= deadline) {
            return Outcome::Canceled { at: at.max(cancel.at) };
        }
        if late {
            let message = "the run took longer than the `timeout` of its document";
            return failed(StepError::new(ErrorKind::Timeout, message), at.max(deadline));
        }
        let output = match end {
            ListEnd::Failed(error) => return Outcome::Failed(Failed { error: Arc::new(*error), at }),
            ListEnd::Returned(value) => Ok(value),
            ListEnd::Done => match &self.definition.output {
                Some(template) => self.known.render(template, &Env::run(), "", at),
                None => Ok(self.main.output(&self.definition.steps, &self.known, false)),
            },
            ListEnd::Halted => unreachable!("a list that was halted is late or canceled"),
        };
        match output {
            Ok(output) => match check_output(&output, RUN_OUTPUT_MAX) {
                Ok(()) => Outcome::Succeeded { output, at },
                Err(problem) => {
                    let message = format!("the run's output cannot be kept: {problem}");
                    failed(StepError::new(ErrorKind::Limit, message), at)
                }
            },
            Err(error) => failed(not_evaluated(&error), at),
        }
    }

    fn undone_at(&mut self, since: DateTime<Utc>) -> DateTime<Utc> {
        let definition = Arc::clone(&self.definition);
        let (known, stored, mut actions) = (&mut self.known, &mut self.stored, Vec::new());
        let now = stored.latest();
        let mut round = Round { known, stored, now, starts: false, actions: &mut actions };
        self.main.undo(&definition.steps, since, &mut round).unwrap_or(since)
    }

    fn begin_on_error(&mut self, failed: Failed) {
        self.known.set_status("failed", Some(&failed.error));
        let mut list = List::new(Env::end().handling(&failed.error), &self.definition.on_error, failed.at, None);
        if let Some(cancel) = self.cancel {
            list.halt(Cut::at(cancel.at));
        }
        self.handler = Some(list);
        self.phase = Phase::OnError(failed);
    }

    fn begin_finally(&mut self, outcome: Outcome) {
        let (status, error) = match &outcome {
            Outcome::Succeeded { .. } => ("succeeded", None),
            Outcome::Failed(failed) => ("failed", Some(Arc::clone(&failed.error))),
            Outcome::Canceled { .. } => ("canceled", None),
        };
        if !self.definition.finally.is_empty() {
            self.known.set_status(status, error.as_deref());
        }
        let env = match &error {
            Some(error) => Env::end().handling(error),
            None => Env::end(),
        };
        self.last = Some(List::new(env, &self.definition.finally, outcome.at(), None));
        self.phase = Phase::Finally(outcome);
    }

    pub(super) fn cancel(&mut self, at: DateTime<Utc>, undo: bool) {
        if self.cancel.is_some() {
            return;
        }
        self.cancel = Some(Cancel { at, undo });
        self.known.canceled_at = Some(at);
        match &self.phase {
            Phase::Main => self.main.halt(Cut::at(at)),
            Phase::OnError(_) => {
                if let Some(list) = &mut self.handler {
                    list.halt(Cut::at(at));
                }
            }
            Phase::Undo(_) | Phase::Finally(_) | Phase::Ended => {}
        }
    }

    fn run_deadline(&self) -> DateTime<Utc> {
        self.known.facts.created_at + self.definition.timeout
    }

    /// When the run has to be looked at even if it waits for nothing.
    pub fn deadline(&self) -> DateTime<Utc> {
        match &self.phase {
            // It only waits for what is in flight.
            Phase::Main if self.main.is_halted() => DateTime::<Utc>::MAX_UTC,
            Phase::Main => self.run_deadline(),
            Phase::Undo(_) | Phase::OnError(_) | Phase::Finally(_) | Phase::Ended => self.wind_up_deadline(),
        }
    }

    fn wind_up_deadline(&self) -> DateTime<Utc> {
        let (since, is_finally) = match &self.phase {
            Phase::Undo(outcome) => (outcome.at(), false),
            Phase::Finally(outcome) => (outcome.at(), true),
            Phase::OnError(failed) => (failed.at, false),
            Phase::Main | Phase::Ended => return DateTime::<Utc>::MAX_UTC,
        };
        match self.cancel {
            Some(cancel) if is_finally => since.max(cancel.at) + FINALLY_AFTER_CANCEL_MAX,
            _ => since + WIND_UP_MAX,
        }
    }

    /// What still cleans up has taken too long: the run goes on without it. False when that was the last.
    fn give_up(&mut self, actions: &mut Vec<Action>) -> bool {
        let at = self.wind_up_deadline();
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Undo(outcome) => {
                let not_undone = &mut self.known.not_undone;
                self.main.undos(&self.definition.steps, &mut |path, seen| {
                    if seen == UndoSeen::Open {
                        not_undone.push(path.to_owned());
                    }
                });
                match outcome {
                    Outcome::Failed(failed) => self.begin_on_error(Failed { at, ..failed }),
                    Outcome::Canceled { .. } => self.begin_finally(Outcome::Canceled { at }),
                    Outcome::Succeeded { .. } => self.begin_finally(outcome),
                }
                true
            }
            Phase::OnError(failed) => {
                self.begin_finally(Outcome::Failed(Failed { at, ..failed }));
                true
            }
            Phase::Finally(outcome) => {
                self.end(outcome, actions);
                false
            }
            Phase::Main | Phase::Ended => unreachable!("only the wind-up has such a deadline"),
        }
    }

    fn end(&mut self, outcome: Outcome, actions: &mut Vec<Action>) {
        self.phase = Phase::Ended;
        let (status, output, error) = match outcome {
            Outcome::Succeeded { output, .. } => (RunStatus::Succeeded, Some(output), None),
            Outcome::Failed(failed) => (RunStatus::Failed, None, Some(StepError::clone(&failed.error))),
            Outcome::Canceled { .. } => (RunStatus::Canceled, None, None),
        };
        let mut not_undone = std::mem::take(&mut self.known.not_undone);
        not_undone.sort();
        not_undone.dedup();
        actions.push(Action::End(End { status, output, error, not_undone }));
    }
}

impl Outcome {
    fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Succeeded { at, .. } | Self::Canceled { at } => *at,
            Self::Failed(failed) => failed.at,
        }
    }
}
