//! From an endpoint to the workflow that it starts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::Engine;

/// A deploy of another process is noticed after this at the latest.
const KNOWN_FOR: Duration = Duration::from_secs(1);
const KNOWN_MAX: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub workflow: String,
    /// The version that a run started now pins.
    pub version: i32,
    pub trigger_id: String,
    /// False when the workflow or this trigger of it is switched off.
    pub enabled: bool,
    /// A caller has to bring a key.
    pub authenticated: bool,
}

/// What this process has looked up lately. An endpoint that is not there is looked up each time, so that a new one
/// works at once.
#[derive(Debug, Default)]
pub(crate) struct KnownEndpoints {
    // Read by every request that starts a run; the lock is held for one map operation.
    known: Mutex<HashMap<String, (Arc<Endpoint>, Instant)>>,
}

impl KnownEndpoints {
    fn find(&self, endpoint: &str) -> Option<Arc<Endpoint>> {
        let known = self.known.lock().expect("no code panics while it holds this lock");
        let (found, at) = known.get(endpoint)?;
        (at.elapsed() < KNOWN_FOR).then(|| Arc::clone(found))
    }

    fn keep(&self, endpoint: &str, found: Arc<Endpoint>) {
        let mut known = self.known.lock().expect("no code panics while it holds this lock");
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (_, at)| at.elapsed() < KNOWN_FOR);
        }
        if known.len() < KNOWN_MAX {
            known.insert(endpoint.to_owned(), (found, Instant::now()));
        }
    }

    pub(crate) fn forget(&self) {
        self.known.lock().expect("no code panics while it holds this lock").clear();
    }
}

pub async fn find_endpoint(engine: &Engine, endpoint: &str) -> Result<Option<Arc<Endpoint>>, sqlx::Error> {
    if let Some(known) = engine.endpoints().find(endpoint) {
        return Ok(Some(known));
    }
    let row =
        sqlx::query_file_as!(Endpoint, "queries/find_endpoint.sql", endpoint).fetch_optional(engine.pool()).await?;
    Ok(row.map(|found| {
        let found = Arc::new(found);
        engine.endpoints().keep(endpoint, Arc::clone(&found));
        found
    }))
}
