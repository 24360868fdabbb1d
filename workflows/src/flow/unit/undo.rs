//! Undoing a unit that has succeeded, and what is inside of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::Value;
use serde_json::{Value as Json, json};

use super::block::steps_of;
use super::{Unit, Work, handler};
use crate::Step;
use crate::flow::known::{Env, Known};
use crate::flow::list::{List, ListEnd, Round};

#[derive(Debug, Default)]
pub(super) struct Undo {
    /// It has succeeded, or may have, and its output.
    of: Option<Value>,
    own: Own,
    handler: Option<DateTime<Utc>>,
    body: Option<DateTime<Utc>>,
    /// What came of undoing earlier generations of a block.
    earlier: Option<Box<Earlier>>,
}

#[derive(Debug, Default)]
enum Own {
    #[default]
    NotBegun,
    At(Box<List>),
    Over {
        at: DateTime<Utc>,
        failed: bool,
    },
}

#[derive(Debug, Default)]
struct Earlier {
    compensated: Vec<(DateTime<Utc>, String)>,
    not_undone: Vec<String>,
}

/// How the undo of one unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) enum UndoSeen {
    Open,
    Done(DateTime<Utc>),
    Failed,
}

impl Undo {
    pub fn remember(&mut self, step: &Step, output: impl FnOnce() -> Value) {
        if step.compensate.is_some() {
            self.of = Some(output());
        }
    }

    /// Nobody knows whether it has happened.
    pub fn doubt(&mut self, step: &Step) {
        self.remember(step, || Value::from(()));
    }

    /// The block is repeated: what is inside is new.
    pub fn forget_body(&mut self) {
        self.body = None;
    }

    pub fn list(&self) -> Option<&List> {
        match &self.own {
            Own::At(list) => Some(list),
            Own::NotBegun | Own::Over { .. } => None,
        }
    }

    pub fn list_mut(&mut self) -> Option<&mut List> {
        match &mut self.own {
            Own::At(list) => Some(list),
            Own::NotBegun | Own::Over { .. } => None,
        }
    }

    /// From the row of a block that is repeated.
    pub fn take_over(&mut self, noted: &Json, known: &mut Known) {
        let list = |name| noted.get(name).and_then(Json::as_array).into_iter().flatten();
        let earlier = self.earlier.get_or_insert_default();
        for undone in list("compensated") {
            let at = undone.get("at").and_then(Json::as_str).and_then(|at| DateTime::parse_from_rfc3339(at).ok());
            if let (Some(at), Some(path)) = (at, undone.get("path").and_then(Json::as_str)) {
                earlier.compensated.push((at.to_utc(), path.to_owned()));
                known.compensated(at.to_utc(), path.to_owned());
            }
        }
        for path in list("not_undone").filter_map(Json::as_str) {
            earlier.not_undone.push(path.to_owned());
            known.not_undone.push(path.to_owned());
        }
    }
}

impl Unit {
    pub fn undo_list(&self) -> Option<&List> {
        self.undo.list()
    }

    /// Its own `compensate` first, then its handler, then its body; `Some` with the instant at which that is over.
    pub fn undo(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let mut at = self.undo_own(step, since, round)?;
        if let Some(list) = &mut self.handler {
            at = match self.undo.handler {
                Some(end) => end.max(at),
                None => list.undo(handler(step), at, round)?,
            };
            self.undo.handler = Some(at);
        }
        self.undo_body(step, at, round)
    }

    /// The undo that a failure brings before anybody handles it.
    pub(super) fn undo_failed(
        &mut self,
        step: &Step,
        since: DateTime<Utc>,
        round: &mut Round<'_>,
    ) -> Option<DateTime<Utc>> {
        if matches!(self.body, Work::Leaf(_)) {
            self.undo.doubt(step);
            return self.undo_own(step, since, round);
        }
        self.undo_body(step, since, round)
    }

    fn undo_own(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let Some(compensate) = step.compensate.as_ref().filter(|_| self.undo.of.is_some() && !self.is_loop(step))
        else {
            return Some(since);
        };
        if matches!(self.undo.own, Own::NotBegun) {
            let alias = compensate.single.then(|| Arc::from(format!("{}~undo", self.path)));
            let (prefix, output) = (self.prefix(step), self.undo.of.clone());
            let env = Env { prefix, alias, output, horizon: None, cleans_up: true, ..self.env.clone() };
            self.undo.own = Own::At(Box::new(List::new(env, &compensate.steps, since, None)));
        }
        match &mut self.undo.own {
            Own::Over { at, .. } => Some(since.max(*at)),
            Own::NotBegun => unreachable!("it has just begun"),
            Own::At(list) => {
                let end = list.advance(&compensate.steps, round)?;
                let at = list.finished_at(&compensate.steps, round.known);
                let failed = matches!(end, ListEnd::Failed(_));
                if failed {
                    round.known.not_undone.push(self.path.to_string());
                } else {
                    round.known.compensated(at, self.path.to_string());
                }
                self.undo.own = Own::Over { at, failed };
                Some(at)
            }
        }
    }

    fn undo_body(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        if let Some(at) = self.undo.body {
            return Some(since.max(at));
        }
        let at = match &mut self.body {
            Work::Block { list, arm } => list.undo(steps_of(step, *arm), since, round)?,
            Work::Loop(items) => items.undo(step, since, round)?,
            Work::None | Work::Leaf(_) => since,
        };
        self.undo.body = Some(at);
        Some(at)
    }

    /// Calls `see` with its own undo and those inside.
    pub fn undos(&self, step: &Step, see: &mut dyn FnMut(&str, UndoSeen)) {
        if step.compensate.is_some() && self.undo.of.is_some() {
            let seen = match &self.undo.own {
                Own::NotBegun | Own::At(_) => UndoSeen::Open,
                Own::Over { failed: true, .. } => UndoSeen::Failed,
                Own::Over { at, failed: false } => UndoSeen::Done(*at),
            };
            see(&self.path, seen);
        }
        if let Some(earlier) = &self.undo.earlier {
            earlier.compensated.iter().for_each(|(at, path)| see(path, UndoSeen::Done(*at)));
            earlier.not_undone.iter().for_each(|path| see(path, UndoSeen::Failed));
        }
        if let Some(list) = &self.handler {
            list.undos(handler(step), see);
        }
        match &self.body {
            Work::Block { list, arm } => list.undos(steps_of(step, *arm), see),
            Work::Loop(items) => items.undos(step, see),
            Work::None | Work::Leaf(_) => {}
        }
    }

    /// What a block's row says before it is repeated: a resumed flow does not go through this generation again.
    pub(super) fn note_undone(&mut self, step: &Step) -> Option<Json> {
        if !step.number.undoable {
            return None;
        }
        let mut earlier = self.undo.earlier.take().unwrap_or_default();
        if let Work::Block { list, arm } = &self.body {
            list.undos(steps_of(step, *arm), &mut |path, seen| match seen {
                UndoSeen::Open => {}
                UndoSeen::Done(at) => earlier.compensated.push((at, path.to_owned())),
                UndoSeen::Failed => earlier.not_undone.push(path.to_owned()),
            });
        }
        let Earlier { compensated, not_undone } = &*earlier;
        let compensated: Vec<_> =
            compensated.iter().map(|(at, path)| json!({ "at": at.to_rfc3339(), "path": path })).collect();
        let is_empty = compensated.is_empty() && not_undone.is_empty();
        let noted = (!is_empty).then(|| json!({ "compensated": compensated, "not_undone": not_undone }));
        self.undo.earlier = Some(earlier);
        noted
    }
}
