//! The two queues, each in a database of its own on the same server.

use std::time::Duration;

use anyhow::Context;
use fang::{AsyncQueue, AsyncQueueable, AsyncRunnable, AsyncWorkerPool, RetentionMode, SleepParams};
use onward_jobs::{Jobs, WorkSettings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Beside one for each of fang's workers.
const FANG_CONNECTIONS_TO_SPARE: u32 = 2;
/// Of a worker that finds nothing. Its own default is five seconds and more.
const FANG_SLEEP: Duration = Duration::from_millis(5);
const CALLERS: u32 = 8;

/// Fang's table, with the columns and the indexes that it has there.
const FANG_TABLE: &str = "
    create type fang_task_state as enum ('new', 'in_progress', 'failed', 'finished', 'retried');
    create table fang_tasks (
        id uuid primary key,
        metadata jsonb not null,
        error_message text,
        state fang_task_state not null default 'new',
        task_type text not null default 'common',
        uniq_hash text,
        retries int not null default 0,
        scheduled_at timestamptz not null default now(),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    );
    create index fang_tasks_state on fang_tasks (state);
    create index fang_tasks_type on fang_tasks (task_type);
    create index fang_tasks_scheduled_at on fang_tasks (scheduled_at);
    create index fang_tasks_hash on fang_tasks (uniq_hash);
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// As fang does it unless told otherwise: a task that has ended is deleted. A worker that deletes one which another
    /// worker has deleted before ends for good.
    FangRemoves,
    /// Tasks that have ended stay in the table; no worker ends.
    FangKeeps,
    Onward,
}

impl Contestant {
    pub const ALL: [Self; 3] = [Self::FangRemoves, Self::FangKeeps, Self::Onward];

    pub fn name(self) -> &'static str {
        match self {
            Self::FangRemoves => "fang, RemoveAll",
            Self::FangKeeps => "fang, KeepAll",
            Self::Onward => "onward",
        }
    }

    /// Not that of the server's own database.
    pub fn database_name(self) -> &'static str {
        match self {
            Self::FangRemoves | Self::FangKeeps => "beside_fang",
            Self::Onward => "beside_onward",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contestant| contestant.name() == name)
    }

    /// A database with nothing in it but what the queue needs; its address.
    pub async fn database(self, server: &PgConnectOptions) -> anyhow::Result<String> {
        let mut connection = PgConnection::connect_with(server).await?;
        let name = self.database_name();
        connection.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
        connection.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        let options = server.clone().database(name);
        match self {
            Self::FangRemoves | Self::FangKeeps => {
                PgConnection::connect_with(&options).await?.execute(FANG_TABLE).await.context("make fang's table")?;
            }
            Self::Onward => onward_engine::database::migrate(options.clone()).await?,
        }
        Ok(options.to_url_lossy().to_string())
    }

    pub async fn enqueue<T: AsyncRunnable>(self, url: &str, tasks: &[T]) -> anyhow::Result<()> {
        match self {
            Self::FangRemoves | Self::FangKeeps => enqueue(&fang_queue(url, CALLERS).await?, tasks).await,
            Self::Onward => enqueue(&Jobs::connect(url).await?, tasks).await,
        }
    }

    /// Starts the workers in the background of this runtime, where they stay until it is dropped.
    pub async fn work(self, url: &str, workers: u32) -> anyhow::Result<()> {
        match self {
            Self::FangRemoves | Self::FangKeeps => {
                let (sleep, step) = (FANG_SLEEP, Duration::ZERO);
                let removes = self == Self::FangRemoves;
                let retention = if removes { RetentionMode::RemoveAll } else { RetentionMode::KeepAll };
                let sleep_params = SleepParams {
                    sleep_period: sleep,
                    max_sleep_period: sleep,
                    min_sleep_period: sleep,
                    sleep_step: step,
                };
                let mut pool: AsyncWorkerPool<AsyncQueue> = AsyncWorkerPool::builder()
                    .number_of_workers(workers)
                    .queue(fang_queue(url, workers).await?)
                    .sleep_params(sleep_params)
                    .retention_mode(retention)
                    .build();
                pool.start().await;
            }
            Self::Onward => {
                let jobs = Jobs::connect(url).await?;
                let tasks_max = usize::try_from(workers)?;
                let settings = WorkSettings { tasks_max, ..WorkSettings::default() };
                tokio::spawn(async move { jobs.work(settings, std::future::pending()).await });
            }
        }
        Ok(())
    }

    /// Whether something is left to do, as the queue itself says.
    pub fn is_left(self) -> &'static str {
        match self {
            Self::FangRemoves | Self::FangKeeps => {
                "select exists (select from fang_tasks where state in ('new', 'retried', 'in_progress'))"
            }
            Self::Onward => "select exists (select from onward.job)",
        }
    }
}

async fn fang_queue(url: &str, users: u32) -> anyhow::Result<AsyncQueue> {
    let mut queue = AsyncQueue::builder().uri(url).max_pool_size(users + FANG_CONNECTIONS_TO_SPARE).build();
    queue.connect().await?;
    Ok(queue)
}

/// As a program with so many callers would: each waits for its answer before it goes on.
async fn enqueue<T: AsyncRunnable>(queue: &impl AsyncQueueable, tasks: &[T]) -> anyhow::Result<()> {
    let share = tasks.len().div_ceil(usize::try_from(CALLERS)?);
    let callers = tasks.chunks(share).map(|share| async move {
        for task in share {
            queue.insert_task(task).await?;
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(callers).await?;
    Ok(())
}
