//! Fang's queue on the engine.

use fang::{
    AsyncQueueError, AsyncQueueable, AsyncRunnable, CronError, DateTime, FangTaskState, Scheduled, Task, Utc,
    async_trait,
};
use onward_engine::{NewTask, TaskId, enqueue, find_task, is_task_known};
use onward_workflows::RunId;
use serde_json::Value;
use uuid::Uuid;

use crate::Jobs;
use crate::decode::decode;
use crate::refusal::{failed, refused};
use crate::shown::{new_task, task_of};

const NOT_A_POOL: &str = "Onward's workers take, retry and finish tasks themselves; start them with `Jobs::work`";

impl Jobs {
    async fn enqueue(&self, task: &dyn AsyncRunnable, due_at: Option<DateTime<Utc>>) -> Result<Task, AsyncQueueError> {
        let json = serde_json::to_value(task)?;
        let run = self.parent.as_ref().map(|parent| parent.next_child(TaskId::of(&json)));
        // An earlier attempt of the parent may have come this far, and the child may have ended since. The start itself
        // would find out too, but only by failing the batch that it travels in.
        if let Some(run) = run
            && is_task_known(&self.engine, run).await.map_err(|error| failed(&error))?
        {
            return self.shown(run, task.uniq()).await;
        }
        let (task_type, unique) = (task.task_type(), task.uniq());
        let now = self.engine.clock().now();
        let new = NewTask { task: json, task_type, unique, due_at, run };
        let enqueued = enqueue(&self.engine, &self.kinds, &new).await.map_err(|error| failed(&error))?;
        if enqueued.duplicate {
            return self.shown(enqueued.run, unique).await;
        }
        Ok(new_task(enqueued.run, new, now))
    }

    async fn shown(&self, run: RunId, unique: bool) -> Result<Task, AsyncQueueError> {
        let row = find_task(&self.engine, run).await.map_err(|error| failed(&error))?;
        row.map(|row| task_of(row, unique)).ok_or_else(|| refused(format!("there is no task {run}")))
    }
}

#[async_trait]
impl AsyncQueueable for Jobs {
    async fn insert_task(&self, task: &dyn AsyncRunnable) -> Result<Task, AsyncQueueError> {
        self.enqueue(task, None).await
    }

    async fn schedule_task(&self, task: &dyn AsyncRunnable) -> Result<Task, AsyncQueueError> {
        match task.cron() {
            Some(Scheduled::ScheduleOnce(due_at)) => self.enqueue(task, Some(due_at)).await,
            Some(Scheduled::CronPattern(pattern)) => self.keep_schedule(task, &pattern).await,
            None => Err(CronError::TaskNotSchedulableError.into()),
        }
    }

    async fn find_task_by_id(&self, id: &Uuid) -> Result<Task, AsyncQueueError> {
        match find_task(&self.engine, RunId(*id)).await.map_err(|error| failed(&error))? {
            Some(row) => {
                let unique = is_unique(&row.task);
                Ok(task_of(row, unique))
            }
            None => self.find_schedule(id).await?.ok_or_else(|| refused(format!("there is no task {id}"))),
        }
    }

    async fn remove_all_tasks(&self) -> Result<u64, AsyncQueueError> {
        self.remove(None, false).await
    }

    async fn remove_all_scheduled_tasks(&self) -> Result<u64, AsyncQueueError> {
        self.remove(None, true).await
    }

    async fn remove_tasks_type(&self, task_type: &str) -> Result<u64, AsyncQueueError> {
        self.remove(Some(task_type), false).await
    }

    async fn remove_task(&self, id: &Uuid) -> Result<u64, AsyncQueueError> {
        self.remove_one(id).await
    }

    async fn remove_task_by_metadata(&self, task: &dyn AsyncRunnable) -> Result<u64, AsyncQueueError> {
        self.remove_equal(task).await
    }

    async fn fetch_and_touch_task(&self, _task_type: Option<String>) -> Result<Option<Task>, AsyncQueueError> {
        Err(refused(NOT_A_POOL))
    }

    async fn update_task_state(&self, _task: &Task, _state: FangTaskState) -> Result<Task, AsyncQueueError> {
        Err(refused(NOT_A_POOL))
    }

    async fn fail_task(&self, _task: &Task, _error_message: &str) -> Result<Task, AsyncQueueError> {
        Err(refused(NOT_A_POOL))
    }

    async fn schedule_retry(&self, _task: &Task, _backoff_seconds: u32, _error: &str) -> Result<Task, AsyncQueueError> {
        Err(refused(NOT_A_POOL))
    }
}

/// Only its own program knows; a task of another one shows no hash.
fn is_unique(task: &Value) -> bool {
    decode(task).is_ok_and(|task| task.uniq())
}
