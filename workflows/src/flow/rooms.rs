//! The finished steps of a run, as the flow keeps them and as `steps` shows them to expressions.
//!
//! The run itself is a room, and so is every item of a `foreach` while it is at work: the results of the steps inside
//! a loop belong to their item. A room knows the results of a range of slots.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::scope::{error_value, instant};
use crate::expression::from_json;
use crate::{Definition, StepError};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Succeeded,
    Failed,
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A step that is over.
#[derive(Debug)]
pub(super) struct StepResult {
    pub verdict: Verdict,
    pub output: Json,
    pub error: Option<StepError>,
    /// Failed, and its handler made up for it.
    pub handled: bool,
    pub attempts: u32,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    /// The outputs of its items are in `output`.
    pub is_loop: bool,
    pub items: Vec<ItemResult>,
    /// The output as expressions see it, made when one reads it.
    pub readable: OnceLock<Value>,
    pub readable_items: OnceLock<Value>,
}

/// One item of a `foreach` that is over, its output apart.
#[derive(Debug, Clone)]
pub(super) struct ItemResult {
    pub verdict: Verdict,
    pub handled: bool,
    pub error: Option<Box<StepError>>,
}

impl StepResult {
    pub fn new(verdict: Verdict, output: Json, attempts: u32, at: (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let (started_at, finished_at) = at;
        Self {
            verdict,
            output,
            error: None,
            handled: false,
            attempts,
            started_at,
            finished_at,
            is_loop: false,
            items: Vec::new(),
            readable: OnceLock::new(),
            readable_items: OnceLock::new(),
        }
    }

    pub fn readable(&self) -> Value {
        self.readable.get_or_init(|| from_json(&self.output)).clone()
    }

    fn items(&self) -> Value {
        let outputs = self.output.as_array().map(Vec::as_slice).unwrap_or_default();
        let items = self.items.iter().zip(outputs).map(|(item, output)| {
            Value::from_pairs([
                ("status", Value::from(item.verdict.word())),
                ("output", from_json(output)),
                ("error", item.error.as_deref().map_or(Value::from(()), error_value)),
            ])
        });
        Value::from(items.collect::<Vec<_>>())
    }
}

pub(super) type RoomId = usize;
/// Of the run itself.
pub(super) const RUN: RoomId = 0;

#[derive(Debug)]
pub(super) struct Room {
    outer: Option<RoomId>,
    /// The first of its slots.
    first: usize,
    over: Arc<Vec<Option<Arc<StepResult>>>>,
    pub item: Option<Item>,
}

/// What a loop's name stands for in one of its rounds.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub name: Arc<str>,
    pub index: usize,
    pub value: Value,
}

#[derive(Debug)]
pub(super) struct Rooms {
    rooms: Vec<Option<Room>>,
    free: Vec<RoomId>,
}

impl Rooms {
    pub fn new(slots: usize) -> Self {
        let run = Room { outer: None, first: 0, over: Arc::new(vec![None; slots]), item: None };
        Self { rooms: vec![Some(run)], free: Vec::new() }
    }

    /// Makes a room for `slots` slots from `first` on.
    pub fn open(&mut self, outer: RoomId, first: usize, slots: usize, item: Item) -> RoomId {
        let room = Room { outer: Some(outer), first, over: Arc::new(vec![None; slots]), item: Some(item) };
        if let Some(id) = self.free.pop() {
            self.rooms[id] = Some(room);
            return id;
        }
        self.rooms.push(Some(room));
        self.rooms.len() - 1
    }

    pub fn close(&mut self, id: RoomId) {
        self.rooms[id] = None;
        self.free.push(id);
    }

    fn room(&self, id: RoomId) -> &Room {
        self.rooms[id].as_ref().expect("a room stays open while something in it is at work")
    }

    /// From the inside out.
    pub fn chain(&self, id: RoomId) -> impl Iterator<Item = &Room> {
        std::iter::successors(Some(self.room(id)), |room| room.outer.map(|outer| self.room(outer)))
    }

    pub fn get(&self, id: RoomId, slot: usize) -> Option<&StepResult> {
        let room = self.room(id);
        room.over[slot - room.first].as_deref()
    }

    pub fn set(&mut self, id: RoomId, slot: usize, result: Option<StepResult>) {
        let room = self.rooms[id].as_mut().expect("a room stays open while something in it is at work");
        // Scopes are dropped after their evaluation, so this copies nothing.
        Arc::make_mut(&mut room.over)[slot - room.first] = result.map(Arc::new);
    }

    /// Forgets what the slots of a block have come to, before it is repeated.
    pub fn clear(&mut self, id: RoomId, slots: std::ops::Range<usize>) {
        for slot in slots {
            self.set(id, slot, None);
        }
    }

    /// What `steps` shows to an expression in this room.
    pub fn view(&self, definition: &Arc<Definition>, id: RoomId) -> Value {
        let rooms = self.chain(id).map(|room| (room.first, Arc::clone(&room.over))).collect();
        Value::from_object(Steps { definition: Arc::clone(definition), rooms })
    }
}

type Over = (usize, Arc<Vec<Option<Arc<StepResult>>>>);

#[derive(Debug)]
struct Steps {
    definition: Arc<Definition>,
    rooms: Vec<Over>,
}

impl Object for Steps {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let slot = self.definition.slots.find(key)?;
        let over = self.rooms.iter().find_map(|(first, over)| over.get(slot.checked_sub(*first)?));
        Some(match over {
            Some(Some(result)) => Value::from_dyn_object(Arc::clone(result)),
            Some(None) | None => Value::from_object(NotRun),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let ids = self.definition.slots.ids().iter().filter(|id| !id.is_empty());
        Enumerator::Values(ids.map(|id| Value::from(id.as_str())).collect())
    }
}

const FIELDS: &[&str] = &["output", "status", "error", "attempts", "started_at", "finished_at"];
const LOOP_FIELDS: &[&str] = &["output", "status", "error", "attempts", "started_at", "finished_at", "items"];

impl Object for StepResult {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "output" => self.readable(),
            "status" => Value::from(self.verdict.word()),
            "error" => self.error.as_ref().map_or(Value::from(()), error_value),
            "attempts" => Value::from(self.attempts),
            "started_at" => instant(self.started_at),
            "finished_at" => instant(self.finished_at),
            "items" if self.is_loop => self.readable_items.get_or_init(|| self.items()).clone(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(if self.is_loop { LOOP_FIELDS } else { FIELDS })
    }
}

/// A step that never came to an end, or never had its turn.
#[derive(Debug)]
struct NotRun;

impl Object for NotRun {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "status" => Value::from("canceled"),
            "attempts" => Value::from(0),
            "output" | "error" | "started_at" | "finished_at" | "items" => Value::from(()),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(FIELDS)
    }
}
