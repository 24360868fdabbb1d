//! Tasks with a cron pattern: a trigger of the engine fires them.

use std::str::FromStr;

use fang::{AsyncQueueError, AsyncRunnable, CronError, Task};
use onward_engine::{TaskSchedule, find_run, list_task_schedules, schedule_task};
use onward_workflows::RunId;
use uuid::Uuid;

use crate::Jobs;
use crate::refusal::failed;
use crate::shown::{id_of_schedule, task_of_schedule};

impl Jobs {
    /// Writes the schedule, or changes the one that an equal task has.
    pub(crate) async fn keep_schedule(&self, task: &dyn AsyncRunnable, pattern: &str) -> Result<Task, AsyncQueueError> {
        let now = self.engine.clock().now();
        let schedule = cron::Schedule::from_str(pattern)?;
        if schedule.after(&now).next().is_none() {
            return Err(CronError::NoTimestampsError.into());
        }
        let json = serde_json::to_value(task)?;
        let kept = schedule_task(&self.engine, &json, &task.task_type(), &format!("@fang {pattern}")).await;
        Ok(task_of_schedule(&kept.map_err(|error| failed(&error))?, now))
    }

    /// A task with a pattern that was enqueued by hand comes again from then on. One that its schedule has started does
    /// not write it: somebody may have taken it away meanwhile.
    pub(crate) async fn come_again(&self, run: RunId, task: &dyn AsyncRunnable, pattern: &str) {
        match find_run(&self.engine, run).await {
            Ok(Some(run)) if run.trigger_id.is_some() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(run.id = %run, error = %error, "the run of a task with a schedule could not be read");
                return;
            }
        }
        if let Err(error) = self.keep_schedule(task, pattern).await {
            tracing::warn!(run.id = %run, error = %error, "the schedule of a task could not be kept");
        }
    }

    pub(crate) async fn schedules(&self) -> Result<Vec<TaskSchedule>, AsyncQueueError> {
        list_task_schedules(&self.engine).await.map_err(|error| failed(&error))
    }

    pub(crate) async fn find_schedule(&self, id: &Uuid) -> Result<Option<Task>, AsyncQueueError> {
        let now = self.engine.clock().now();
        let schedules = self.schedules().await?;
        let found = schedules.iter().find(|schedule| id_of_schedule(schedule) == *id);
        Ok(found.map(|schedule| task_of_schedule(schedule, now)))
    }
}
