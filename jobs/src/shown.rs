//! A run as fang's `Task`.

use fang::{FangTaskState, Task};
use onward_engine::{NewTask, TaskId, TaskRow, TaskSchedule, task_type_of};
use onward_workflows::RunId;
use uuid::Uuid;

pub(crate) fn task_of(row: TaskRow, unique: bool) -> Task {
    let state = match row.succeeded {
        Some(true) => FangTaskState::Finished,
        Some(false) => FangTaskState::Failed,
        None if row.owned => FangTaskState::InProgress,
        None if row.retries > 0 => FangTaskState::Retried,
        None => FangTaskState::New,
    };
    Task {
        id: row.run.0,
        uniq_hash: unique.then(|| TaskId::of(&row.task).to_string()),
        metadata: row.task,
        error_message: row.error.map(|error| error.message),
        state,
        task_type: task_type_of(&row.queue).to_owned(),
        retries: i32::try_from(row.retries).unwrap_or(i32::MAX),
        scheduled_at: row.due_at,
        created_at: row.created_at,
        updated_at: row.finished_at.unwrap_or(row.created_at),
    }
}

/// One that was enqueued a moment ago, as far as it is known without asking the database.
pub(crate) fn new_task(run: RunId, new: NewTask, now: fang::DateTime<fang::Utc>) -> Task {
    Task {
        id: run.0,
        uniq_hash: new.unique.then(|| TaskId::of(&new.task).to_string()),
        metadata: new.task,
        error_message: None,
        state: FangTaskState::New,
        task_type: new.task_type,
        retries: 0,
        scheduled_at: new.due_at.unwrap_or(now),
        created_at: now,
        updated_at: now,
    }
}

/// What stands for a schedule: it has no run yet, and an id that leads back to it.
pub(crate) fn task_of_schedule(schedule: &TaskSchedule, now: fang::DateTime<fang::Utc>) -> Task {
    Task {
        id: id_of_schedule(schedule),
        metadata: schedule.task.clone(),
        error_message: None,
        state: FangTaskState::New,
        task_type: task_type_of(&schedule.queue).to_owned(),
        uniq_hash: Some(schedule.id.to_string()),
        retries: 0,
        scheduled_at: schedule.next_at.unwrap_or(now),
        created_at: now,
        updated_at: now,
    }
}

pub(crate) fn id_of_schedule(schedule: &TaskSchedule) -> Uuid {
    let [a, b] = [0, 8].map(|from| schedule.id.0[from..from + 8].try_into().expect("eight bytes of a longer hash"));
    Uuid::from_u64_pair(u64::from_be_bytes(a), u64::from_be_bytes(b))
}
