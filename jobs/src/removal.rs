//! Removing tasks: what fang deletes, we cancel, and what a worker has in hand stays.

use fang::{AsyncQueueError, AsyncRunnable};
use onward_engine::{Removal, TaskId, TaskSchedule, find_held_task, remove_task_schedules, remove_tasks, task_queue};
use onward_workflows::RunId;
use uuid::Uuid;

use crate::Jobs;
use crate::refusal::failed;
use crate::shown::id_of_schedule;

impl Jobs {
    /// Of one type or of all: those that wait, or only those that are not due, and the schedules.
    pub(crate) async fn remove(&self, task_type: Option<&str>, only_later: bool) -> Result<u64, AsyncQueueError> {
        let queue = task_type.map(task_queue);
        let schedules = self.schedules().await?;
        let of_type = |schedule: &TaskSchedule| queue.as_ref().is_none_or(|queue| schedule.queue == *queue);
        let schedules = self.remove_schedules(schedules.into_iter().filter(of_type).collect()).await?;
        Ok(schedules + self.cancel(&Removal { queue: queue.clone(), run: None, scheduled: only_later }).await?)
    }

    pub(crate) async fn remove_one(&self, id: &Uuid) -> Result<u64, AsyncQueueError> {
        let removed = self.cancel(&Removal { run: Some(RunId(*id)), ..Removal::default() }).await?;
        if removed > 0 {
            return Ok(removed);
        }
        let mut schedules = self.schedules().await?;
        schedules.retain(|schedule| id_of_schedule(schedule) == *id);
        self.remove_schedules(schedules).await
    }

    /// As fang does it, only unique tasks can be found by what they are; a schedule can always.
    pub(crate) async fn remove_equal(&self, task: &dyn AsyncRunnable) -> Result<u64, AsyncQueueError> {
        let json = serde_json::to_value(task)?;
        let mut schedules = self.schedules().await?;
        schedules.retain(|schedule| schedule.id == TaskId::of(&json));
        if schedules.is_empty() && !task.uniq() {
            return Err(AsyncQueueError::TaskNotUniqError);
        }
        let removed = self.remove_schedules(schedules).await?;
        let held = find_held_task(&self.engine, &json).await.map_err(|error| failed(&error))?;
        match held {
            Some(run) => Ok(removed + self.cancel(&Removal { run: Some(run), ..Removal::default() }).await?),
            None => Ok(removed),
        }
    }

    async fn cancel(&self, removal: &Removal) -> Result<u64, AsyncQueueError> {
        remove_tasks(&self.engine, removal).await.map_err(|error| failed(&error))
    }

    async fn remove_schedules(&self, schedules: Vec<TaskSchedule>) -> Result<u64, AsyncQueueError> {
        if schedules.is_empty() {
            return Ok(0);
        }
        remove_task_schedules(&self.engine, &schedules).await.map_err(|error| failed(&error))
    }
}
