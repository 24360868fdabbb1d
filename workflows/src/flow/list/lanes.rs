//! At most so many at once, in the order of the list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};

/// What starts takes the room that the earliest end among those before it has made.
#[derive(Debug)]
pub(in crate::flow) struct Lanes {
    limit: usize,
    taken: usize,
    ends: BinaryHeap<Reverse<DateTime<Utc>>>,
}

impl Lanes {
    pub fn new(limit: usize) -> Self {
        Self { limit, taken: 0, ends: BinaryHeap::new() }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Since when there is room for the next one, if there is.
    pub fn room_at(&self, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.taken < self.limit {
            return Some(since);
        }
        self.ends.peek().map(|Reverse(end)| (*end).max(since))
    }

    /// The next one takes the room.
    pub fn enter(&mut self) {
        if self.taken < self.limit {
            self.taken += 1;
        } else {
            self.ends.pop();
        }
    }

    pub fn leave(&mut self, at: DateTime<Utc>) {
        self.ends.push(Reverse(at));
    }
}
