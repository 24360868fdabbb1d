//! Undoing a unit that has succeeded, and what is inside of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::Value;

use super::block::steps_of;
use super::{Unit, Work, handler};
use crate::Step;
use crate::flow::known::Env;
use crate::flow::list::{List, ListEnd, Round};
use crate::flow::rooms::StepResult;

#[derive(Debug, Default)]
pub(super) struct Undo {
    /// It has succeeded, or may have, and its output.
    of: Option<Value>,
    own: Own,
    inside: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(super) enum Own {
    #[default]
    NotBegun,
    At(Box<List>),
    Over(DateTime<Utc>),
}

impl Undo {
    pub fn remember(&mut self, step: &Step, result: Option<&StepResult>) {
        if step.compensate.is_some() {
            self.of = Some(result.map_or(Value::from(()), StepResult::readable));
        }
    }

    /// The block is repeated: what is inside is new.
    pub fn forget_inside(&mut self) {
        self.inside = None;
    }

    pub fn list(&self) -> Option<&List> {
        match &self.own {
            Own::At(list) => Some(list),
            Own::NotBegun | Own::Over(_) => None,
        }
    }

    pub fn list_mut(&mut self) -> Option<&mut List> {
        match &mut self.own {
            Own::At(list) => Some(list),
            Own::NotBegun | Own::Over(_) => None,
        }
    }
}

impl Unit {
    pub fn undo_list(&self) -> Option<&List> {
        self.undo.list()
    }

    /// Its own `compensate` first, then what is inside; `Some` with the instant at which that is over.
    pub fn undo(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let since = self.undo_own(step, since, round)?;
        self.undo_inside(step, since, round)
    }

    fn undo_own(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let Some(compensate) = step.compensate.as_ref().filter(|_| self.undo.of.is_some() && !self.is_loop(step))
        else {
            return Some(since);
        };
        if matches!(self.undo.own, Own::NotBegun) {
            let alias = compensate.single.then(|| Arc::from(format!("{}~undo", self.path)));
            let (prefix, output) = (self.prefix(step), self.undo.of.clone());
            let env = Env { prefix, alias, output, horizon: None, ..self.env.clone() };
            self.undo.own = Own::At(Box::new(List::new(env, &compensate.steps, since, None)));
        }
        match &mut self.undo.own {
            Own::Over(at) => Some(*at),
            Own::NotBegun => unreachable!("it has just begun"),
            Own::At(list) => {
                let end = list.advance(&compensate.steps, round)?;
                let at = list.finished_at(&compensate.steps, round.known);
                if matches!(end, ListEnd::Failed(_)) {
                    round.known.not_undone.push(self.path.to_string());
                } else {
                    round.known.compensated(at, self.path.to_string());
                }
                self.undo.own = Own::Over(at);
                Some(at)
            }
        }
    }

    /// What has succeeded inside, the handler included.
    pub(super) fn undo_inside(
        &mut self,
        step: &Step,
        since: DateTime<Utc>,
        round: &mut Round<'_>,
    ) -> Option<DateTime<Utc>> {
        if let Some(at) = self.undo.inside {
            return Some(at);
        }
        let mut at = since;
        if let Some(list) = &mut self.handler {
            at = list.undo(handler(step), at, round)?;
        }
        at = match &mut self.body {
            Work::Block { list, arm } => list.undo(steps_of(step, *arm), at, round)?,
            Work::Loop(items) => items.undo(step, at, round)?,
            Work::None | Work::Leaf(_) => at,
        };
        self.undo.inside = Some(at);
        Some(at)
    }
}
