//! The step type that this program adds to its worker.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use fang::{AsyncRunnable, Scheduled};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use onward_engine::TASK_STEP;
use onward_worker::OwnSteps;
use onward_workflows::{Outcome, RunId, RunStep};
use serde_json::Value;

use crate::Jobs;
use crate::context::{CONTEXT, JobContext, Parent};
use crate::decode::{decode, said};
use crate::failure::{Cause, failure, undecodable};

/// Carries tasks out.
pub(crate) struct Tasks(pub Jobs);

impl OwnSteps for Tasks {
    fn types(&self) -> &[&'static str] {
        &[TASK_STEP]
    }

    /// Fang's tasks are repeated after an error anyway; one whose worker is lost is repeated as well.
    fn safe_to_repeat(&self, _: &str) -> bool {
        true
    }

    fn run<'a>(&'a self, run: RunId, step: &'a RunStep) -> BoxFuture<'a, Outcome> {
        Box::pin(self.carry_out(run, step))
    }
}

impl Tasks {
    async fn carry_out(&self, run: RunId, step: &RunStep) -> Outcome {
        let task = match decode(&step.config["task"]) {
            Ok(task) => task,
            Err(message) => return Outcome::Failed(undecodable(message)),
        };
        // Before it runs: a worker that is lost in the middle must not end the schedule.
        if let Some(Scheduled::CronPattern(pattern)) = task.cron() {
            self.0.come_again(run, &*task, &pattern).await;
        }
        match self.attempt(run, step, &*task).await {
            Ok(()) => Outcome::Done(Value::Null),
            Err((cause, message)) => Outcome::Failed(failure(&*task, step.attempt, cause, message)),
        }
    }

    async fn attempt(&self, run: RunId, step: &RunStep, task: &dyn AsyncRunnable) -> Result<(), (Cause, String)> {
        let queue = Jobs { parent: Some(Arc::new(Parent::new(run, &step.path))), ..self.0.clone() };
        let key = step.idempotency_key.clone();
        let context = JobContext { run: run.to_string(), attempt: step.attempt, key };
        let guarded = AssertUnwindSafe(CONTEXT.scope(context, async { task.run(&queue).await })).catch_unwind();
        match tokio::time::timeout(step.timeout, guarded).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err((Cause::Error, error.description)),
            Ok(Err(panic)) => Err((Cause::Panic, format!("the task panicked: {}", said(&*panic)))),
            Err(_) => Err((Cause::Timeout, format!("the task took longer than {:?}", step.timeout))),
        }
    }
}
