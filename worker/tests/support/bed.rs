//! An engine on a database of its own, with as many workers as a test wants.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use onward_engine::{
    DeployOptions, Engine, Expect, PrepareRun, SecretsKey, Settings, StartKey, Started, database, deploy,
};
use onward_steps::{Mapped, Services, Steps};
use onward_testkit::TestDatabase;
use onward_testkit::standin::StandIn;
use onward_workflows::{Catalog, RunId, Source};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);
/// What the examples of the language talk to.
const EXAMPLES: [&str; 6] = [
    "example.test",
    "fx.example.test",
    "bi.example.test",
    "metrics.example.test",
    "shop.example.test",
    "pay.example.test",
];

pub struct Bed {
    pub database: TestDatabase,
    pub engine: Engine,
    pub shop: StandIn,
    pub steps: Arc<Steps>,
}

/// What a worker takes.
#[derive(Debug, Clone, Copy)]
pub struct Serves {
    pub queues: Option<&'static [&'static str]>,
    pub step_types: Option<&'static [&'static str]>,
}

/// A worker in this process; dropping it is not a crash, it only stops being waited for.
pub struct Running {
    pub stop: CancellationToken,
    pub kill: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

pub async fn engine_on(database: &TestDatabase) -> Engine {
    let pool = database::connect(database.options(), 10).await.expect("connect to the test database");
    let settings = Settings { catalog: Catalog::new(Steps::types()), env: json!({}) };
    Engine::new(pool, settings).await.expect("an engine on the test database")
}

fn settings(seats: usize, drain_max: Duration) -> onward_worker::Settings {
    onward_worker::Settings { seats, queues: None, host: "test".to_owned(), version: "0".to_owned(), drain_max }
}

fn run(engine: Engine, steps: Arc<Steps>, settings: onward_worker::Settings) -> Running {
    let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
    let task = tokio::spawn(onward_worker::run(engine, steps, settings, stop.clone(), kill.clone()));
    Running { stop, kill, task }
}

fn steps_of(shop: &StandIn, step_types: Option<&[&str]>) -> Arc<Steps> {
    let plain = Mapped { address: shop.address(), plain: true };
    let services = StandIn::sites().chain(EXAMPLES).map(|site| (site.to_owned(), plain));
    let settings = onward_steps::Settings {
        http_hosts: services.chain([("shop.test".to_owned(), shop.address().into())]).collect(),
        services: Services {
            airtable_base: Some("appFAKE0000000001".to_owned()),
            email_from: Some("onward@mail.test".to_owned()),
            whatsapp_language: "he".to_owned(),
            templates: Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/templates"),
            ..Services::default()
        },
        step_types: step_types.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        ..onward_steps::Settings::default()
    };
    Arc::new(Steps::new(settings).expect("the steps are set up"))
}

impl Bed {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let engine = engine_on(&database).await;
        let shop = StandIn::start().await.expect("the stand-in starts");
        let steps = steps_of(&shop, None);
        Self { database, engine, shop, steps }
    }

    pub async fn deploy(&self, yaml: &str) -> String {
        let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
        let source = Source::from_file("test.yaml", yaml);
        let deployed = deploy(&self.engine, vec![source], &options).await.unwrap_or_else(|error| panic!("{error:?}"));
        deployed.workflows[0].id.clone()
    }

    pub async fn start(&self, workflow: &str, inputs: Value) -> RunId {
        self.start_with(workflow, inputs, None).await.run
    }

    pub async fn start_with(&self, workflow: &str, inputs: Value, key: Option<StartKey>) -> Started {
        let version = sqlx::query_scalar::<_, i32>("select version from onward.workflow where id = $1")
            .bind(workflow)
            .fetch_one(self.engine.pool())
            .await
            .expect("the workflow is deployed");
        let version =
            self.engine.versions().load(self.engine.pool(), workflow, version).await.expect("its version loads");
        let request =
            PrepareRun { trigger_id: None, trigger: json!({"type": "manual"}), inputs, scheduled_at: None, key };
        let start = self.engine.prepare(version, request).expect("the inputs fit");
        self.engine.start(start).await.expect("the run starts")
    }

    pub fn work(&self, seats: usize) -> Running {
        self.work_with(self.engine.clone(), seats)
    }

    pub fn work_with(&self, engine: Engine, seats: usize) -> Running {
        self.work_and_leave_within(engine, seats, Duration::from_secs(10))
    }

    /// With so much time to finish what is in flight when it is told to stop.
    pub fn work_and_leave_within(&self, engine: Engine, seats: usize, drain_max: Duration) -> Running {
        let settings = settings(seats, drain_max);
        run(engine, Arc::clone(&self.steps), settings)
    }

    /// A process of its own with four seats that takes only a part.
    pub async fn work_as(&self, serves: Serves) -> Running {
        let engine = engine_on(&self.database).await.with_secrets_key(Some(SecretsKey::new(&[1; 32])));
        let queues = serves.queues.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let settings = onward_worker::Settings { queues, ..settings(4, Duration::from_secs(10)) };
        run(engine, steps_of(&self.shop, serves.step_types), settings)
    }

    /// The run's end: its status, output and error.
    pub async fn ended(&self, run: RunId) -> (String, Value, Value) {
        let mut end = None;
        onward_testkit::wait_until(DEADLINE, &format!("{run} to end"), async || {
            end = self.end_of(run).await;
            end.is_some()
        })
        .await;
        end.expect("the wait above saw it")
    }

    pub async fn end_of(&self, run: RunId) -> Option<(String, Value, Value)> {
        sqlx::query_as::<_, (String, Option<Value>, Option<Value>)>(
            "select status::text, output, error from onward.run where id = $1 and status is not null",
        )
        .bind(run.0)
        .fetch_optional(self.engine.pool())
        .await
        .expect("read the run")
        .map(|(status, output, error)| (status, output.unwrap_or_default(), error.unwrap_or_default()))
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar::<_, i64>(sql).fetch_one(self.engine.pool()).await.expect("count rows")
    }
}
