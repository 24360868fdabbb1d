//! What people do with cron triggers: pause, resume, and run what has not run.

mod backfill;
mod id;
mod pause;

pub use backfill::{BACKFILLED_MAX, Backfill, Backfilled, backfill};
pub use id::{ParseScheduleIdError, ScheduleId};
pub use pause::{Paused, pause, resume};

use chrono::{DateTime, Utc};
use onward_workflows::Timetable;
use sqlx::PgConnection;

use crate::cron::FireError;
use crate::triggers::read_timetable;

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("`{0}` has no cron trigger, or none of that name")]
    NotFound(ScheduleId),
    #[error("`{0}` has several cron triggers; name one: {list}", list = .1.join(", "))]
    Ambiguous(ScheduleId, Vec<String>),
    #[error("the workflow or its trigger is switched off")]
    Disabled,
    #[error("the stored schedule cannot be read by this version of Onward")]
    Unreadable,
    #[error("a pause ends after it began")]
    PauseEnds,
    #[error("a backfill goes from an earlier instant to a later one, which is not after now")]
    Range,
    #[error("a backfill has at most {BACKFILLED_MAX} instants; take a part of the range")]
    TooMany,
    #[error("{0}")]
    Refused(String),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// A cron trigger whose row is locked.
struct Schedule {
    trigger_id: String,
    /// `None`: this binary cannot read it.
    timetable: Option<Timetable>,
    enabled: bool,
    nominal_at: Option<DateTime<Utc>>,
    version: i32,
    now: DateTime<Utc>,
}

impl Schedule {
    /// The whole name.
    fn id(&self, asked: &ScheduleId) -> ScheduleId {
        ScheduleId { workflow: asked.workflow.clone(), trigger_id: Some(self.trigger_id.clone()) }
    }
}

/// First in the lock order of every transaction about triggers. A deploy puts new rows in the place of triggers, and
/// whoever waits for an old one would find nothing: so no deploy is under way meanwhile.
async fn lock(connection: &mut PgConnection, id: &ScheduleId) -> Result<Schedule, ScheduleError> {
    sqlx::query_file!("queries/lock_deploys.sql").fetch_one(&mut *connection).await?;
    let mut rows = sqlx::query_file!("queries/lock_schedules.sql", id.workflow, id.trigger_id.as_deref())
        .fetch_all(connection)
        .await?;
    if rows.len() > 1 {
        let names = rows.into_iter().map(|row| format!("{}:{}", id.workflow, row.id)).collect();
        return Err(ScheduleError::Ambiguous(id.clone(), names));
    }
    let row = rows.pop().ok_or_else(|| ScheduleError::NotFound(id.clone()))?;
    let read = read_timetable(&id.workflow, &row.id, row.schedule, row.timezone, &row.rules);
    Ok(Schedule {
        trigger_id: row.id,
        timetable: read.map(|(timetable, _)| timetable),
        enabled: row.enabled,
        nominal_at: row.nominal_at,
        version: row.version,
        now: row.now,
    })
}

impl From<FireError> for ScheduleError {
    fn from(error: FireError) -> Self {
        match error {
            FireError::Database(error) | FireError::Version(crate::VersionError::Database(error)) => error.into(),
            FireError::Version(error) => Self::Refused(error.to_string()),
        }
    }
}
