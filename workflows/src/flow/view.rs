//! The steps of a run as people see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::known::Env;
use super::list::{List, Seen};
use super::loops::{self, LoopCounts};
use super::rooms::{RoomId, StepResult, Verdict};
use super::unit::{Leaf, Phase, Unit, Work, handler, steps_of};
use super::{Checkpoint, CheckpointStatus, Flow, known::Known};
use crate::{Body, Compensate, Diagnostic, Step, StepError};

/// One step of a run as people see it, recomputed steps included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    pub path: String,
    pub name: String,
    #[serde(rename = "type")]
    pub step_type: String,
    /// How many blocks and loops it stands in.
    pub depth: usize,
    /// `pending`, `running`, `waiting`, `retrying`, `ambiguous`, `succeeded`, `failed`, `skipped`, `canceled`.
    pub status: StepStatus,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// The error's line of the document; filled in by whoever has the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Box<Diagnostic>>,
    /// It failed, and its handler made up for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub handled: bool,
    /// Of a `foreach`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<LoopCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Pending,
    Running,
    Waiting,
    Retrying,
    Ambiguous,
    Succeeded,
    Failed,
    Skipped,
    Canceled,
}

/// All steps in the document's order; those of `on_error`, `finally` and undo once they have begun, and those of a
/// loop for each item that is at work.
pub(super) fn steps(flow: &Flow) -> Vec<StepView> {
    let mut views = Views { known: &flow.known, views: Vec::new() };
    views.list(Some(&flow.main), &flow.definition.steps, 0);
    if flow.handler.is_some() {
        views.list(flow.handler.as_ref(), &flow.definition.on_error, 0);
    } else if flow.failed_with().is_some() {
        views.list(None, &flow.definition.on_error, 0);
    }
    if flow.last.is_some() {
        views.list(flow.last.as_ref(), &flow.definition.finally, 0);
    }
    views.views
}

struct Views<'f> {
    known: &'f Known,
    views: Vec<StepView>,
}

