//! Pausing: instants go by and are recorded, nothing starts. A deploy leaves it as it is.

use chrono::{DateTime, Utc};

use super::{ScheduleError, ScheduleId, lock};
use crate::Engine;

const PAUSED: &str = "paused: the trigger was paused while this instant waited";

/// Which schedule it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    pub id: ScheduleId,
    pub paused: bool,
    pub until: Option<DateTime<Utc>>,
    /// Fires that waited for the end of a run and do not start any more.
    pub skipped: u64,
}

/// Until somebody resumes it, or until an instant. Runs that have started go on; what waits for their end does not start.
pub async fn pause(engine: &Engine, id: &ScheduleId, until: Option<DateTime<Utc>>) -> Result<Paused, ScheduleError> {
    let mut transaction = engine.pool().begin().await?;
    let schedule = lock(&mut transaction, id).await?;
    if until.is_some_and(|until| until <= schedule.now) {
        return Err(ScheduleError::PauseEnds);
    }
    let (workflow, trigger_id) = (&id.workflow, &schedule.trigger_id);
    sqlx::query_file!("queries/pause_schedule.sql", workflow, trigger_id, until).execute(&mut *transaction).await?;
    let skipped = sqlx::query_file!(
        "queries/skip_waiting_fires.sql",
        std::slice::from_ref(workflow),
        std::slice::from_ref(trigger_id),
        PAUSED,
        true
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit().await?;
    Ok(Paused { id: schedule.id(id), paused: true, until, skipped })
}

/// What was due in the pause is not caught up; a schedule that is not paused stays as it is.
pub async fn resume(engine: &Engine, id: &ScheduleId) -> Result<Paused, ScheduleError> {
    let mut transaction = engine.pool().begin().await?;
    let schedule = lock(&mut transaction, id).await?;
    sqlx::query_file!("queries/resume_schedule.sql", id.workflow, schedule.trigger_id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Paused { id: schedule.id(id), paused: false, until: None, skipped: 0 })
}
