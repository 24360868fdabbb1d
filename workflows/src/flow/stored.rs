//! What is stored of a run and has not been taken over yet. A step takes what is its own when its turn comes.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::loops::item_of;
use super::{ArrivedEvent, Begun, Checkpoint, CheckpointStatus, ChildRun, Past, RoutedEnd, RoutedStep};
use crate::{RunId, Step};

#[derive(Debug)]
pub(super) struct Stored {
    checkpoints: HashMap<String, LastAttempt>,
    begun: HashMap<String, Begun>,
    routed: HashMap<String, RoutedStep>,
    pub events: Vec<ArrivedEvent>,
    /// Events that a wait of this run has ended with.
    pub consumed: HashSet<String>,
    children: HashMap<RunId, ChildRun>,
    /// The last item of each loop, by the loop's path, of which something is stored.
    last_items: HashMap<String, usize>,
    /// The last instant of which something is stored or asked to be.
    latest: DateTime<Utc>,
    /// The last deadline that has put an end to something.
    passed: DateTime<Utc>,
    /// Checkpoints that were asked for, and those of them that count.
    asked: u64,
    counted: u64,
    /// Stored before one that was asked for earlier: they count after it.
    early: Vec<(u64, String, u32)>,
}

#[derive(Debug)]
pub(super) struct LastAttempt {
    pub checkpoint: Checkpoint,
    pub first_started_at: DateTime<Utc>,
    /// What the row says of a block's last repetition.
    pub repeated: Option<(u32, Value)>,
}

