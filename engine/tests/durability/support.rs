//! An engine on a database of its own, and the few statements that every test needs.

use std::time::Duration;

use onward_engine::{
    Claimed, DeployOptions, Engine, Expect, Lanes, Lease, PrepareRun, Settings, StartKey, StartRun, Started,
    WorkerFacts, claim, database, deploy, register,
};
use onward_testkit::TestDatabase;
use onward_workflows::{Catalog, RunId, Source};
use serde_json::json;

pub const DEADLINE: Duration = Duration::from_secs(20);

const DOCUMENT: &str = "version: 1\nname: note\nsteps: [{ id: note, type: log, config: { message: noted } }]\n";

pub struct Bed {
    pub database: TestDatabase,
    pub engine: Engine,
}

/// Each engine is a process of its own to the protocols.
pub async fn engine_on(database: &TestDatabase) -> Engine {
    let pool = database::connect(database.options(), 5).await.expect("connect to the test database");
    Engine::new(pool, Settings { catalog: Catalog::new([]), env: json!({}) })
        .await
        .expect("an engine on the test database")
}

impl Bed {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let engine = engine_on(&database).await;
        let bed = Self { database, engine };
        bed.deploy(DOCUMENT).await;
        bed
    }

    pub async fn deploy(&self, text: &str) {
        let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
        deploy(&self.engine, vec![Source::from_file("test.yaml", text)], &options)
            .await
            .expect("the document is valid");
    }

    pub async fn prepare_on(&self, engine: &Engine, key: Option<StartKey>) -> StartRun {
        let version = engine.versions().load(engine.pool(), "note", 1).await.expect("the version loads");
        let request = PrepareRun {
            trigger_id: None,
            trigger: json!({ "type": "manual" }),
            inputs: json!({}),
            scheduled_at: None,
            key,
        };
        engine.prepare(version, request).expect("there are no inputs to be wrong")
    }

    pub async fn start_keyed(&self, engine: &Engine, key: Option<StartKey>) -> Started {
        let start = self.prepare_on(engine, key).await;
        engine.start(start).await.expect("the run starts")
    }

    pub async fn start(&self) -> RunId {
        self.start_keyed(&self.engine, None).await.run
    }

    pub async fn start_many(&self, count: usize) -> Vec<RunId> {
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..count {
            let (engine, start) = (self.engine.clone(), self.prepare_on(&self.engine, None).await);
            starts.spawn(async move { engine.start(start).await.expect("the run starts").run });
        }
        starts.join_all().await
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

    pub async fn claim(&self, lease: &Lease, seats: usize) -> Vec<Claimed> {
        let mut lanes = Lanes::new(None);
        lanes.refresh(self.engine.hot()).await.expect("the lanes are read");
        claim(self.engine.hot(), lease.worker(), &mut lanes, seats).await.expect("the claim is answered")
    }

    pub async fn execute(&self, sql: &'static str) -> u64 {
        sqlx::query(sql).execute(self.engine.pool()).await.expect("the statement runs").rows_affected()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.engine.pool()).await.expect("the rows are counted")
    }

    /// Waits until some session waits for a lock.
    pub async fn somebody_waits(&self) {
        onward_testkit::wait_until(DEADLINE, "a session to wait for a lock", async || {
            self.count(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            )
            .await
                > 0
        })
        .await;
    }
}

pub fn key(name: &str, request: u8) -> StartKey {
    StartKey {
        scope: "test".to_owned(),
        key: name.to_owned(),
        request_hash: [request; 32],
        ttl: Duration::from_hours(1),
    }
}
