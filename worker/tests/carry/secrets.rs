//! A secret goes to the service that it is for, and to no row and no line of the log.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_engine::{Engine, SecretsKey, SetSecret, set_secret};
use onward_testkit::wait_until;
use onward_workflows::RunId;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::bed::{Bed, engine_on};

const DEADLINE: Duration = Duration::from_secs(20);
const CANARY: &str = "canary/0123 \"456789\" +\u{5d0}";
const HEADER: &str = "canary-bearer-0123456789";
const TELLTALES: [&str; 3] = ["canary", "0123", "456789"];
const ROWS: &str = "select coalesce(string_agg(row, ' '), '') from (
    select r::text as row from onward.run r union all select c::text from onward.checkpoint c
    union all select p::text from onward.pending p union all select j::text from onward.job j
) rows";

async fn bed() -> Bed {
    let mut bed = Bed::new().await;
    bed.engine = with_key(bed.engine.clone(), 1);
    bed
}

fn with_key(engine: Engine, byte: u8) -> Engine {
    engine.with_secrets_key(Some(SecretsKey::new(&[byte; 32])))
}

async fn set(bed: &Bed, name: &str, value: &str) {
    let set = SetSecret { name: name.to_owned(), value: value.to_owned().into(), by: "test".to_owned() };
    set_secret(&bed.engine, set).await.expect("the secret is set");
}

async fn rows(bed: &Bed) -> String {
    sqlx::query_scalar(ROWS).fetch_one(bed.engine.pool()).await.expect("read the rows")
}

/// What is logged while a test runs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const ECHOED: &str = r#"
version: 1
name: echoed
secrets: [TOKEN, HEADER]
steps:
  - id: told
    type: http.request
    config:
      method: POST
      url: "http://shop.test/echo?token={{ secrets.TOKEN | urlencode }}"
      headers: { Authorization: "Bearer {{ secrets.HEADER }}" }
      body: { token: "{{ secrets.TOKEN }}" }
  - id: refused
    type: http.request
    retry: { max: 1, delay: 10ms }
    config:
      method: GET
      url: "http://shop.test/echo?status=503&at={{ secrets.HEADER }}"
      headers: { Authorization: "Basic {{ secrets.TOKEN | urlencode }}" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_echoes_of_a_secret_is_stored_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::DEBUG);
    let _ = subscriber.try_init();
    let bed = bed().await;
    set(&bed, "TOKEN", CANARY).await;
    set(&bed, "HEADER", HEADER).await;
    let id = bed.deploy(ECHOED).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "failed", "{error}");
    assert!(error.to_string().contains("[secret HEADER]"), "{error}");

    let sent = bed.shop.requests();
    assert_eq!(sent[0].headers["authorization"], format!("Bearer {HEADER}"), "the service has got it");
    let body: Value = serde_json::from_slice(&sent[0].body).expect("JSON was sent");
    assert_eq!(body["token"], CANARY);
    let told = "select output -> 'body' from onward.checkpoint where path = 'told'";
    let told: Value = sqlx::query_scalar(told).fetch_one(bed.engine.pool()).await.expect("read the checkpoint");
    assert_eq!(told["headers"]["authorization"], "Bearer [secret HEADER]");
    assert_eq!(told["url"], "/echo?token=[secret TOKEN]");
    assert_eq!(told["body"], r#"{"token":"[secret TOKEN]"}"#);

    let log = String::from_utf8_lossy(&log.0.lock().expect("nobody panics with it")).into_owned();
    assert!(log.contains("worker registered"), "the log was seen");
    let rows = rows(&bed).await;
    assert!(rows.contains("[secret TOKEN]"), "{rows}");
    for telltale in TELLTALES {
        assert!(!rows.contains(telltale), "{telltale} in {rows}");
        assert!(!log.contains(telltale), "{telltale} in {log}");
    }
}

const SENDS: &str = "version: 1\nname: sends\nsecrets: [HEADER]\nsteps:\n  - {id: a, type: http.request, config: {url: 'http://shop.test/rates', headers: {X-Key: '{{ secrets.HEADER }}'}}}\n";

async fn deployed(bed: &Bed) -> RunId {
    set(bed, "HEADER", HEADER).await;
    let id = bed.deploy(SENDS).await;
    bed.start(&id, json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_secret_is_gone_fails_and_names_it() {
    let bed = bed().await;
    let run = deployed(&bed).await;
    sqlx::query("delete from onward.secret").execute(bed.engine.pool()).await.expect("delete the secret");
    let _worker = bed.work_with(with_key(engine_on(&bed.database).await, 1), 4);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["kind"]), ("failed", &json!("config")));
    assert_eq!(error["message"], "the secret `HEADER` is not set");
    assert_eq!(bed.shop.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_another_key_hands_a_run_back_and_one_with_the_right_key_carries_it() {
    let bed = bed().await;
    let run = deployed(&bed).await;
    let wrong = bed.work_with(with_key(engine_on(&bed.database).await, 2), 4);
    let handed_back = "select count(*) from onward.job where worker_id is null and due_at > onward.now()";
    wait_until(DEADLINE, "the run to be handed back", async || bed.count(handed_back).await == 1).await;
    wrong.stop.cancel();
    wrong.task.await.expect("the worker drains");
    assert_eq!(bed.end_of(run).await, None);
    bed.database.move_clock(Duration::from_secs(15)).await;
    let _right = bed.work_with(with_key(engine_on(&bed.database).await, 1), 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!(bed.shop.requests()[0].headers["x-key"], HEADER);
}
