//! `foreach`: one unit for each item, some of them at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Wait;
use super::compute::not_evaluated;
use super::known::{Env, Known};
use super::list::{Cut, Lanes, Round};
use super::rooms::{Item, ItemResult, StepResult, Verdict};
use super::stored::Stored;
use super::unit::{Ended, Failed, UndoSeen, Unit};
use crate::expression::from_json;
use crate::{ErrorKind, Foreach, Step, StepError};

/// Rounds of one loop.
const ITEMS_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Loop {
    since: DateTime<Utc>,
    name: Arc<str>,
    /// What the rounds are about; taken when their turn comes.
    items: Vec<Value>,
    next: usize,
    lanes: Lanes,
    active: Vec<(usize, Box<Unit>)>,
    results: Vec<Option<ItemResult>>,
    outputs: Vec<Value>,
    finished_at: DateTime<Utc>,
    stop: Option<(Cut, Arc<StepError>)>,
    halt: Option<Cut>,
    /// Something is stored of it, or of an item after it: it had its turn.
    last_stored: Option<usize>,
    /// Something of it is stored.
    traced: bool,
    /// Over, and can be undone.
    kept: BTreeMap<usize, Box<Unit>>,
    undoing: Option<Undoing>,
}

#[derive(Debug)]
struct Undoing {
    lanes: Lanes,
    active: Vec<usize>,
    /// Those from here on have had their turn.
    from: usize,
    finished_at: DateTime<Utc>,
}

/// The outputs, or why there are none; without an error the loop was given up.
pub(super) type LoopEnd = Result<(Value, DateTime<Utc>), Option<Failed>>;

/// How far a loop has come, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LoopCounts {
    pub total: usize,
    pub running: usize,
    pub succeeded: usize,
    /// Without those that were handled.
    pub failed: usize,
    pub handled: usize,
    pub skipped: usize,
}

impl Loop {
    pub fn new(foreach: &Foreach, unit: &Unit, known: &Known, stored: &Stored) -> Result<Self, Box<StepError>> {
        let items = known
            .render(&foreach.items, &unit.env, &unit.path, unit.ready_at)
            .map_err(|error| Box::new(not_evaluated(&error)))?;
        let Value::Array(items) = items else {
            let what = match items {
                Value::Null => "null",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a text",
                Value::Array(_) => unreachable!("a list is what is wanted"),
                Value::Object(_) => "a map",
            };
            let message = format!("`foreach` goes over a list, and this is {what}");
            return Err(Box::new(StepError::new(ErrorKind::Config, message)));
        };
        let items = match foreach.batch {
            None => items,
            Some(batch) => items.chunks(batch).map(|chunk| Value::Array(chunk.to_vec())).collect(),
        };
        if items.len() > ITEMS_MAX {
            let message = format!("`foreach` has {} rounds; at most {ITEMS_MAX} are allowed", items.len());
            return Err(Box::new(StepError::new(ErrorKind::Limit, message)));
        }
        Ok(Self {
            since: unit.ready_at,
            name: Arc::from(foreach.name.as_str()),
            next: 0,
            lanes: Lanes::new(foreach.concurrency),
            active: Vec::new(),
            results: vec![None; items.len()],
            outputs: vec![Value::Null; items.len()],
            items,
            finished_at: unit.ready_at,
            stop: None,
            halt: None,
            last_stored: stored.last_item(&unit.path),
            traced: false,
            kept: BTreeMap::new(),
            undoing: None,
        })
    }

