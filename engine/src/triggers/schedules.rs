//! Cron triggers: what there is, and when they fire next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use onward_workflows::{RunId, Schedule};
use serde::Serialize;

use crate::Engine;

/// Schedules read for one answer.
const SCHEDULES_MAX: i64 = 1_000;
/// Fire times in one answer.
pub const FIRES_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleRow {
    pub workflow: String,
    pub trigger_id: String,
    pub schedule: String,
    /// IANA name.
    pub timezone: String,
    pub enabled: bool,
    pub next_at: Option<DateTime<Utc>>,
    pub last_run_id: Option<RunId>,
}

/// One instant at which a trigger will fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextFire {
    pub at: DateTime<Utc>,
    pub workflow: String,
    pub trigger_id: String,
    pub schedule: String,
    pub timezone: String,
}

/// Of one workflow or of all, at most a thousand.
pub async fn list_schedules(engine: &Engine, workflow: Option<&str>) -> Result<Vec<ScheduleRow>, sqlx::Error> {
    let rows =
        sqlx::query_file!("queries/list_schedules.sql", workflow, SCHEDULES_MAX).fetch_all(engine.pool()).await?;
    Ok(rows
        .into_iter()
        .map(|row| ScheduleRow {
            workflow: row.workflow,
            trigger_id: row.trigger_id,
            schedule: row.schedule,
            timezone: row.timezone,
            enabled: row.enabled,
            next_at: row.next_at,
            last_run_id: row.last_run_id.map(RunId),
        })
        .collect())
}

/// The next `count` fires (at most 200) over all schedules, the earliest first.
pub async fn next_fires(engine: &Engine, workflow: Option<&str>, count: usize) -> Result<Vec<NextFire>, sqlx::Error> {
    Ok(merge_fires(&list_schedules(engine, workflow).await?, count.min(FIRES_MAX)))
}

/// Takes the earliest of all, then puts that schedule's following instant back.
fn merge_fires(schedules: &[ScheduleRow], count: usize) -> Vec<NextFire> {
    let mut heads: BinaryHeap<Reverse<(DateTime<Utc>, usize)>> =
        schedules.iter().enumerate().filter_map(|(place, row)| Some(Reverse((row.next_at?, place)))).collect();
    let mut fires = Vec::new();
    while fires.len() < count
        && let Some(Reverse((at, place))) = heads.pop()
    {
        let row = &schedules[place];
        fires.push(NextFire {
            at,
            workflow: row.workflow.clone(),
            trigger_id: row.trigger_id.clone(),
            schedule: row.schedule.clone(),
            timezone: row.timezone.clone(),
        });
        // A zone that this binary does not know any more has no further fires; the firing process reports it.
        let following = Schedule::parse(&row.schedule, &row.timezone).ok().and_then(|schedule| schedule.next_after(at));
        heads.extend(following.map(|next| Reverse((next, place))));
    }
    fires
}
