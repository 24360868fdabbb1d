//! Cron triggers: what there is, and when they fire next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{ClockChange, Planned, RunId, Timetable};
use serde::Serialize;
use serde_json::Value;

use super::read_timetable;
use crate::Engine;

/// Schedules read for one answer.
const SCHEDULES_MAX: i64 = 1_000;
/// Fire times in one answer.
pub const FIRES_MAX: usize = 200;
/// Changes of the clock are looked for so far ahead.
const CHANGES_WITHIN: TimeDelta = TimeDelta::days(366);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleRow {
    pub workflow: String,
    pub trigger_id: String,
    pub schedule: String,
    /// IANA name.
    pub timezone: String,
    /// Jitter, overlap, catch-up and bounds, as the document has them.
    pub rules: Value,
    pub enabled: bool,
    pub paused: bool,
    /// Of a pause with an end, also of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<DateTime<Utc>>,
    /// The next instant of the schedule; it fires at `next_at`, later by its jitter.
    pub nominal_at: Option<DateTime<Utc>>,
    pub next_at: Option<DateTime<Utc>>,
    pub last_run_id: Option<RunId>,
}

/// One instant at which a trigger will fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextFire {
    pub at: DateTime<Utc>,
    /// The instant of the schedule; `at` is later by the jitter.
    pub nominal_at: DateTime<Utc>,
    pub workflow: String,
    pub trigger_id: String,
    pub schedule: String,
    pub timezone: String,
}

/// A fire within a year that a change of the clock moves, or keeps from coming twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MovedFire {
    pub workflow: String,
    pub trigger_id: String,
    pub timezone: String,
    #[serde(flatten)]
    pub change: ClockChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireTimes {
    pub fires: Vec<NextFire>,
    /// The next of each trigger that is among the fires, the earliest first.
    pub clock_changes: Vec<MovedFire>,
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
            rules: row.rules,
            enabled: row.enabled,
            paused: row.paused,
            paused_until: row.paused_until,
            nominal_at: row.nominal_at,
            next_at: row.next_at,
            last_run_id: row.last_run_id.map(RunId),
        })
        .collect())
}

/// The next `count` fires (at most 200) over all schedules, the earliest first.
pub async fn next_fires(engine: &Engine, workflow: Option<&str>, count: usize) -> Result<FireTimes, sqlx::Error> {
    let rows = list_schedules(engine, workflow).await?;
    let schedules: Vec<Coming<'_>> = rows.iter().filter_map(Coming::of).collect();
    let fires = merge_fires(&schedules, count.min(FIRES_MAX));
    let now = engine.clock().now();
    let mut clock_changes: Vec<MovedFire> = schedules
        .iter()
        .filter(|coming| {
            fires.iter().any(|fire| fire.workflow == coming.row.workflow && fire.trigger_id == coming.row.trigger_id)
        })
        .filter_map(|coming| coming.moved(now))
        .collect();
    clock_changes.sort_by_key(|moved| moved.change.at);
    Ok(FireTimes { fires, clock_changes })
}

/// A schedule that will fire.
struct Coming<'a> {
    row: &'a ScheduleRow,
    timetable: Timetable,
    next: Planned,
}

impl<'a> Coming<'a> {
    /// What this binary cannot read has no further fires; the firing process reports it.
    fn of(row: &'a ScheduleRow) -> Option<Self> {
        let (schedule, timezone) = (row.schedule.clone(), row.timezone.clone());
        let (timetable, _) = read_timetable(&row.workflow, &row.trigger_id, schedule, timezone, &row.rules)?;
        let nominal_at = row.nominal_at?;
        let next = match (row.paused, row.paused_until) {
            (false, _) => timetable.plan(nominal_at),
            (true, Some(until)) => timetable.first_due(nominal_at, until)?,
            (true, None) => return None,
        };
        Some(Self { row, timetable, next })
    }

    fn moved(&self, now: DateTime<Utc>) -> Option<MovedFire> {
        let change = self.timetable.schedule().next_clock_change(now, now + CHANGES_WITHIN)?;
        Some(MovedFire {
            workflow: self.row.workflow.clone(),
            trigger_id: self.row.trigger_id.clone(),
            timezone: self.row.timezone.clone(),
            change,
        })
    }
}

/// Takes the earliest of all, then puts that schedule's following instant back.
fn merge_fires(schedules: &[Coming<'_>], count: usize) -> Vec<NextFire> {
    let head = |planned: Planned, place: usize| Reverse((planned.due_at, place, planned.nominal_at));
    let mut heads: BinaryHeap<_> =
        schedules.iter().enumerate().map(|(place, coming)| head(coming.next, place)).collect();
    let mut fires = Vec::new();
    while fires.len() < count
        && let Some(Reverse((at, place, nominal_at))) = heads.pop()
    {
        let Coming { row, timetable, .. } = &schedules[place];
        fires.push(NextFire {
            at,
            nominal_at,
            workflow: row.workflow.clone(),
            trigger_id: row.trigger_id.clone(),
            schedule: row.schedule.clone(),
            timezone: row.timezone.clone(),
        });
        heads.extend(timetable.next_after(nominal_at).map(|next| head(next, place)));
    }
    fires
}
