//! What was seen of a run: the steps, when they began, what they were asked to do, what was undone.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::path::{Known, canonical, rank};
use crate::{Checkpoint, CheckpointStatus, Flow, StepStatus, StepView};

/// Values that may be copied before looks become rare, and how many each change adds to that.
const CREDIT: usize = 2_000_000;
const CREDIT_EACH: usize = 500;

#[derive(Debug)]
pub(super) struct Seen {
    /// The latest of each path.
    pub views: BTreeMap<String, StepView>,
    /// Paths in the order in which they began.
    pub began: Vec<String>,
    begun: HashSet<String>,
    /// By path, of the latest attempt.
    pub configs: BTreeMap<String, Value>,
    pub undone: Vec<String>,
    /// Attempts that were made.
    pub attempts: usize,
    /// Looking copies every output: a loop over thousands of rows is not looked at after each of its steps.
    credit: usize,
    weight: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            views: BTreeMap::new(),
            began: Vec::new(),
            begun: HashSet::new(),
            configs: BTreeMap::new(),
            undone: Vec::new(),
            attempts: 0,
            credit: CREDIT,
            weight: 0,
        }
    }
}

impl Seen {
    /// At the end of a run it is looked at in any case.
    pub fn look(&mut self, flow: &Flow, known: &Known<'_>) {
        self.credit = self.credit.saturating_add(CREDIT_EACH).min(CREDIT);
        if self.credit < self.weight && !flow.has_ended() {
            return;
        }
        self.credit = self.credit.saturating_sub(self.weight);
        let views = flow.steps();
        self.weight = views.iter().filter_map(|view| view.output.as_ref()).map(weight).sum();
        let mut new: Vec<&StepView> =
            views.iter().filter(|view| has_begun(view) && !self.begun.contains(&view.path)).collect();
        new.sort_by_key(|view| view.started_at);
        for view in new {
            self.begun.insert(view.path.clone());
            self.began.push(view.path.clone());
        }
        for view in views {
            if view.status == StepStatus::Succeeded {
                self.undone_by_list(&view.path, known);
            }
            // A step that went out of sight and comes back as one that had no turn was repeated in another generation.
            let is_new = !matches!(view.status, StepStatus::Pending) || !self.views.contains_key(&view.path);
            if is_new {
                self.views.insert(view.path.clone(), view);
            }
        }
    }

    /// A step with a list as its `compensate` is undone with the last of them.
    fn undone_by_list(&mut self, path: &str, known: &Known<'_>) {
        let Some(own) = known.find(path) else { return };
        let lists =
            known.steps().filter_map(|step| Some((step, step.compensate.as_ref().filter(|undo| !undo.single)?)));
        for (owner, undo) in lists {
            if undo.steps.last().is_some_and(|last| last.id == own.id) {
                let owner = path.strip_suffix(own.id.as_str()).map(|prefix| format!("{prefix}{}", owner.id));
                self.undone_one(canonical(&owner.unwrap_or_default()));
            }
        }
    }

    /// An item goes out of sight as soon as it has ended: what is stored of it says how.
    fn keep_end(&mut self, checkpoint: &Checkpoint, known: &Known<'_>) {
        if matches!(checkpoint.status, CheckpointStatus::Retrying | CheckpointStatus::Ambiguous) {
            return;
        }
        let Some(step) = known.find(&checkpoint.path) else { return };
        let before = self.views.remove(&checkpoint.path);
        let depth = before.as_ref().map_or(0, |view| view.depth);
        let view = StepView { depth, ..StepView::of_checkpoint(step, checkpoint.clone()) };
        self.views.insert(checkpoint.path.clone(), view);
    }

    /// This attempt was asked for: its step has begun, and so have the loops around it.
    pub fn asked(&mut self, path: &str, config: Value) {
        self.attempts += 1;
        self.configs.insert(path.to_owned(), config);
        let loops = path.match_indices('[').map(|(at, _)| &path[..at]);
        let items = path.match_indices(']').map(|(at, _)| &path[..=at]);
        let mut all: Vec<&str> = loops.chain(items).chain([path]).collect();
        all.sort_unstable_by_key(|path| path.len());
        for path in all {
            if self.begun.insert(path.to_owned()) {
                self.began.push(path.to_owned());
            }
        }
    }

    pub fn recorded(&mut self, checkpoint: &Checkpoint, known: &Known<'_>) {
        self.keep_end(checkpoint, known);
        if checkpoint.status == CheckpointStatus::Succeeded {
            self.undone_by_list(&checkpoint.path, known);
        }
        if let Some(owner) = checkpoint.path.strip_suffix("~undo")
            && checkpoint.status == CheckpointStatus::Succeeded
        {
            self.undone_one(canonical(owner));
        }
    }

    /// Once the run is over: an item that failed in a loop that succeeded was handled.
    pub fn settle_items(&mut self) {
        let succeeded = |view: &StepView| view.items.is_some() && view.status == StepStatus::Succeeded;
        let loops: Vec<String> =
            self.views.values().filter(|view| succeeded(view)).map(|view| format!("{}[", view.path)).collect();
        for view in self.views.values_mut().filter(|view| view.status == StepStatus::Failed) {
            let item = view.path.rfind('[').map_or("", |open| &view.path[..=open]);
            view.handled |= view.path.ends_with(']') && loops.iter().any(|path| path == item);
        }
    }

    fn undone_one(&mut self, path: String) {
        if !self.undone.contains(&path) {
            self.undone.push(path);
        }
    }

    /// The steps that this name stands for; the exact path alone, if there is one.
    pub fn named(&self, written: &str) -> Vec<&StepView> {
        let ranked: Vec<_> =
            self.views.values().map(|view| (rank(written, &view.path), view)).filter(|(rank, _)| *rank > 0).collect();
        let best = ranked.iter().map(|(rank, _)| *rank).max().unwrap_or_default();
        ranked.into_iter().filter(|(rank, _)| *rank == best).map(|(_, view)| view).collect()
    }

    pub fn configs_named(&self, written: &str) -> Vec<(&str, &Value)> {
        let ranked: Vec<_> = self.configs.iter().map(|(path, config)| (rank(written, path), path, config)).collect();
        let best = ranked.iter().map(|(rank, ..)| *rank).max().unwrap_or_default().max(1);
        ranked.into_iter().filter(|(rank, ..)| *rank == best).map(|(_, path, config)| (path.as_str(), config)).collect()
    }

    /// Where in `began` a step of this name stands for the first time.
    pub fn began_at(&self, written: &str) -> Option<usize> {
        self.began.iter().position(|path| rank(written, path) > 0)
    }
}

/// How many values there are in one.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(entries) => entries.values().map(weight).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn has_begun(view: &StepView) -> bool {
    match view.status {
        StepStatus::Pending | StepStatus::Skipped => false,
        StepStatus::Canceled => view.started_at.is_some(),
        StepStatus::Running
        | StepStatus::Waiting
        | StepStatus::Retrying
        | StepStatus::Ambiguous
        | StepStatus::Succeeded
        | StepStatus::Failed => true,
    }
}
