//! Queues that have more work than anybody will do soon: they take no further runs from outside.

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use sqlx::PgPool;

use crate::Engine;

/// Jobs of one queue that could go on and wait for a worker.
pub const QUEUE_DEPTH_MAX: i64 = 1_000_000;
/// Queues that one look takes in.
const QUEUES_MAX: i64 = 1_000;

/// As of the last look, so that a start costs nothing: a queue can be a few seconds' worth of starts over its limit.
#[derive(Debug, Clone)]
pub(crate) struct Depths {
    // Read by every start, written by housekeeping; held for one operation of the set.
    full: Arc<RwLock<HashSet<String>>>,
    pub max: i64,
}

impl Default for Depths {
    fn default() -> Self {
        Self { full: Arc::default(), max: QUEUE_DEPTH_MAX }
    }
}

impl Depths {
    pub fn with_max(self, max: i64) -> Self {
        Self { max, ..self }
    }

    pub fn is_full(&self, queue: &str) -> bool {
        self.full.read().expect("no code panics while it holds this lock").contains(queue)
    }

    async fn look(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let full =
            sqlx::query_file_scalar!("queries/list_full_queues.sql", self.max, QUEUES_MAX).fetch_all(pool).await?;
        let full = full.into_iter().collect();
        *self.full.write().expect("no code panics while it holds this lock") = full;
        Ok(())
    }
}

/// Looks which queues are full.
pub async fn look_at_depths(engine: &Engine) -> Result<(), sqlx::Error> {
    engine.depths().look(engine.pool()).await
}
