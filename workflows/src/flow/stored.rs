//! What is stored of a run and has not been taken over yet. A step takes what is its own when its turn comes.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{ArrivedEvent, Begun, Checkpoint, ChildRun, Past};
use crate::{RunId, Step};

#[derive(Debug, Default)]
pub(super) struct Stored {
    checkpoints: HashMap<String, LastAttempt>,
    begun: HashMap<String, Begun>,
    pub events: Vec<ArrivedEvent>,
    /// Events that a wait of this run has ended with.
    pub consumed: HashSet<String>,
    children: HashMap<RunId, ChildRun>,
}

#[derive(Debug)]
pub(super) struct LastAttempt {
    pub checkpoint: Checkpoint,
    pub first_started_at: DateTime<Utc>,
}

impl Stored {
    pub fn new(past: Past) -> Self {
        let mut checkpoints: HashMap<String, LastAttempt> = HashMap::with_capacity(past.checkpoints.len());
        for checkpoint in past.checkpoints {
            match checkpoints.get_mut(&checkpoint.path) {
                None => {
                    let first_started_at = checkpoint.started_at;
                    checkpoints.insert(checkpoint.path.clone(), LastAttempt { checkpoint, first_started_at });
                }
                Some(last) => {
                    last.first_started_at = last.first_started_at.min(checkpoint.started_at);
                    if last.checkpoint.attempt < checkpoint.attempt {
                        last.checkpoint = checkpoint;
                    }
                }
            }
        }
        Self {
            checkpoints,
            begun: past.begun.into_iter().map(|begun| (begun.path.clone(), begun)).collect(),
            events: past.events,
            consumed: HashSet::new(),
            children: past.children.into_iter().map(|child| (child.run, child)).collect(),
        }
    }

    pub fn take(&mut self, path: &str) -> Option<LastAttempt> {
        // Most flows are resumed with nothing stored.
        if self.checkpoints.is_empty() { None } else { self.checkpoints.remove(path) }
    }

    /// Whether anything of this step, or of what is inside it, is stored.
    pub fn has_trace(&self, step: &Step, prefix: &str) -> bool {
        if self.checkpoints.is_empty() {
            return false;
        }
        let path = format!("{prefix}{}", step.id);
        if step.foreach.is_some() {
            let items = format!("{path}[");
            return self.checkpoints.keys().any(|stored| stored.starts_with(&items));
        }
        self.checkpoints.contains_key(&path)
            || step.lists().any(|list| list.iter().any(|inner| self.has_trace(inner, prefix)))
    }

    /// Whether this attempt was announced and nothing else is known of it.
    pub fn begun(&self, path: &str, attempt: u32) -> Option<&Begun> {
        self.begun.get(path).filter(|begun| begun.attempt == attempt)
    }

    pub fn child(&self, run: RunId) -> Option<&ChildRun> {
        self.children.get(&run)
    }
}
