//! A database of its own, an engine on it, and the few moves that every scenario is made of.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_engine::{
    CheckpointRow, Claimed, DeployOptions, Engine, Expect, Lanes, Lease, PrepareRun, RunWrite, Settings, StartKey,
    StartRun, WorkerFacts, claim, database, deploy, register,
};
use onward_testkit::{TestDatabase, wait_until};
use onward_workflows::{Catalog, Checkpoint, CheckpointStatus, RunId, Source};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

pub const DEADLINE: Duration = Duration::from_secs(10);

const PLAIN: &str = "version: 1\nname: plain\nsteps:\n  - {id: a, type: value, config: {x: 1}}\n";

pub struct Bed {
    pub engine: Engine,
    pub workflow: String,
    pub database: TestDatabase,
}

pub async fn engine_on(options: PgConnectOptions) -> Engine {
    let pool = database::connect(options, 10).await.expect("connect to the test database");
    Engine::new(pool, Settings { catalog: Catalog::new([]), env: json!({}) }).await.expect("an engine")
}

impl Bed {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let engine = engine_on(database.options()).await;
        let mut bed = Self { engine, workflow: String::new(), database };
        bed.workflow = bed.deploy(PLAIN).await;
        bed
    }

    /// What another process would have.
    pub async fn another_engine(&self) -> Engine {
        engine_on(self.database.options()).await
    }

    pub async fn deploy(&self, yaml: &str) -> String {
        let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
        let source = Source::from_file("test.yaml", yaml);
        let deployed = deploy(&self.engine, vec![source], &options).await.unwrap_or_else(|error| panic!("{error:?}"));
        deployed.workflows[0].id.clone()
    }

    pub async fn prepare(&self, key: Option<StartKey>) -> StartRun {
        let version =
            self.engine.versions().load(self.engine.pool(), &self.workflow, 1).await.expect("the version loads");
        let trigger = json!({"type": "manual"});
        let request = PrepareRun { trigger_id: None, trigger, inputs: json!({}), scheduled_at: None, key };
        self.engine.prepare(version, request).expect("the inputs fit")
    }

    pub async fn start(&self) -> RunId {
        self.engine.start(self.prepare(None).await).await.expect("the run starts").run
    }

    pub async fn start_many(&self, count: usize) -> Vec<RunId> {
        let mut runs = Vec::with_capacity(count);
        for _ in 0..count {
            runs.push(self.start().await);
        }
        runs
    }

    pub async fn worker(&self) -> Lease {
        let facts = WorkerFacts {
            host: "test".to_owned(),
            version: "0".to_owned(),
            queues: None,
            seats: 10,
            step_types: Vec::new(),
        };
        register(&self.engine, &facts).await.expect("the worker registers")
    }

    /// Everything that is due, by a claimer that has just looked around.
    pub async fn claim(&self, lease: &Lease, seats: usize) -> Vec<Claimed> {
        let mut lanes = Lanes::new(None, &[]);
        lanes.refresh(self.engine.hot()).await.expect("the lanes are read");
        claim(self.engine.hot(), lease.worker(), &mut lanes, seats).await.expect("the claim is answered")
    }

    /// One run, claimed by this worker.
    pub async fn claimed_run(&self, lease: &Lease) -> Claimed {
        let run = self.start().await;
        let mut claimed = self.claim(lease, 1).await;
        assert_eq!(claimed.iter().map(|job| job.run).collect::<Vec<_>>(), [run]);
        claimed.remove(0)
    }

    /// As if this worker had been silent for longer than its lease.
    pub async fn silence(&self, lease: &Lease) {
        let silent = "update onward.worker set heartbeat_at = onward.now() - interval '1 minute' where id = $1";
        sqlx::query(silent).bind(lease.worker().0).execute(self.engine.pool()).await.expect("age the heartbeat");
    }

    pub async fn now(&self) -> DateTime<Utc> {
        sqlx::query_scalar("select onward.now()").fetch_one(self.engine.pool()).await.expect("read the clock")
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.engine.pool()).await.expect("count rows")
    }

    /// The status of a run that has ended.
    pub async fn status(&self, run: RunId) -> Option<String> {
        sqlx::query_scalar("select status::text from onward.run where id = $1")
            .bind(run.0)
            .fetch_one(self.engine.pool())
            .await
            .expect("read the run")
    }

    pub async fn owner(&self, run: RunId) -> Option<uuid::Uuid> {
        sqlx::query_scalar("select worker_id from onward.job where run_id = $1")
            .bind(run.0)
            .fetch_one(self.engine.pool())
            .await
            .expect("read the job")
    }

    /// Returns when exactly so many sessions of this database wait for a lock.
    pub async fn wait_for_blocked(&self, sessions: i64) {
        wait_until(DEADLINE, &format!("{sessions} sessions to wait for a lock"), async || {
            self.count(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            )
            .await
                == sessions
        })
        .await;
    }
}

pub fn checkpoint(path: &str, output: Value, at: DateTime<Utc>) -> CheckpointRow {
    let checkpoint = Checkpoint {
        path: path.to_owned(),
        attempt: 1,
        status: CheckpointStatus::Succeeded,
        output: Some(output),
        error: None,
        started_at: at,
        finished_at: at,
    };
    CheckpointRow::new(&checkpoint, None)
}

/// A write that adds one checkpoint and keeps the job.
pub fn adds(job: &Claimed, path: &str, output: Value, at: DateTime<Utc>) -> RunWrite {
    RunWrite { checkpoints: vec![checkpoint(path, output, at)], ..RunWrite::nothing(job.run, job.wakes) }
}
