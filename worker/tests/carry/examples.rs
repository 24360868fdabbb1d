//! Every example runs to its end against the stand-in services.

use std::path::Path;

use onward_engine::{DeployOptions, Expect, PrepareRun, SecretsKey, SetSecret, deploy, set_secret};
use onward_workflows::Source;
use serde_json::{Value, json};

use crate::bed::Bed;

fn example(name: &str) -> Source {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    Source::from_file(name, std::fs::read_to_string(file).expect("the example is there"))
}

async fn carry(bed: &Bed, name: &str, inputs: Value) -> Value {
    let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
    let deployed = deploy(&bed.engine, vec![example(name)], &options).await.expect("the example is valid");
    let worker = bed.work(10);
    let run = bed.start(&deployed.workflows[0].id, inputs).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), error), ("succeeded", Value::Null));
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_greets() {
    let bed = Bed::new().await;
    assert_eq!(carry(&bed, "hello.yaml", json!({ "who": "Dana" })).await, "Hello, Dana!");
    let version = bed.engine.versions().load(bed.engine.pool(), "hello", 1).await.expect("it is deployed");
    assert_eq!(version.inputs.check(json!({})).expect("it has a default"), json!({ "who": "world" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn order_confirmation_retries_and_confirms_once() {
    let bed = Bed::new().await;
    // Divisible by seven: the shop refuses the first look-up.
    let output = carry(&bed, "order-confirmation.json", json!({ "order_id": "1400007" })).await;
    assert_eq!(output["order"], "1400007");
    assert!(output["text"].as_str().is_some_and(|text| text.starts_with("Thank you, ")), "{output}");
    let totals = bed.shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (1, 0));
    assert!(bed.count("select count(*) from onward.checkpoint where status = 'retrying'").await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nightly_report_adds_up_and_is_stored() {
    let bed = Bed::new().await;
    let output = carry(&bed, "nightly-report.yaml", json!({})).await;
    assert_eq!(output["currency"], "USD");
    assert!(output["total"].is_number() && output["orders"].is_number(), "{output}");
    assert!(bed.shop.requests().iter().any(|request| request.method == "PUT" && request.path.starts_with("/reports/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_beats_under_its_own_id() {
    let bed = Bed::new().await;
    carry(&bed, "heartbeat.yaml", json!({})).await;
    assert_eq!(bed.shop.totals().effects, 1);
}

/// A document of the replaced system runs as it is: a letter, a message, a note to the office.
#[tokio::test(flavor = "multi_thread")]
async fn visa_status_update_runs_to_its_end() {
    let bed = Bed::new().await;
    let engine = bed.engine.clone().with_secrets_key(Some(SecretsKey::new(&[1; 32])));
    for (name, value) in [("CBB_TOKEN", "1000.fake"), ("SLACK_BOT_TOKEN", "xoxb-fake")] {
        let secret = SetSecret { name: name.to_owned(), value: value.into(), by: "test".to_owned() };
        set_secret(&engine, secret).await.expect("it is set");
    }
    let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
    let deployed = deploy(&bed.engine, vec![example("visa-status-update.json")], &options).await.expect("it is valid");
    let diagnostics = &deployed.workflows[0].diagnostics;
    assert!(!diagnostics.is_empty() && diagnostics.iter().all(|finding| finding.code == "W201"), "{diagnostics:?}");

    let _worker = bed.work_with(engine, 4);
    let body = json!({ "applicant": { "name": "Dana" }, "visa": { "status": "approved" } });
    let version = bed.engine.versions().load(bed.engine.pool(), &deployed.workflows[0].id, 1).await.expect("it loads");
    let trigger = json!({ "type": "webhook", "body": body });
    let request = PrepareRun { trigger_id: None, trigger, inputs: json!({}), scheduled_at: None, key: None };
    let start = bed.engine.prepare(version, request).expect("it needs no inputs");
    let run = bed.engine.start(start).await.expect("the run starts").run;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), error), ("succeeded", Value::Null));
    let services = bed.shop.services();
    assert_eq!(services.graph.messages.len(), 1);
    assert_eq!(services.slack.messages[0]["text"], "Dana was told: approved (started by webhook)");
}
