//! Firing cron triggers: exactly once per nominal instant, whoever does it.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::Schedule;
use serde_json::json;
use uuid::Uuid;

use crate::start::{self, PrepareRun, StartRun};
use crate::{Engine, Version, VersionError};

/// Triggers that one pass fires.
const TRIGGERS_MAX: i64 = 100;
/// Missed instants older than this are not caught up.
const CATCH_UP_WINDOW: TimeDelta = TimeDelta::hours(24);
/// Instants looked through for the newest missed one; a schedule of seconds that was down for long is cut here and goes
/// on from there in the next pass.
const MISSED_MAX: usize = 100_000;

/// What one pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fired {
    pub started: usize,
    pub skipped: usize,
    /// When there is something to do again.
    pub next_at: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
pub enum FireError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error("load the version of a trigger")]
    Version(#[from] VersionError),
}

struct Due {
    workflow: String,
    id: String,
    version: i32,
    nominal_at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
    skip: Option<&'static str>,
}

/// Fires everything that is due: locks the triggers, records the fires, inserts the runs and advances, in one
/// transaction. The compiled versions are loaded before, so that nothing is waited for inside it.
pub async fn fire_due(engine: &Engine) -> Result<Fired, FireError> {
    let coming = sqlx::query_file!("queries/list_due_versions.sql", TRIGGERS_MAX).fetch_all(engine.pool()).await?;
    if coming.is_empty() {
        let next_at = sqlx::query_file_scalar!("queries/find_next_fire.sql").fetch_one(engine.pool()).await?;
        return Ok(Fired { next_at, ..Fired::default() });
    }
    for row in coming {
        // What cannot be compiled is recorded as skipped below.
        let _ = engine.versions().load(engine.pool(), &row.workflow, row.version).await;
    }
    let mut transaction = engine.pool().begin().await?;
    let rows = sqlx::query_file!("queries/lock_due_triggers.sql", TRIGGERS_MAX).fetch_all(&mut *transaction).await?;
    let due: Vec<Due> = rows
        .into_iter()
        .map(|row| {
            let (nominal_at, next_at) = advance(&row.schedule, &row.timezone, row.next_at, row.now);
            let skip = if row.active {
                Some("overlap: the previous run of this trigger is still active")
            } else if nominal_at < row.now - CATCH_UP_WINDOW {
                Some("missed: it was due longer ago than the catch-up window")
            } else {
                None
            };
            Due { workflow: row.workflow, id: row.id, version: row.version, nominal_at, next_at, skip }
        })
        .collect();
    let mut starts: Vec<Option<Arc<StartRun>>> = Vec::with_capacity(due.len());
    let mut reasons: Vec<Option<String>> = Vec::with_capacity(due.len());
    for due in &due {
        match prepare(engine, due).await? {
            Ok(start) => {
                starts.push(Some(Arc::new(start)));
                reasons.push(None);
            }
            Err(reason) => {
                starts.push(None);
                reasons.push(Some(reason));
            }
        }
    }
    let ids: Vec<Option<Uuid>> = starts.iter().map(|start| start.as_ref().map(|start| start.run.0)).collect();
    let recorded = sqlx::query_file!(
        "queries/insert_fires.sql",
        &due.iter().map(|due| due.workflow.as_str()).collect::<Vec<_>>() as _,
        &due.iter().map(|due| due.id.as_str()).collect::<Vec<_>>() as _,
        &due.iter().map(|due| due.nominal_at).collect::<Vec<_>>(),
        &ids.iter().map(|id| if id.is_some() { "started" } else { "skipped" }).collect::<Vec<_>>() as _,
        &ids as _,
        &reasons as _,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let recorded: HashSet<_> = recorded.into_iter().map(|row| (row.workflow, row.trigger_id, row.nominal_at)).collect();
    let new: Vec<Arc<StartRun>> = due
        .iter()
        .zip(&starts)
        .filter(|(due, _)| recorded.contains(&(due.workflow.clone(), due.id.clone(), due.nominal_at)))
        .filter_map(|(_, start)| start.clone())
        .collect();
    sqlx::query_file!(
        "queries/advance_triggers.sql",
        &due.iter().map(|due| due.workflow.as_str()).collect::<Vec<_>>() as _,
        &due.iter().map(|due| due.id.as_str()).collect::<Vec<_>>() as _,
        &due.iter().map(|due| due.next_at).collect::<Vec<_>>() as _,
        &ids as _,
    )
    .execute(&mut *transaction)
    .await?;
    start::insert_in(&mut transaction, &new, engine.env()).await?;
    transaction.commit().await?;
    for queue in new.iter().map(|start| start.queue.as_str()).collect::<HashSet<_>>() {
        engine.wakes().queue(queue);
    }
    metrics::counter!("onward_runs_started_total").increment(new.len() as u64);
    let next_at = sqlx::query_file_scalar!("queries/find_next_fire.sql").fetch_one(engine.pool()).await?;
    Ok(Fired { started: new.len(), skipped: due.len() - new.len(), next_at })
}

/// Of everything that was missed, the newest instant fires; the next one lies after `now`.
fn advance(
    schedule: &str,
    zone: &str,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    let Ok(schedule) = Schedule::parse(schedule, zone) else {
        tracing::error!(schedule, zone, "a stored schedule cannot be read by this binary; its trigger stops");
        return (first, None);
    };
    let mut nominal_at = first;
    for _ in 0..MISSED_MAX {
        match schedule.next_after(nominal_at) {
            Some(next) if next <= now => nominal_at = next,
            next => return (nominal_at, next),
        }
    }
    (nominal_at, schedule.next_after(nominal_at))
}

/// A run, or why there is none.
async fn prepare(engine: &Engine, due: &Due) -> Result<Result<StartRun, String>, FireError> {
    if let Some(reason) = due.skip {
        return Ok(Err(reason.to_owned()));
    }
    let version: Arc<Version> = match engine.versions().load(engine.pool(), &due.workflow, due.version).await {
        Ok(version) => version,
        Err(VersionError::Database(error)) => return Err(error.into()),
        Err(error @ (VersionError::NotFound { .. } | VersionError::Undecodable { .. })) => {
            return Ok(Err(error.to_string()));
        }
    };
    let request = PrepareRun {
        trigger_id: Some(due.id.clone()),
        trigger: json!({ "type": "cron", "id": due.id, "time": due.nominal_at, "scheduled_at": due.nominal_at }),
        inputs: json!({}),
        scheduled_at: Some(due.nominal_at),
        key: None,
    };
    Ok(engine.prepare(version, request).map_err(|error| error.to_string()))
}