    pub fn advance(&mut self, step: &Step, env: &Env, path: &str, round: &mut Round<'_>) -> Option<LoopEnd> {
        let mut at = 0;
        while at < self.active.len() {
            match self.active[at].1.advance(step, round) {
                None => at += 1,
                Some(ended) => {
                    let (index, unit) = self.active.remove(at);
                    self.end(step, round, index, unit, ended);
                }
            }
        }
        while self.next < self.items.len() {
            let Some(ready_at) = self.lanes.room_at(self.since) else { break };
            if self.is_late(step, env, ready_at) && self.last_stored.is_none_or(|last| last < self.next) {
                break;
            }
            self.lanes.enter();
            let index = self.next;
            self.next += 1;
            let mut unit = Box::new(self.open(step, env, path, round, index, ready_at));
            if let Some(cut) = self.halt {
                unit.halt(step, cut, round);
            }
            match unit.advance(step, round) {
                None => self.active.push((index, unit)),
                Some(ended) => self.end(step, round, index, unit, ended),
            }
        }
        if !self.active.is_empty() {
            return None;
        }
        match &self.stop {
            Some((cut, error)) if self.halt.is_none_or(|halt| cut.at <= halt.at) => {
                Some(Err(Some(Failed { error: Arc::clone(error), at: self.finished_at })))
            }
            None if self.results.iter().all(Option::is_some) => {
                Some(Ok((Value::Array(std::mem::take(&mut self.outputs)), self.finished_at)))
            }
            Some(_) | None => Some(Err(None)),
        }
    }

    /// What would begin at this instant, does not.
    fn is_late(&self, step: &Step, env: &Env, at: DateTime<Utc>) -> bool {
        self.stop.as_ref().is_some_and(|(stop, _)| *stop < Cut { at, slot: self.next })
            || self.halt.is_some_and(|halt| halt < Cut { at, slot: step.number.slot })
            || env.horizon.is_some_and(|horizon| horizon < at)
    }

    fn open(
        &mut self,
        step: &Step,
        env: &Env,
        path: &str,
        round: &mut Round<'_>,
        index: usize,
        ready_at: DateTime<Utc>,
    ) -> Unit {
        let value = std::mem::take(&mut self.items[index]);
        let item = Item { name: Arc::clone(&self.name), index, value: from_json(&value) };
        let room = round.known.rooms.open(env.room, step.number.slot + 1, step.number.slots - 1, item);
        Unit::item(format!("{path}[{index}]").into(), Env { room, alias: None, ..env.clone() }, ready_at)
    }

    fn end(&mut self, step: &Step, round: &mut Round<'_>, index: usize, unit: Box<Unit>, ended: Ended) {
        self.traced |= unit.is_traced();
        match ended {
            Ended::Over(result) | Ended::Returned(result) => self.item_over(index, result),
            Ended::Canceled(at) => self.finished_at = self.finished_at.max(at),
        }
        if step.number.undoable {
            self.kept.insert(index, unit);
        } else {
            round.known.rooms.close(unit.env.room);
        }
    }

    fn item_over(&mut self, index: usize, result: StepResult) {
        let StepResult { verdict, output, error, handled, finished_at, .. } = result;
        self.lanes.leave(finished_at);
        self.finished_at = self.finished_at.max(finished_at);
        if verdict == Verdict::Failed && !handled {
            let error = error.clone().expect("an item that failed has an error");
            let cut = Cut { at: finished_at, slot: index };
            if self.stop.as_ref().is_none_or(|(stop, _)| cut < *stop) {
                self.stop = Some((cut, Arc::new(error)));
            }
        }
        self.outputs[index] = output;
        self.results[index] = Some(ItemResult { verdict, handled, error: error.map(Box::new) });
    }

    pub fn halt(&mut self, step: &Step, cut: Cut, round: &mut Round<'_>) {
        self.halt = Some(self.halt.map_or(cut, |known| known.min(cut)));
        // Opened in this very round, before the cut was known.
        let turn = |unit: &Unit| Cut { at: unit.ready_at, slot: step.number.slot };
        self.active.retain(|(_, unit)| turn(unit) <= cut || unit.has_begun(step, round.stored));
        for (_, unit) in &mut self.active {
            unit.halt(step, cut, round);
        }
    }

    pub fn take_results(&mut self) -> Vec<ItemResult> {
        std::mem::take(&mut self.results).into_iter().flatten().collect()
    }

