//! A worker for the tasks of this program.

use std::sync::Arc;
use std::time::Duration;

use onward_engine::{forget_task_keys, listen, task_queue};
use onward_steps::Steps;
use onward_worker::{Repertoire, fire_schedules, keep_house};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::Jobs;
use crate::offer::Tasks;

const KEYS_EVERY: Duration = Duration::from_mins(1);

/// What a worker takes, and how much of it.
#[derive(Debug, Clone)]
pub struct WorkSettings {
    /// As tasks name them in `task_type`; `common` is what they have when they name none.
    pub task_types: Vec<String>,
    /// Tasks at once.
    pub tasks_max: usize,
    /// After a stop, tasks that have begun may take this long; then they go back to the queue.
    pub drain_max: Duration,
    /// How the worker is called in lists; the machine's name without it.
    pub host: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("a part of the worker ended by a fault")]
pub struct WorkError(#[source] JoinError);

impl Default for WorkSettings {
    fn default() -> Self {
        Self { task_types: vec!["common".to_owned()], tasks_max: 10, drain_max: Duration::from_secs(30), host: None }
    }
}

impl Jobs {
    /// Carries tasks out until `stop` resolves, then finishes what it has begun, hands the rest back and returns. An error
    /// is a fault in a part of the worker; start the process again.
    pub async fn work(&self, settings: WorkSettings, stop: impl Future<Output = ()>) -> Result<(), WorkError> {
        let WorkSettings { task_types, tasks_max, drain_max, host } = settings;
        let (stopped, kill) = (CancellationToken::new(), CancellationToken::new());
        let settings = onward_worker::Settings {
            seats: tasks_max,
            queues: Some(task_types.iter().map(|task_type| task_queue(task_type)).collect()),
            host: host.unwrap_or_else(machine),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            drain_max,
        };
        let bare = onward_steps::Settings { step_types: Some(Vec::new()), ..onward_steps::Settings::default() };
        let bare = Steps::new(bare).expect("a client without settings of its own");
        let repertoire = Repertoire::from(Arc::new(bare)).with_own(Arc::new(Tasks(self.clone())));
        let engine = &self.engine;
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(engine.pool().clone(), engine.wakes().clone(), stopped.clone()));
        tasks.spawn(fire_schedules(engine.clone(), stopped.clone()));
        tasks.spawn(keep_house(engine.clone(), stopped.clone()));
        tasks.spawn(forget_keys(self.clone(), stopped.clone()));
        tasks.spawn(onward_worker::run(engine.clone(), repertoire, settings, stopped.clone(), kill));
        // None of them ends before it is told to.
        let mut fault = tokio::select! {
            () = stop => None,
            Some(ended) = tasks.join_next() => ended.err(),
        };
        stopped.cancel();
        while let Some(ended) = tasks.join_next().await {
            fault = fault.or(ended.err());
        }
        fault.map_or(Ok(()), |fault| Err(WorkError(fault)))
    }
}

async fn forget_keys(jobs: Jobs, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(KEYS_EVERY)).await.is_some() {
        if let Err(error) = forget_task_keys(&jobs.engine).await {
            tracing::warn!(error = %error, "the keys of tasks that have ended could not be given up");
        }
    }
}

fn machine() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "unknown".to_owned())
}