impl Views<'_> {
    /// Without a list none of its steps had its turn.
    fn list(&mut self, list: Option<&List>, steps: &[Step], depth: usize) {
        for (index, step) in steps.iter().enumerate() {
            let Some(list) = list else {
                self.untouched(step, StepStatus::Pending, None, depth);
                continue;
            };
            match list.seen(index) {
                Seen::Pending => self.untouched(step, StepStatus::Pending, Some(&list.env), depth),
                Seen::Canceled(None) => self.untouched(step, StepStatus::Canceled, Some(&list.env), depth),
                Seen::Canceled(Some(unit)) => {
                    self.unit(step, unit, Some(StepStatus::Canceled), None, depth);
                }
                Seen::At(unit) => self.unit(step, unit, None, None, depth),
                Seen::Over(unit) => {
                    let result = list.result(steps, self.known, index);
                    let mut view = blank(step, &path(list, step), depth);
                    fill(&mut view, result);
                    let is_skipped = view.status == StepStatus::Skipped;
                    self.views.push(view);
                    match unit {
                        Some(unit) => self.inside(step, unit, depth + 1),
                        None if !is_skipped => self.finished_inside(step, list.env.room, &list.env.prefix, depth + 1),
                        None => {}
                    }
                }
            }
        }
    }

    /// A step that never had its turn, or was given up; something inside it may be over all the same.
    fn untouched(&mut self, step: &Step, status: StepStatus, env: Option<&Env>, depth: usize) {
        let prefix = env.map_or("", |env| &env.prefix);
        let mut view = StepView { status, ..blank(step, &format!("{prefix}{}", step.id), depth) };
        fill(&mut view, env.and_then(|env| self.known.rooms.get(env.room, step.number.slot)));
        self.views.push(view);
        if step.foreach.is_none() && step.is_container() {
            for inner in step.lists().next().into_iter().flatten() {
                self.untouched(inner, status, env, depth + 1);
            }
        }
    }

    /// The steps of a block that is over and was not kept: their results are still known.
    fn finished_inside(&mut self, step: &Step, room: RoomId, prefix: &str, depth: usize) {
        if step.foreach.is_some() || !step.is_container() {
            return;
        }
        let generation = self.known.rooms.get(room, step.number.slot).map_or(1, |result| result.attempts);
        let repeated = format!("{prefix}{}#{generation}/", step.id);
        let prefix = if generation > 1 { &repeated } else { prefix };
        let is_block = matches!(step.body, Body::Block { .. });
        for (place, list) in step.lists().enumerate() {
            let has_run = |inner: &Step| self.known.rooms.get(room, inner.number.slot).is_some();
            // Of arms, handlers and the like only those that were chosen.
            let is_body = is_block && place == 0;
            if !is_body && !list.iter().any(has_run) {
                continue;
            }
            for inner in list {
                let blank = blank(inner, &format!("{prefix}{}", inner.id), depth);
                let mut view = StepView { status: StepStatus::Canceled, ..blank };
                fill(&mut view, self.known.rooms.get(room, inner.number.slot));
                self.views.push(view);
                self.finished_inside(inner, room, prefix, depth + 1);
            }
        }
    }

    fn unit(
        &mut self,
        step: &Step,
        unit: &Unit,
        status: Option<StepStatus>,
        result: Option<&StepResult>,
        depth: usize,
    ) {
        let mut view = blank(step, &unit.path, depth);
        view.attempts = unit.attempts;
        view.started_at = unit.first_started_at;
        live(&mut view, unit);
        fill(&mut view, result);
        if let Some(status) = status {
            view.status = status;
        }
        self.views.push(view);
        self.inside(step, unit, depth + 1);
    }

    fn inside(&mut self, step: &Step, unit: &Unit, depth: usize) {
        // What failed is done with, and a resumed flow does not know it.
        if matches!(unit.phase, Phase::Pause { .. }) {
            return;
        }
        match &unit.body {
            Work::Block { list, arm } => self.list(Some(list), steps_of(step, *arm), depth),
            Work::Loop(items) => {
                for item in items.active() {
                    self.unit(step, item, None, None, depth);
                }
            }
            Work::None | Work::Leaf(_) => {}
        }
        if let Some(list) = &unit.handler {
            self.list(Some(list), handler(step), depth);
        }
        if let Some(list) = &unit.last {
            self.list(Some(list), &step.finally, depth);
        }
        match (&step.compensate, unit.undo_list()) {
            (Some(undo), Some(list)) => self.list(Some(list), &undo.steps, depth),
            (Some(undo), None) => self.undone(step, unit, undo, depth),
            (None, _) => {}
        }
    }

    /// The steps of an undo that is over: their results are still known.
    fn undone(&mut self, step: &Step, unit: &Unit, undo: &Compensate, depth: usize) {
        for inner in &undo.steps {
            let Some(result) = self.known.rooms.get(unit.env.room, inner.number.slot) else { continue };
            let own = || format!("{}{}", unit.prefix(step), inner.id);
            let path = if undo.single { format!("{}~undo", unit.path) } else { own() };
            let mut view = blank(inner, &path, depth);
            fill(&mut view, Some(result));
            self.views.push(view);
        }
    }
}

fn path(list: &List, step: &Step) -> String {
    match &list.env.alias {
        Some(alias) => alias.to_string(),
        None => format!("{}{}", list.env.prefix, step.id),
    }
}

impl StepView {
    /// A step at `path` that nobody looked at while it was at work, by its last checkpoint.
    pub fn of_checkpoint(step: &Step, checkpoint: Checkpoint) -> Self {
        let Checkpoint { path, attempt, status, output, error, started_at, finished_at } = checkpoint;
        let (status, is_over) = match status {
            CheckpointStatus::Succeeded => (StepStatus::Succeeded, true),
            CheckpointStatus::Failed => (StepStatus::Failed, true),
            CheckpointStatus::Skipped => (StepStatus::Skipped, true),
            CheckpointStatus::Retrying => (StepStatus::Retrying, false),
            CheckpointStatus::Ambiguous => (StepStatus::Ambiguous, false),
        };
        let finished_at = is_over.then_some(finished_at);
        let view = Self { status, attempts: attempt, output, error, finished_at, ..blank(step, &path, 0) };
        Self { started_at: Some(started_at), ..view }
    }

