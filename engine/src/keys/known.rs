//! Keys that were found good a moment ago, so that the busiest path asks the database nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::authenticate::Principal;

/// A key revoked elsewhere works here for this long at most.
const KNOWN_FOR: Duration = Duration::from_secs(5);
const KNOWN_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    // Read by every request; the lock is held for one map operation. The map's key is a hash of the whole presented text,
    // so that the memory of this process holds no secret that could be used.
    known: Mutex<HashMap<[u8; 32], Known>>,
}

#[derive(Debug)]
struct Known {
    principal: Arc<Principal>,
    expires_at: Option<DateTime<Utc>>,
    at: Instant,
}

impl KnownKeys {
    pub(super) fn find(&self, presented: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let known = self.known.lock().expect("no code panics while it holds this lock");
        let found = known.get(presented)?;
        let good = found.at.elapsed() < KNOWN_FOR && found.expires_at.is_none_or(|at| now < at);
        good.then(|| Arc::clone(&found.principal))
    }

    pub(super) fn keep(&self, presented: [u8; 32], principal: Arc<Principal>, expires_at: Option<DateTime<Utc>>) {
        let mut known = self.known.lock().expect("no code panics while it holds this lock");
        if known.len() >= KNOWN_MAX {
            known.retain(|_, found| found.at.elapsed() < KNOWN_FOR);
        }
        if known.len() < KNOWN_MAX {
            known.insert(presented, Known { principal, expires_at, at: Instant::now() });
        }
    }

    pub(crate) fn forget(&self) {
        self.known.lock().expect("no code panics while it holds this lock").clear();
    }
}
