//! An engine and a worker on a fresh database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use onward_engine::{DeployOptions, Engine, Expect, PrepareRun, Settings, StartRun, Version, database, deploy};
use onward_steps::Steps;
use onward_workflows::{Catalog, RunId, Source};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: u32 = 8;
const DRAIN_MAX: Duration = Duration::from_secs(30);

pub struct Bed {
    pub engine: Engine,
    steps: Arc<Steps>,
}

/// A worker that ends when this is stopped.
pub struct Working {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Working {
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.task.await.context("the worker ended badly")
    }
}

impl Bed {
    pub async fn new(options: PgConnectOptions) -> anyhow::Result<Self> {
        database::migrate(options.clone()).await?;
        let pool = database::connect(options, CONNECTIONS).await?;
        let settings = Settings { catalog: Catalog::new(Steps::types()), env: json!({}) };
        let engine = Engine::new(pool, settings).await?;
        let steps = Arc::new(Steps::new(onward_steps::Settings::default())?);
        Ok(Self { engine, steps })
    }

    /// A workflow of so many `log` steps, each of which is checkpointed before the next begins.
    pub async fn rows(&self, steps: usize) -> anyhow::Result<Arc<Version>> {
        let id = format!("rows-{steps}");
        let steps: Vec<_> = (0..steps)
            .map(|step| json!({ "id": format!("s{step}"), "type": "log", "config": { "message": "a line of a run" } }))
            .collect();
        let text = json!({ "version": 1, "id": id, "name": id, "steps": steps }).to_string();
        self.deploy("rows.json", &text).await
    }

    pub async fn deploy(&self, file: &str, text: &str) -> anyhow::Result<Arc<Version>> {
        let options = DeployOptions { dry_run: false, prune: false, by: "bench".to_owned(), expect: Expect::Anything };
        let deployed = deploy(&self.engine, vec![Source::from_file(file, text)], &options).await?;
        let row = deployed.workflows.first().context("one document, one workflow")?;
        Ok(self.engine.versions().load(self.engine.pool(), &row.id, row.version).await?)
    }

    pub fn prepare(&self, version: &Arc<Version>) -> anyhow::Result<StartRun> {
        self.prepare_with(version, json!({}))
    }

    pub fn prepare_with(&self, version: &Arc<Version>, inputs: Value) -> anyhow::Result<StartRun> {
        let request = PrepareRun {
            trigger_id: None,
            trigger: json!({ "type": "manual" }),
            inputs,
            scheduled_at: None,
            key: None,
        };
        Ok(self.engine.prepare(Arc::clone(version), request)?)
    }

    /// Starts so many runs, all at once.
    pub async fn start(&self, version: &Arc<Version>, runs: usize) -> anyhow::Result<()> {
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..runs {
            let (engine, start) = (self.engine.clone(), self.prepare(version)?);
            starts.spawn(async move { engine.start(start).await });
        }
        while let Some(started) = starts.join_next().await {
            started??;
        }
        Ok(())
    }

    pub fn work(&self, seats: usize) -> Working {
        let stop = CancellationToken::new();
        let settings = onward_worker::Settings {
            seats,
            queues: None,
            host: "bench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            drain_max: DRAIN_MAX,
        };
        let worker = onward_worker::run(
            self.engine.clone(),
            Arc::clone(&self.steps),
            settings,
            stop.clone(),
            CancellationToken::new(),
        );
        Working { stop, task: tokio::spawn(worker) }
    }

    /// Waits until no run is left. Looks seldom: each look reads what is dead in the table of jobs.
    pub async fn drained(&self) -> anyhow::Result<()> {
        while sqlx::query_scalar::<_, bool>("select exists (select from onward.job)")
            .fetch_one(self.engine.pool())
            .await?
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until this run has ended.
    pub async fn ended(&self, run: RunId) -> anyhow::Result<()> {
        let statement = "select status is null from onward.run where id = $1";
        while sqlx::query_scalar::<_, bool>(statement).bind(run.0).fetch_one(self.engine.pool()).await? {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    pub async fn holds(&self, statement: &'static str) -> anyhow::Result<bool> {
        Ok(sqlx::query_scalar(statement).fetch_one(self.engine.pool()).await?)
    }

    pub async fn until(&self, statement: &'static str) -> anyhow::Result<()> {
        while !self.holds(statement).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Of this database, since it was made.
    pub async fn transactions(&self) -> anyhow::Result<i64> {
        let count = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
        Ok(sqlx::query_scalar(count).fetch_one(self.engine.pool()).await?)
    }

    pub async fn wal(&self) -> anyhow::Result<i64> {
        let bytes = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        Ok(sqlx::query_scalar(bytes).fetch_one(self.engine.pool()).await?)
    }
}
