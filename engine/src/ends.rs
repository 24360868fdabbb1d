//! Waiting for a run to end: told at once when it ends in this process, by looking otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_workflows::{RunId, RunStatus, StepError};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Engine;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How a run has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    pub status: RunStatus,
    pub output: Value,
    pub error: Option<StepError>,
}

/// Who waits in this process, by run. Filled by callers, emptied by them; the lock is held for one map operation.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    waiting: Mutex<HashMap<RunId, Arc<Notify>>>,
}

impl Ends {
    fn wait_for(&self, run: RunId) -> Arc<Notify> {
        let mut waiting = self.waiting.lock().expect("no code panics while it holds this lock");
        Arc::clone(waiting.entry(run).or_default())
    }

    fn forget(&self, run: RunId) {
        self.waiting.lock().expect("no code panics while it holds this lock").remove(&run);
    }

    pub(crate) fn tell(&self, run: RunId) {
        let waiting = self.waiting.lock().expect("no code panics while it holds this lock").get(&run).cloned();
        if let Some(notify) = waiting {
            notify.notify_waiters();
        }
    }
}

/// None when the run has not ended within this time, or is not there.
pub async fn await_end(engine: &Engine, run: RunId, within: Duration) -> Result<Option<RunEnd>, sqlx::Error> {
    let deadline = Instant::now() + within;
    let told = engine.ends().wait_for(run);
    let found = loop {
        let notified = told.notified();
        if let Some(end) = find(engine, run).await? {
            break Some(end);
        }
        let now = Instant::now();
        if deadline <= now {
            break None;
        }
        let _ = tokio::time::timeout(LOOK_EVERY.min(deadline - now), notified).await;
    };
    engine.ends().forget(run);
    Ok(found)
}

async fn find(engine: &Engine, run: RunId) -> Result<Option<RunEnd>, sqlx::Error> {
    let row = sqlx::query_file!("queries/find_run_end.sql", run.0).fetch_optional(engine.pool()).await?;
    Ok(row.and_then(|row| {
        let status = serde_json::from_value(Value::String(row.status?)).ok()?;
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let error = row.error.and_then(|text| serde_json::from_str(&text).ok());
        Some(RunEnd { status, output: json(row.output).unwrap_or_default(), error })
    }))
}
