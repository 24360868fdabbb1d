//! A queue on a database of its own, with workers and a book.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fang::{AsyncQueueable, FangTaskState, Task};
use onward_engine::database;
use onward_engine::{Engine, Settings, listen};
use onward_jobs::{Jobs, WorkSettings};
use onward_steps::Steps;
use onward_testkit::{TestDatabase, wait_until};
use onward_workflows::Catalog;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::tasks::{Note, lines};

pub const DEADLINE: Duration = Duration::from_secs(25);

pub struct Bed {
    pub database: TestDatabase,
    pub jobs: Jobs,
    pub book: PathBuf,
    _folder: tempfile::TempDir,
}

pub struct Working {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Working {
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the worker ends by itself");
    }
}

pub async fn jobs_on(database: &TestDatabase) -> Jobs {
    let pool = database::connect(database.options(), 10).await.expect("connect to the test database");
    let settings = Settings { catalog: Catalog::new(Steps::types()), env: json!({}) };
    Jobs::on(Engine::new(pool, settings).await.expect("an engine on the test database"))
}

pub fn settings() -> WorkSettings {
    // Tasks that hang have nothing to finish.
    let drain_max = Duration::from_millis(500);
    WorkSettings { tasks_max: 4, host: Some("test".to_owned()), drain_max, ..WorkSettings::default() }
}

impl Bed {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let jobs = jobs_on(&database).await;
        let folder = tempfile::tempdir().expect("a folder for the book");
        Self { database, jobs, book: folder.path().join("book"), _folder: folder }
    }

    /// A worker with an engine of its own, as another process would have.
    pub async fn work(&self) -> Working {
        self.work_with(settings()).await
    }

    /// A worker on the engine that the tests enqueue with.
    pub async fn work_here(&self) -> Working {
        let worker = Self::start(self.jobs.clone(), settings());
        let there = "select count(*) from onward.worker";
        wait_until(DEADLINE, "the worker to be there", async || self.count(there).await == 1).await;
        worker
    }

    pub async fn work_with(&self, settings: WorkSettings) -> Working {
        Self::start(jobs_on(&self.database).await, settings)
    }

    fn start(jobs: Jobs, settings: WorkSettings) -> Working {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task =
            tokio::spawn(
                async move { jobs.work(settings, stopped.cancelled()).await.expect("no fault of the worker") },
            );
        Working { stop, task }
    }

    /// A worker of the binary: every queue, and no task of this program.
    pub async fn everything(&self) -> Working {
        let (engine, stop) = (jobs_on(&self.database).await.engine().clone(), CancellationToken::new());
        let steps = Arc::new(Steps::new(onward_steps::Settings::default()).expect("the steps are set up"));
        let (host, version) = ("stock".to_owned(), "0".to_owned());
        let settings =
            onward_worker::Settings { seats: 4, queues: None, host, version, drain_max: Duration::from_secs(5) };
        tokio::spawn(listen(engine.pool().clone(), engine.wakes().clone(), stop.clone()));
        let kill = CancellationToken::new();
        let task = tokio::spawn(onward_worker::run(engine, steps, settings, stop.clone(), kill));
        let there = "select count(*) from onward.worker where host = 'stock'";
        wait_until(DEADLINE, "the worker to be there", async || self.count(there).await == 1).await;
        Working { stop, task }
    }

    pub fn note(&self, text: &str) -> Note {
        Note { book: self.book.clone(), text: text.to_owned(), unique: false, lane: None }
    }

    pub fn lines(&self) -> Vec<String> {
        lines(&self.book)
    }

    pub async fn until_lines(&self, count: usize) {
        wait_until(DEADLINE, &format!("{count} lines in the book"), async || self.lines().len() >= count).await;
    }

    pub async fn task(&self, task: &Task) -> Task {
        self.jobs.find_task_by_id(&task.id).await.expect("the task is there")
    }

    pub async fn until_state(&self, task: &Task, state: FangTaskState) -> Task {
        let mut last = self.task(task).await;
        wait_until(DEADLINE, &format!("{state:?}"), async || {
            last = self.task(task).await;
            last.state == state
        })
        .await;
        last
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar::<_, i64>(sql).fetch_one(self.jobs.engine().pool()).await.expect("count rows")
    }
}
