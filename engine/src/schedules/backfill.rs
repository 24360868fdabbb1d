//! Runs for instants that have gone by without one.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Schedule, ScheduleError, ScheduleId, lock};
use crate::Engine;
use crate::cron::{announce, prepare};
use crate::start::{self, StartRun};

/// Instants of one backfill.
pub const BACKFILLED_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfill {
    pub from: DateTime<Utc>,
    /// The first instant that does not count; now without it.
    pub to: Option<DateTime<Utc>>,
    /// All at once, instead of one after the end of the other.
    pub at_once: bool,
    /// Only count.
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfilled {
    pub id: ScheduleId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Instants that get a run.
    pub count: usize,
    /// Instants of the range that have one already, or wait for it.
    pub known: usize,
}

/// All or nothing, and the same again starts nothing more: an instant that has a run keeps it. A pause does not hinder it.
pub async fn backfill(engine: &Engine, id: &ScheduleId, wish: Backfill) -> Result<Backfilled, ScheduleError> {
    let mut transaction = engine.pool().begin().await?;
    let schedule = lock(&mut transaction, id).await?;
    if !schedule.enabled {
        return Err(ScheduleError::Disabled);
    }
    let to = wish.to.unwrap_or(schedule.now);
    if wish.from >= to || to > schedule.now {
        return Err(ScheduleError::Range);
    }
    let instants = instants(&schedule, wish.from, to)?;
    let known = known(&mut transaction, id, &schedule, wish.from, to).await?;
    let missing: Vec<DateTime<Utc>> = instants.iter().filter(|instant| !known.contains(instant)).copied().collect();
    let result = Backfilled {
        id: schedule.id(id),
        from: wish.from,
        to,
        count: missing.len(),
        known: instants.len() - missing.len(),
    };
    if wish.dry_run || missing.is_empty() {
        transaction.rollback().await?;
        return Ok(result);
    }
    let mut starts: Vec<Arc<StartRun>> = Vec::new();
    if wish.at_once {
        for instant in &missing {
            let start = prepare(engine, &id.workflow, schedule.version, &schedule.trigger_id, *instant).await?;
            starts.push(Arc::new(start.map_err(ScheduleError::Refused)?));
        }
    }
    let runs: Vec<Option<Uuid>> = (0..missing.len()).map(|place| starts.get(place).map(|start| start.run.0)).collect();
    sqlx::query_file!("queries/insert_backfills.sql", id.workflow, schedule.trigger_id, &missing, &runs as _)
        .execute(&mut *transaction)
        .await?;
    start::insert_in(&mut transaction, &starts, engine.env()).await?;
    transaction.commit().await?;
    announce(engine, &starts);
    Ok(result)
}

/// Those that the trigger itself will still fire do not count.
fn instants(schedule: &Schedule, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, ScheduleError> {
    let timetable = schedule.timetable.as_ref().ok_or(ScheduleError::Unreadable)?;
    let end = schedule.nominal_at.map_or(to, |nominal_at| nominal_at.min(to));
    let following = |at: DateTime<Utc>| timetable.schedule().next_after(at).filter(|next| *next < end);
    let instants: Vec<_> = std::iter::successors(following(from - TimeDelta::milliseconds(1)), |at| following(*at))
        .take(BACKFILLED_MAX + 1)
        .collect();
    if instants.len() > BACKFILLED_MAX { Err(ScheduleError::TooMany) } else { Ok(instants) }
}

/// The instants that have a run, or will have one.
async fn known(
    connection: &mut PgConnection,
    id: &ScheduleId,
    schedule: &Schedule,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<HashSet<DateTime<Utc>>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/list_fires_between.sql", id.workflow, schedule.trigger_id, from, to)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.nominal_at).collect())
}
