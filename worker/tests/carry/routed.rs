//! Steps that other workers carry out: of another queue, or of a type that the run's worker does not have.

use std::time::Duration;

use onward_engine::{SetSecret, find_run, set_secret};
use onward_testkit::standin::Received;
use onward_testkit::wait_until;
use serde_json::{Value, json};

use crate::bed::{Bed, Running, Serves, engine_on};

const DEADLINE: Duration = Duration::from_secs(20);
const ROUTED: &str = "select count(*) from onward.job where path <> ''";
const PARKED: &str = "select count(*) from onward.job where path = '' and worker_id is null";
const EVERYTHING: Serves = Serves { queues: None, step_types: None };

fn of_queue(queue: &'static [&'static str]) -> Serves {
    Serves { queues: Some(queue), ..EVERYTHING }
}

fn requests(bed: &Bed, path: &str) -> Vec<Received> {
    bed.shop.requests().into_iter().filter(|request| request.path == path).collect()
}

async fn until(bed: &Bed, sql: &'static str, count: i64) {
    wait_until(DEADLINE, &format!("{sql} to be {count}"), async || bed.count(sql).await == count).await;
}

async fn gone(worker: Running) {
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
}

const PDF: &str = "
version: 1
name: pdf
inputs: { vip: { type: boolean, default: false } }
steps:
  - { id: order, type: http.request, config: { url: 'http://shop.test/orders/IL1' } }
  - id: pdf
    type: http.request
    queue: pdf
    priority: \"{{ 'high' if inputs.vip else 'low' }}\"
    retry: { max: 2, delay: 10ms }
    config: { method: PUT, url: 'http://shop.test/reports/{{ run.id }}', body: { at: '{{ now() }}' } }
  - { id: said, type: value, config: { status: '{{ steps.pdf.output.status }}', attempts: '{{ steps.pdf.attempts }}' } }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_step_with_a_queue_waits_for_its_workers_and_the_run_holds_nothing_meanwhile() {
    let bed = Bed::new().await;
    let id = bed.deploy(PDF).await;
    let _main = bed.work_as(of_queue(&["default"])).await;
    let run = bed.start(&id, json!({ "vip": true })).await;
    until(&bed, ROUTED, 1).await;
    until(&bed, PARKED, 1).await;
    let detail = find_run(&bed.engine, run).await.expect("read").expect("the run is there");
    let waits: Vec<_> = detail.waiting_for.iter().map(|wait| json!(wait)).collect();
    assert_eq!(waits, [json!({"kind": "routed", "path": "pdf", "attempt": 1, "due_at": null, "name": "pdf"})]);
    let job: (String, String) = sqlx::query_as("select queue, priority::text from onward.job where path = 'pdf'")
        .fetch_one(bed.engine.pool())
        .await
        .expect("read the job");
    assert_eq!(job, ("pdf".to_owned(), "high".to_owned()));

    let _pdf = bed.work_as(of_queue(&["pdf"])).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &output), ("succeeded", &json!({"status": 200, "attempts": 1})), "{error}");
    let sent = requests(&bed, &format!("/reports/{run}"));
    assert_eq!((sent.len(), &sent[0].key), (1, &Some(format!("{run}/pdf"))));
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_is_routed_anew_and_sends_the_same() {
    let bed = Bed::new().await;
    let id = bed.deploy(&PDF.replace("{{ run.id }}'", "{{ run.id }}?fault=503'")).await;
    let (_main, _pdf) = (bed.work_as(of_queue(&["default"])).await, bed.work_as(of_queue(&["pdf"])).await);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["attempt"], &error["step"]), ("failed", &json!(3), &json!("pdf")), "{error}");
    let sent = requests(&bed, &format!("/reports/{run}"));
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.key == sent[0].key && request.body == sent[0].body), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_the_runs_worker_does_not_have_goes_to_one_that_has_it() {
    let bed = Bed::new().await;
    let id = bed.deploy(PDF).await;
    // The first carries runs and nothing else; the second serves the queue and lacks the type; the third has it.
    let _bare = bed.work_as(Serves { queues: Some(&["default"]), step_types: Some(&[]) }).await;
    let _blind = bed.work_as(Serves { queues: Some(&["pdf"]), step_types: Some(&[]) }).await;
    let run = bed.start(&id, json!({})).await;
    until(&bed, "select count(*) from onward.job where path = 'order' and queue = 'type:http.request'", 1).await;
    let able = bed.work_as(Serves { queues: Some(&["other"]), step_types: None }).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &output["status"]), ("succeeded", &json!(200)), "{error}");
    gone(able).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_loop_are_routed_side_by_side() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: many\nsteps:\n  - id: each\n    foreach: {in: '[1, 2, 3, 4, 5, 6]', concurrency: 3}\n    type: http.request\n    queue: pdf\n    output: '{{ item }}'\n    config: {url: 'http://shop.test/orders/IL1'}\n")
        .await;
    let _main = bed.work_as(of_queue(&["default"])).await;
    let run = bed.start(&id, json!({})).await;
    until(&bed, ROUTED, 3).await;
    let _pdf = bed.work_as(of_queue(&["pdf"])).await;
    assert_eq!(bed.ended(run).await.1, json!([1, 2, 3, 4, 5, 6]));
    assert_eq!(requests(&bed, "/orders/IL1").len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_takes_back_a_step_that_nobody_has_begun() {
    let bed = Bed::new().await;
    let id = bed.deploy(PDF).await;
    let _main = bed.work_as(of_queue(&["default"])).await;
    let run = bed.start(&id, json!({})).await;
    until(&bed, ROUTED, 1).await;
    until(&bed, PARKED, 1).await;
    onward_engine::cancel(&bed.engine, run).await.expect("it can be canceled");
    assert_eq!(bed.ended(run).await.0, "canceled");
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
    assert_eq!(requests(&bed, &format!("/reports/{run}")).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_a_step_that_is_safe_to_repeat_and_awaits_any_other() {
    for (method, awaited) in [("PUT", false), ("POST", true)] {
        let bed = Bed::new().await;
        let id = bed
            .deploy(&format!("version: 1\nname: slow\nsteps:\n  - {{id: slow, type: http.request, queue: pdf, retry: 0, timeout: 2s, config: {{method: {method}, url: 'http://shop.test/reports/x?fault=hang', body: {{}}}}}}\n"))
            .await;
        let (_main, _pdf) = (bed.work_as(of_queue(&["default"])).await, bed.work_as(of_queue(&["pdf"])).await);
        let run = bed.start(&id, json!({})).await;
        wait_until(DEADLINE, "the request", async || requests(&bed, "/reports/x").len() == 1).await;
        onward_engine::cancel(&bed.engine, run).await.expect("it can be canceled");
        let (status, _, error) = bed.ended(run).await;
        assert_eq!(status, "canceled", "{error}");
        let kept = bed.count("select count(*) from onward.checkpoint").await;
        assert_eq!(kept, i64::from(awaited), "{method}: an outcome that may matter is recorded");
        until(&bed, "select count(*) from onward.job", 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finally_after_a_cancel_can_be_routed() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: tidy\nsteps:\n  - {id: pause, type: wait, config: {for: 1h}}\nfinally:\n  - {id: tidy, type: http.request, queue: pdf, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    let (_main, _pdf) = (bed.work_as(of_queue(&["default"])).await, bed.work_as(of_queue(&["pdf"])).await);
    let run = bed.start(&id, json!({})).await;
    until(&bed, "select count(*) from onward.pending where kind = 'timer'", 1).await;
    onward_engine::cancel(&bed.engine, run).await.expect("it can be canceled");
    assert_eq!(bed.ended(run).await.0, "canceled");
    assert_eq!(requests(&bed, "/rates").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_out_of_what_a_routed_step_leaves_behind() {
    let bed = Bed::new().await;
    let engine = engine_on(&bed.database).await.with_secrets_key(Some(onward_engine::SecretsKey::new(&[1; 32])));
    let secret =
        SetSecret { name: "TOKEN".to_owned(), value: "canary-0123456789".to_owned().into(), by: "test".to_owned() };
    set_secret(&engine, secret).await.expect("the secret is set");
    let id = bed
        .deploy("version: 1\nname: secret\nsecrets: [TOKEN]\nsteps:\n  - {id: echo, type: http.request, queue: pdf, config: {url: 'http://shop.test/echo?token={{ secrets.TOKEN }}'}}\n")
        .await;
    let main = bed.work_as(of_queue(&["default"])).await;
    let run = bed.start(&id, json!({})).await;
    until(&bed, ROUTED, 1).await;
    until(&bed, PARKED, 1).await;
    // Its outcome stays where it was left as long as nobody carries the run.
    gone(main).await;
    let _pdf = bed.work_as(of_queue(&["pdf"])).await;
    until(&bed, "select count(*) from onward.pending where outcome is not null", 1).await;
    let kept: Value =
        sqlx::query_scalar("select outcome from onward.pending").fetch_one(bed.engine.pool()).await.expect("read");
    assert!(!kept.to_string().contains("canary"), "{kept}");
    let _main = bed.work_as(of_queue(&["default"])).await;
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!(requests(&bed, "/echo").len(), 1);
}