    /// A step at `path` that left no checkpoint, by the error with which it brought others down.
    pub fn of_error(step: &Step, path: &str, error: StepError) -> Self {
        let attempts = error.attempt.unwrap_or(1);
        Self { status: StepStatus::Failed, attempts, error: Some(error), ..blank(step, path, 0) }
    }
}

fn blank(step: &Step, path: &str, depth: usize) -> StepView {
    let name = if path.ends_with("~undo") { format!("undo {}", step.name) } else { step.name.clone() };
    StepView {
        path: path.to_owned(),
        name,
        step_type: step.kind().to_owned(),
        depth,
        status: StepStatus::Pending,
        attempts: 0,
        output: None,
        error: None,
        diagnostic: None,
        handled: false,
        items: None,
        started_at: None,
        finished_at: None,
        waits_until: None,
    }
}

/// With what is known of a step that is over.
fn fill(view: &mut StepView, result: Option<&StepResult>) {
    let Some(result) = result else { return };
    view.status = match result.verdict {
        Verdict::Succeeded => StepStatus::Succeeded,
        Verdict::Failed => StepStatus::Failed,
        Verdict::Skipped => StepStatus::Skipped,
    };
    view.attempts = result.attempts;
    view.output = (result.verdict == Verdict::Succeeded || result.handled).then(|| result.output.clone());
    view.error.clone_from(&result.error);
    view.handled = result.handled;
    view.started_at = Some(result.started_at);
    view.finished_at = Some(result.finished_at);
    view.waits_until = None;
    if result.is_loop {
        view.items = Some(loops::count(result.items.iter(), result.items.len(), 0));
    }
}

/// How a unit that is at work stands.
fn live(view: &mut StepView, unit: &Unit) {
    // Its turn has come: whoever carries the run is at it.
    view.status = StepStatus::Running;
    match (&unit.phase, &unit.body) {
        (Phase::Pause { due_at, error, .. }, _) => {
            view.status = StepStatus::Retrying;
            view.waits_until = Some(*due_at);
            view.error = error.as_deref().cloned();
        }
        (Phase::Body, Work::Loop(items)) => view.items = Some(items.counts()),
        (Phase::Body, Work::Leaf(leaf)) => leaf_view(view, leaf),
        (Phase::Undo(failed) | Phase::Handler(failed), _) => view.error = Some(StepError::clone(&failed.error)),
        _ => {}
    }
}

fn leaf_view(view: &mut StepView, leaf: &Leaf) {
    let mut waits = |status, since: Option<DateTime<Utc>>, due_at: Option<DateTime<Utc>>| {
        view.status = status;
        view.started_at = since.or(view.started_at);
        view.waits_until = due_at;
    };
    match leaf {
        Leaf::Ready | Leaf::Ahead(_) | Leaf::Recording(_) | Leaf::Over(_) => {}
        Leaf::InFlight { attempt, started_at } => {
            view.attempts = *attempt;
            view.started_at.get_or_insert(*started_at);
        }
        Leaf::Routed { .. } => view.status = StepStatus::Waiting,
        Leaf::Waiting { since, due_at } => waits(StepStatus::Waiting, Some(*since), Some(*due_at)),
        Leaf::Listening(listening) => waits(StepStatus::Waiting, Some(listening.since), Some(listening.due_at)),
        Leaf::Child { since, due_at, .. } => waits(StepStatus::Waiting, Some(*since), *due_at),
        Leaf::Deferred { due_at, .. } => waits(StepStatus::Waiting, None, Some(*due_at)),
        Leaf::Retrying { due_at, error } => {
            waits(StepStatus::Retrying, None, Some(*due_at));
            view.error = error.as_deref().cloned();
        }
        Leaf::Ambiguous { due_at, error, .. } => {
            waits(StepStatus::Ambiguous, None, Some(*due_at));
            view.error = error.as_deref().cloned();
        }
    }
}
