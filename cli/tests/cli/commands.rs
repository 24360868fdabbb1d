//! The commands that ask a server, and what their exit codes say.

use onward_testkit::TestDatabase;
use serde_json::Value;

use crate::place::{Place, example};

const FAILING: &str =
    "version: 1\nname: failing\nsteps: [{ id: stop, type: fail, config: { message: no, code: never } }]\n";
const WAITING: &str = "version: 1\nname: waiting\nsteps: [{ id: pause, type: wait, config: { for: 1h } }]\n";

async fn code(place: &Place, arguments: &[&str]) -> Option<i32> {
    place.run(arguments).await.status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_followed_listed_and_shown() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    let mut server = place.serve(&["serve"]).await;
    assert_eq!(code(&place, &["runs", "list"]).await, Some(5), "without a key");
    place.make_key().await;
    for (name, text) in [("failing.yaml", FAILING), ("waiting.yaml", WAITING)] {
        std::fs::write(place.folder.path().join(name), text).expect("write a document");
    }
    let files = ["--yes", "failing.yaml", "waiting.yaml"];
    let plan = place.ask(&[&["deploy", "--dry-run"], &files[1..]].concat()).await;
    assert!(plan.contains("+ failing") && plan.contains("+ waiting"), "{plan}");
    assert_eq!(code(&place, &["run", "waiting"]).await, Some(4), "a dry run deploys nothing");
    assert_eq!(code(&place, &["deploy", "failing.yaml"]).await, Some(2), "nobody can be asked");
    place.ask(&[&["deploy"], &files[..]].concat()).await;
    place.ask(&["deploy", "--yes", &example("hello.yaml")]).await;

    let printed = place.ask(&["run", "hello", "-i", "who=Dana"]).await;
    assert!(printed.contains("✓ greet") && printed.contains("\"Hello, Dana!\""), "{printed}");
    let failed = place.run(&["run", "failing", "--json"]).await;
    assert_eq!(failed.status.code(), Some(1));
    let detail: Value = serde_json::from_slice(&failed.stdout).expect("the run as JSON");
    assert_eq!((detail["error"]["code"].as_str(), detail["error"]["message"].as_str()), (Some("never"), Some("no")));
    assert_eq!(code(&place, &["run", "waiting", "--timeout", "300ms"]).await, Some(7));

    let listed = place.ask(&["runs", "list", "--json"]).await;
    let runs: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    assert_eq!(
        runs.iter().map(|run| run["workflow"].as_str().expect("a name")).collect::<Vec<_>>(),
        ["waiting", "failing", "hello"]
    );
    let waiting = runs[0]["id"].as_str().expect("an id").to_owned();
    let shown = place.ask(&["runs", "show", &waiting[..20]]).await;
    assert!(shown.contains("waits for: timer in pause"), "{shown}");
    assert_eq!(place.ask(&["runs", "cancel", &waiting]).await, "canceled: no step of it starts any more\n");
    assert_eq!(code(&place, &["runs", "follow", &waiting]).await, Some(10));
    assert_eq!(code(&place, &["runs", "cancel", &waiting]).await, Some(6));
    assert_eq!(code(&place, &["runs", "show", "run_00000000000000000000000000"]).await, Some(4));
    assert_eq!(code(&place, &["doctor", "--probe", "ready"]).await, Some(0));
    assert!(place.ask(&["doctor"]).await.contains("1 worker(s)"));

    assert!(server.terminate().await.success(), "a drain ends well");
    assert_eq!(code(&place, &["runs", "list"]).await, Some(8), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_called_and_a_key_revoked() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    place.ask(&["deploy", "--yes", &example("order-confirmation.json"), &example("heartbeat.yaml")]).await;
    let order = "{\"order_id\":\"17\"}";
    let first: Value = serde_json::from_str(
        &place.ask(&["trigger", "order-confirmations", "-d", order, "--idempotency-key", "k", "--json"]).await,
    )
    .expect("JSON");
    let again: Value = serde_json::from_str(
        &place.ask(&["trigger", "order-confirmations", "-d", order, "--idempotency-key", "k", "--json"]).await,
    )
    .expect("JSON");
    assert_eq!(first["run_id"], again["run_id"]);
    assert_eq!(
        code(&place, &["trigger", "order-confirmations", "-d", "{\"order_id\":\"18\"}", "--idempotency-key", "k"])
            .await,
        Some(6)
    );
    assert_eq!(code(&place, &["trigger", "nothing"]).await, Some(4));
    assert_eq!(place.ask(&["schedule", "next", "-n", "3", "--json"]).await.lines().count(), 3);

    let narrow = place.ask(&["keys", "create", "narrow", "--scopes", "triggers:create", "--json"]).await;
    let narrow: Value = serde_json::from_str(&narrow).expect("a key as JSON");
    let secret = narrow["secret"].as_str().expect("a secret");
    assert_eq!(code(&place, &["--key", secret, "runs", "list"]).await, Some(5), "a scope is missing");
    place.ask(&["--key", secret, "trigger", "order-confirmations", "-d", order]).await;
    place.ask(&["keys", "revoke", narrow["id"].as_str().expect("an id")]).await;
    assert_eq!(code(&place, &["keys", "revoke", "key_00000000000000000000000000"]).await, Some(4));
    assert_eq!(code(&place, &["keys", "create", "x", "--scopes", "everything"]).await, Some(2));
}
