//! Values that were opened a moment ago, so that a burst of runs does not read the same rows over and over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::stored::SECRETS_MAX;

/// A value that was replaced elsewhere is used here for this long at most.
const KNOWN_FOR: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct KnownSecrets {
    // Read by every run that has secrets; the lock is held for a few map operations. It holds no more than there may be
    // secrets, and what is in it is overwritten when it is dropped.
    known: Mutex<HashMap<String, (Option<SecretString>, Instant)>>,
}

impl KnownSecrets {
    /// All of them or nothing; `None` in the map is known not to be set.
    pub fn find(&self, names: &[String]) -> Option<BTreeMap<String, Option<SecretString>>> {
        let known = self.known.lock().expect("no code panics while it holds this lock");
        names
            .iter()
            .map(|name| {
                let (value, at) = known.get(name)?;
                (at.elapsed() < KNOWN_FOR).then(|| (name.clone(), value.clone()))
            })
            .collect()
    }

    /// `read_at`: before they were read, so that none is kept for longer than it may be.
    pub fn keep(&self, values: &BTreeMap<String, Option<SecretString>>, read_at: Instant) {
        let mut known = self.known.lock().expect("no code panics while it holds this lock");
        known.retain(|_, (_, at)| at.elapsed() < KNOWN_FOR);
        for (name, value) in values {
            if known.len() < SECRETS_MAX {
                known.insert(name.clone(), (value.clone(), read_at));
            }
        }
    }

    pub fn forget(&self) {
        self.known.lock().expect("no code panics while it holds this lock").clear();
    }
}
