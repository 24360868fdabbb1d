//! What a task can know of the attempt that it is in.

use std::collections::HashMap;
use std::sync::Mutex;

use onward_engine::{TaskId, derived_task_run};
use onward_workflows::RunId;

tokio::task_local! {
    pub(crate) static CONTEXT: JobContext;
}

/// The run and the attempt that a task is carried out in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobContext {
    /// As the command line and the API name it.
    pub run: String,
    /// Counted from one.
    pub attempt: u32,
    /// The same for every attempt: a good idempotency key for what the task calls.
    pub key: String,
}

/// Of the task that runs now; `None` outside of `run`, and in what it has spawned.
pub fn context() -> Option<JobContext> {
    CONTEXT.try_with(Clone::clone).ok()
}

/// A task that enqueues others. One value per attempt: a repeated attempt counts from the beginning, and so finds the
/// runs that an earlier one has started.
#[derive(Debug)]
pub(crate) struct Parent {
    run: RunId,
    path: String,
    // Equal tasks so far. A task may enqueue from several futures at once; the lock is held for one addition.
    counts: Mutex<HashMap<[u8; 32], u32>>,
}

impl Parent {
    pub fn new(run: RunId, path: &str) -> Self {
        Self { run, path: path.to_owned(), counts: Mutex::default() }
    }

    pub fn next_child(&self, task: TaskId) -> RunId {
        let mut counts = self.counts.lock().expect("no code panics while it holds this lock");
        let count = counts.entry(task.0).or_default();
        let child = derived_task_run(self.run, &self.path, task, *count);
        *count += 1;
        child
    }
}