impl Stored {
    pub fn new(past: Past, created_at: DateTime<Utc>) -> Self {
        let waited_for = past.checkpoints.iter().filter_map(event_of).map(ToOwned::to_owned);
        let consumed = if past.events.is_empty() { HashSet::new() } else { waited_for.collect() };
        let mut checkpoints: HashMap<String, LastAttempt> = HashMap::with_capacity(past.checkpoints.len());
        for mut checkpoint in past.checkpoints {
            let is_repeated = checkpoint.status == CheckpointStatus::Retrying;
            let repeated = checkpoint.output.take_if(|_| is_repeated).map(|noted| (checkpoint.attempt, noted));
            match checkpoints.get_mut(&checkpoint.path) {
                None => {
                    let first_started_at = checkpoint.started_at;
                    let last = LastAttempt { checkpoint, first_started_at, repeated };
                    checkpoints.insert(last.checkpoint.path.clone(), last);
                }
                Some(last) => {
                    last.first_started_at = last.first_started_at.min(checkpoint.started_at);
                    if last.repeated.as_ref().map(|(attempt, _)| attempt)
                        < repeated.as_ref().map(|(attempt, _)| attempt)
                    {
                        last.repeated = repeated;
                    }
                    if last.checkpoint.attempt < checkpoint.attempt {
                        last.checkpoint = checkpoint;
                    }
                }
            }
        }
        let mut last_items = HashMap::new();
        let begun = past.begun.iter().map(|begun| &begun.path);
        let routed = past.routed.iter().map(|routed| &routed.path);
        for path in checkpoints.keys().chain(begun).chain(routed) {
            note_items(path, &mut last_items);
        }
        let latest = checkpoints.values().map(|last| last.checkpoint.finished_at).fold(created_at, DateTime::max);
        Self {
            begun: past.begun.into_iter().map(|begun| (begun.path.clone(), begun)).collect(),
            routed: past.routed.into_iter().map(|routed| (routed.path.clone(), routed)).collect(),
            consumed,
            events: past.events,
            children: past.children.into_iter().map(|child| (child.run, child)).collect(),
            last_items,
            latest,
            passed: DateTime::<Utc>::MIN_UTC,
            asked: 0,
            counted: 0,
            early: Vec::new(),
            checkpoints,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.checkpoints.is_empty() && self.begun.is_empty() && self.routed.is_empty()
    }

    pub fn latest(&self) -> DateTime<Utc> {
        self.latest
    }

    /// The instant at which an attempt counts as finished: not before anything that was known already, so that what was
    /// known when something began can be told from what is stored.
    pub fn stamp(&mut self, finished_at: DateTime<Utc>) -> DateTime<Utc> {
        // Of two that are on their way the one asked for first is the earlier.
        let earliest = if self.asked == self.counted { self.latest } else { self.latest + TimeDelta::microseconds(1) };
        self.latest = finished_at.max(earliest);
        // A resumed flow notices a deadline before what came to be known after it.
        if self.latest <= self.passed {
            self.latest = self.passed + TimeDelta::microseconds(1);
        }
        self.latest
    }

    /// A deadline has put an end to something.
    pub fn pass(&mut self, deadline: DateTime<Utc>) {
        self.passed = self.passed.max(deadline);
    }

    /// The number of the checkpoint that is asked for now.
    pub fn ask(&mut self) -> u64 {
        self.asked += 1;
        self.asked - 1
    }

    /// Whether a checkpoint that is now stored counts already; if not, it is kept for its time.
    pub fn counts(&mut self, number: u64, path: &str, attempt: u32) -> bool {
        if number == self.counted {
            self.counted += 1;
            return true;
        }
        if self.early.iter().all(|(early, ..)| *early != number) {
            self.early.push((number, path.to_owned(), attempt));
        }
        false
    }

    /// The next checkpoint to count, if it is stored.
    pub fn next_early(&mut self) -> Option<(String, u32)> {
        let place = self.early.iter().position(|(number, ..)| *number == self.counted)?;
        let (_, path, attempt) = self.early.swap_remove(place);
        Some((path, attempt))
    }

    pub fn take(&mut self, path: &str) -> Option<LastAttempt> {
        // Most flows are resumed with nothing stored.
        if self.checkpoints.is_empty() { None } else { self.checkpoints.remove(path) }
    }

    /// The instants at which something stored began to count, in their order.
    pub fn instants(&self) -> Vec<DateTime<Utc>> {
        let mut instants: Vec<_> = self.checkpoints.values().map(|last| last.checkpoint.finished_at).collect();
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// Whether anything of this step, or of what is inside it, is stored.
    pub fn has_trace(&self, step: &Step, prefix: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let path = format!("{prefix}{}", step.id);
        if step.foreach.is_some() {
            return self.last_item(&path).is_some();
        }
        self.checkpoints.contains_key(&path)
            || self.begun.contains_key(&path)
            || self.routed.contains_key(&path)
            || step.lists().any(|list| list.iter().any(|inner| self.has_trace(inner, prefix)))
    }

    /// The last item of a loop of which something is stored.
    pub fn last_item(&self, path: &str) -> Option<usize> {
        self.last_items.get(path).copied()
    }

    /// Whether this attempt was announced and nothing else is known of it.
    pub fn begun(&self, path: &str, attempt: u32) -> Option<&Begun> {
        self.begun.get(path).filter(|begun| begun.attempt == attempt)
    }

    /// Whether this attempt is a job of its own.
    pub fn routed(&self, path: &str, attempt: u32) -> Option<&RoutedStep> {
        self.routed.get(path).filter(|routed| routed.attempt == attempt)
    }

    /// Whether it is known what a routed attempt came to.
    pub fn is_done(&self, path: &str, attempt: u32) -> bool {
        self.routed(path, attempt).is_some_and(|routed| routed.end.is_some())
    }

    /// What a routed attempt came to, once.
    pub fn take_routed(&mut self, path: &str, attempt: u32) -> Option<RoutedEnd> {
        self.routed.get_mut(path).filter(|routed| routed.attempt == attempt)?.end.take()
    }

    pub fn child(&self, run: RunId) -> Option<&ChildRun> {
        self.children.get(&run)
    }
}

/// The event that an attempt of a `wait_for_event` has ended with.
fn event_of(checkpoint: &Checkpoint) -> Option<&str> {
    let of_output = checkpoint.output.as_ref().and_then(|output| output.get("id"));
    let of_error = checkpoint.error.as_ref().and_then(|error| error.details.as_ref()?.get("event_id"));
    of_output.or(of_error).and_then(Value::as_str)
}

fn note_items(path: &str, last_items: &mut HashMap<String, usize>) {
    for (place, _) in path.match_indices('[') {
        let own = &path[..place];
        let Some(item) = item_of(own, path) else { continue };
        match last_items.get_mut(own) {
            Some(last) => *last = item.max(*last),
            None => {
                last_items.insert(own.to_owned(), item);
            }
        }
    }
}
