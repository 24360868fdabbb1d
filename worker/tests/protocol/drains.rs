//! Leaving when there is no time to finish, or nothing in flight to wait for; and taking up what was left.

use std::time::Duration;

use onward_testkit::standin::Received;
use serde_json::json;

use crate::bed::{Bed, engine_on};
use crate::{wait_for_count, wait_for_requests};

const WORKERS: &str = "select count(*) from onward.worker";
const CHECKPOINTS: &str = "select count(*) from onward.checkpoint";
const STARTED: &str = "select count(*) from onward.pending where kind = 'started'";
const HANDED_BACK: &str =
    "select count(*) from onward.job where worker_id is null and crashes = 0 and due_at <= onward.now()";
const SHORT: Duration = Duration::from_millis(200);

fn sent(bed: &Bed, method: &str) -> Vec<Received> {
    bed.shop.requests().into_iter().filter(|request| request.method == method).collect()
}

/// What a second step can know of a first one, sent by a request that is not answered the first time.
fn tells(method: &str) -> String {
    format!(
        "version: 1\nname: tells\nsteps:\n  - {{id: one, type: http.request, config: {{url: 'http://shop.test/orders/IL1'}}}}\n  - id: tell\n    type: http.request\n    timeout: 1m\n    config:\n      method: {method}\n      url: http://shop.test/confirmations/1?fault=hang&times=1\n      body: {{order: x, at: '{{{{ now() }}}}', id: '{{{{ uuid() }}}}', since: '{{{{ run.started_at }}}}', one: '{{{{ steps.one.finished_at }}}}'}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_runs_out_of_time_hands_back_what_is_in_flight_and_it_is_sent_again_as_it_was() {
    let bed = Bed::new().await;
    let id = bed.deploy(&tells("PUT")).await;
    let leaving = bed.work_and_leave_within(bed.engine.clone(), 4, SHORT);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations/1", 1).await;
    leaving.stop.cancel();
    leaving.task.await.expect("the worker leaves");
    assert_eq!((bed.count(HANDED_BACK).await, bed.count(WORKERS).await), (1, 0));
    assert_eq!(bed.count(CHECKPOINTS).await, 1, "of the first step alone");

    let _next = bed.work_with(engine_on(&bed.database).await, 4);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    let sent = sent(&bed, "PUT");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].key, Some(format!("{run}/tell")));
    assert_eq!((&sent[0].key, &sent[0].body), (&sent[1].key, &sent[1].body));
    assert_eq!(bed.count("select count(*) from onward.checkpoint where attempt > 1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_successor_sends_the_same_bytes() {
    let bed = Bed::new().await;
    let id = bed.deploy(&tells("PUT")).await;
    let lost = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations/1", 1).await;
    lost.kill.cancel();
    lost.task.await.expect("the worker is gone");
    bed.database.move_clock(Duration::from_secs(11)).await;
    let _next = bed.work_with(engine_on(&bed.database).await, 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
    let sent = sent(&bed, "PUT");
    assert_eq!(sent.len(), 2);
    let text = String::from_utf8_lossy(&sent[0].body);
    assert_eq!(text, String::from_utf8_lossy(&sent[1].body));
    assert!(!text.contains("null") && text.contains("\"one\":\"20"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_safe_to_repeat_stays_announced_when_a_drain_runs_out_of_time() {
    let bed = Bed::new().await;
    let id = bed.deploy(&tells("POST").replace("confirmations/1", "confirmations")).await;
    let leaving = bed.work_and_leave_within(bed.engine.clone(), 4, SHORT);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations", 1).await;
    leaving.stop.cancel();
    leaving.task.await.expect("the worker leaves");
    assert_eq!((bed.count(HANDED_BACK).await, bed.count(STARTED).await), (1, 1));

    let _next = bed.work_with(engine_on(&bed.database).await, 4);
    wait_for_count(&bed, "select count(*) from onward.pending where kind = 'person'", 1).await;
    assert_eq!(bed.end_of(run).await, None);
    assert_eq!((sent(&bed, "POST").len(), bed.count(STARTED).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_between_attempts_that_is_spent_in_memory_does_not_hold_up_a_drain() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: pauses\nsteps:\n  - id: get\n    type: http.request\n    retry: {max: 1, delay: 1500ms, jitter: false}\n    config: {url: 'http://shop.test/orders/IL1?fault=503&times=1'}\n")
        .await;
    let leaving = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, "select count(*) from onward.checkpoint where status = 'retrying'", 1).await;
    leaving.stop.cancel();
    leaving.task.await.expect("the worker leaves");
    assert_eq!((bed.count(HANDED_BACK).await, sent(&bed, "GET").len()), (1, 1), "it was not waited for");

    let _next = bed.work_with(engine_on(&bed.database).await, 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!(sent(&bed, "GET").len(), 2);
    let between = "select count(*) from onward.checkpoint a join onward.checkpoint b using (run_id, path)
        where a.attempt = 1 and b.attempt = 2 and b.started_at - a.finished_at >= interval '1.5 s'";
    assert_eq!(bed.count(between).await, 1, "the pause is counted from the first attempt, not from the resume");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_starts_after_its_worker_has_left_waits_for_another_worker() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: late\nsteps:\n  - {id: a, type: log, config: {message: hi}}\n").await;
    let leaving = bed.work(4);
    wait_for_count(&bed, WORKERS, 1).await;
    leaving.stop.cancel();
    leaving.task.await.expect("the worker leaves");
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.count(HANDED_BACK).await, 1);
    let _next = bed.work_with(engine_on(&bed.database).await, 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
}