    /// `own` is the path of the loop itself.
    pub fn find<R>(
        &mut self,
        step: &Step,
        (own, path): (&str, &str),
        act: &mut dyn FnMut(&Step, &mut Unit) -> Option<R>,
    ) -> Option<R> {
        let item = item_of(own, path)?;
        match self.active.iter_mut().find(|(index, _)| *index == item) {
            Some((_, unit)) => unit.find(step, path, act),
            None => self.kept.get_mut(&item)?.find_undo(step, path, act),
        }
    }

    pub fn waits(&self, step: &Step, waits: &mut Vec<Wait>) {
        for (_, unit) in &self.active {
            unit.waits(step, waits);
        }
        // What is kept waits for something only while it is being undone.
        for index in self.undoing.iter().flat_map(|undoing| &undoing.active) {
            self.kept[index].undo_waits(step, waits);
        }
    }

    /// The latest end of an item.
    pub fn finished_at(&self) -> DateTime<Utc> {
        self.finished_at
    }

    /// The last item first; as many at once as had been at work at once.
    pub fn undo(&mut self, step: &Step, since: DateTime<Utc>, round: &mut Round<'_>) -> Option<DateTime<Utc>> {
        let limit = self.lanes.limit();
        let undoing = self.undoing.get_or_insert_with(|| Undoing {
            lanes: Lanes::new(limit),
            active: Vec::new(),
            from: usize::MAX,
            finished_at: since,
        });
        let mut ended = Vec::new();
        undoing.active.retain(|index| {
            let end = self.kept.get_mut(index).and_then(|unit| unit.undo(step, since, round));
            ended.extend(end);
            end.is_none()
        });
        loop {
            for end in ended.drain(..) {
                undoing.lanes.leave(end);
                undoing.finished_at = undoing.finished_at.max(end);
            }
            let Some((index, unit)) = self.kept.range_mut(..undoing.from).next_back() else { break };
            let Some(ready_at) = undoing.lanes.room_at(since) else { break };
            undoing.lanes.enter();
            undoing.from = *index;
            match unit.undo(step, ready_at, round) {
                Some(end) => ended.push(end),
                None => undoing.active.push(*index),
            }
        }
        undoing.active.is_empty().then_some(undoing.finished_at)
    }

    pub fn undos(&self, step: &Step, see: &mut dyn FnMut(&str, UndoSeen)) {
        for unit in self.kept.values() {
            unit.undos(step, see);
        }
    }

    pub fn is_traced(&self) -> bool {
        self.traced
    }

    pub fn any_begun(&self, step: &Step, stored: &Stored) -> bool {
        self.traced || self.active.iter().any(|(_, unit)| unit.has_begun(step, stored))
    }

    pub fn counts(&self) -> LoopCounts {
        count(self.results.iter().flatten(), self.results.len(), self.active.len())
    }

    /// Items at work or being undone, in their order.
    pub fn active(&self) -> Vec<&Unit> {
        let undoing = self.undoing.iter().flat_map(|undoing| &undoing.active).map(|index| (index, &self.kept[index]));
        let mut active: Vec<_> = self.active.iter().map(|(index, unit)| (index, unit)).chain(undoing).collect();
        active.sort_by_key(|(index, _)| **index);
        active.into_iter().map(|(_, unit)| &**unit).collect()
    }
}

/// The place of the item of the loop `own` that this path leads into.
pub(super) fn item_of(own: &str, path: &str) -> Option<usize> {
    let (index, _) = path.strip_prefix(own)?.strip_prefix('[')?.split_once(']')?;
    index.parse().ok()
}

pub(super) fn count<'r>(results: impl Iterator<Item = &'r ItemResult>, total: usize, running: usize) -> LoopCounts {
    let mut counts = LoopCounts { total, running, ..LoopCounts::default() };
    for result in results {
        match result.verdict {
            Verdict::Succeeded => counts.succeeded += 1,
            Verdict::Failed if result.handled => counts.handled += 1,
            Verdict::Failed => counts.failed += 1,
            Verdict::Skipped => counts.skipped += 1,
        }
    }
    counts
}
