//! Pages of runs.

use chrono::{DateTime, Utc};
use onward_workflows::{RunId, StepError};
use serde::Serialize;
use uuid::Uuid;

use super::error::ReadError;
use super::state::RunState;
use crate::Engine;
use crate::history::parse;

pub const PAGE_MAX: u16 = 200;

/// Which runs a page shows. An empty list lets everything through.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub states: Vec<RunState>,
    pub workflows: Vec<String>,
    pub versions: Vec<i32>,
    pub triggers: Vec<String>,
    /// Created at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Created before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// The last run of the page before. Ids begin with their time, so they are the order.
pub type RunCursor = RunId;

#[derive(Debug, Clone, Serialize)]
pub struct RunRow {
    pub id: RunId,
    pub workflow: String,
    pub version: i32,
    /// Null for a run started by hand.
    pub trigger_id: Option<String>,
    pub status: RunState,
    pub created_at: DateTime<Utc>,
    /// The nominal instant of a cron fire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
}

#[derive(Debug, Serialize)]
pub struct RunPage {
    pub data: Vec<RunRow>,
    pub next_cursor: Option<RunCursor>,
}

/// Two statements with the same parameters and the same row.
macro_rules! read_page {
    ($file:literal, $engine:ident, $filter:ident, $bounds:ident, $limit:ident) => {
        sqlx::query_file_as!(
            StoredRow,
            $file,
            $bounds.to,
            $bounds.from,
            some(&$filter.workflows),
            some(&$filter.versions),
            some(&$filter.triggers),
            state_names($filter) as _,
            i64::from($limit) + 1
        )
        .fetch_all($engine.pool())
        .await?
    };
}

/// Newest first.
pub async fn list_runs(
    engine: &Engine,
    filter: &RunFilter,
    before: Option<RunCursor>,
    limit: u16,
) -> Result<RunPage, ReadError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let bounds = Bounds::new(filter, before);
    let live = !filter.states.is_empty() && filter.states.iter().all(|state| !state.has_ended());
    let rows = if live {
        read_page!("queries/list_live_runs.sql", engine, filter, bounds, limit)
    } else {
        read_page!("queries/list_runs.sql", engine, filter, bounds, limit)
    };
    let mut data = rows.into_iter().map(RunRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = data.len() > usize::from(limit);
    data.truncate(usize::from(limit));
    let next_cursor = data.last().filter(|_| more).map(|last| last.id);
    Ok(RunPage { data, next_cursor })
}

/// Half open, in ids: `from <= id < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    from: Uuid,
    to: Uuid,
}

impl Bounds {
    fn new(filter: &RunFilter, before: Option<RunCursor>) -> Self {
        let until = filter.until.map_or(Uuid::max(), first_id);
        Self {
            from: filter.since.map_or(Uuid::nil(), first_id),
            to: before.map_or(until, |cursor| cursor.0.min(until)),
        }
    }
}

/// The lowest id that a run of this instant can have.
pub(super) fn first_id(instant: DateTime<Utc>) -> Uuid {
    let milliseconds = u128::try_from(instant.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(milliseconds.min((1 << 48) - 1) << 80)
}

/// A row of either statement, before its texts are read.
struct StoredRow {
    id: Uuid,
    workflow: String,
    version: i32,
    trigger_id: Option<String>,
    state: String,
    created_at: DateTime<Utc>,
    scheduled_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    cancel_requested_at: Option<DateTime<Utc>>,
    error: Option<String>,
}

impl TryFrom<StoredRow> for RunRow {
    type Error = ReadError;

    fn try_from(row: StoredRow) -> Result<Self, ReadError> {
        let id = RunId(row.id);
        Ok(Self {
            id,
            workflow: row.workflow,
            version: row.version,
            trigger_id: row.trigger_id,
            status: row.state.parse().map_err(|error| ReadError::corrupt(id, "status", error))?,
            created_at: row.created_at,
            scheduled_at: row.scheduled_at,
            finished_at: row.finished_at,
            cancel_requested_at: row.cancel_requested_at,
            error: parse_error(id, row.error.as_deref())?,
        })
    }
}

fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn state_names(filter: &RunFilter) -> Option<Vec<String>> {
    some(&filter.states).map(|states| states.iter().map(RunState::to_string).collect())
}

pub(super) fn parse_error(run: RunId, text: Option<&str>) -> Result<Option<StepError>, ReadError> {
    Ok(parse(run, "error", text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(milliseconds).unwrap()
    }

    #[test]
    fn times_become_bounds_of_ids() {
        let filter = RunFilter { since: Some(at(5)), until: Some(at(7)), ..RunFilter::default() };
        let bounds = Bounds::new(&filter, None);
        assert_eq!((bounds.from.as_u128(), bounds.to.as_u128()), (5 << 80, 7 << 80));
    }

    #[test]
    fn a_cursor_narrows_but_never_widens() {
        let filter = RunFilter { until: Some(at(7)), ..RunFilter::default() };
        let inside = RunId(Uuid::from_u128(6 << 80));
        let beyond = RunId(Uuid::from_u128(9 << 80));
        assert_eq!(Bounds::new(&filter, Some(inside)).to, inside.0);
        assert_eq!(Bounds::new(&filter, Some(beyond)).to.as_u128(), 7 << 80);
    }
}
