//! Runs carried to their end by a worker, on real Postgres and a real HTTP server.

use std::time::Duration;

use onward_testkit::wait_until;
use serde_json::{Value, json};

use crate::bed::Bed;

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_logs_ends_with_one_checkpoint_each() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: rows\nsteps:\n  - {id: a, type: log, config: {message: one}}\n  - {id: b, type: log, config: {message: two}}\n  - {id: c, type: value, config: {sum: '{{ 1 + 2 }}'}}\n")
        .await;
    let worker = bed.work(10);
    let run = bed.start(&id, json!({})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output, error), ("succeeded", json!({"sum": 3}), Value::Null));
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 2);
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_started_before_any_worker_are_claimed_by_the_first_one() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: one\nsteps:\n  - {id: a, type: log, config: {message: hi}}\n").await;
    let mut runs = Vec::new();
    for _ in 0..50 {
        runs.push(bed.start(&id, json!({})).await);
    }
    let _worker = bed.work(8);
    for run in runs {
        assert_eq!(bed.ended(run).await.0, "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_parks_the_run_and_the_clock_wakes_it() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: waits\nsteps:\n  - {id: pause, type: wait, config: {for: 1h}}\n  - {id: done, type: value, config: {waited: '{{ steps.pause.output.waited_ms }}'}}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_until(DEADLINE, "the run to be parked", async || {
        bed.count("select count(*) from onward.job where worker_id is null and due_at > onward.now()").await == 1
            && bed.count("select count(*) from onward.pending where kind = 'timer'").await == 1
    })
    .await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    bed.database.move_clock(Duration::from_secs(3_601)).await;
    let later = crate::bed::engine_on(&bed.database).await;
    let _worker = bed.work_with(later, 4);
    let (status, output, _) = bed.ended(run).await;
    assert_eq!(status, "succeeded");
    assert!(output["waited"].as_i64().is_some_and(|waited| waited >= 3_600_000), "{output}");
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_lookup_is_retried_and_every_attempt_is_kept() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: lookup\ninputs: {order: {type: string}}\nsteps:\n  - id: order\n    type: http.request\n    config: {url: 'http://shop.test/orders/{{ inputs.order }}'}\n    retry: {max: 3, delay: 10ms}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({"order": "IL000007A"})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(output["status"], 200);
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'retrying'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'succeeded'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_post_is_ambiguous_and_waits_for_a_person() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: send\nsteps:\n  - id: send\n    type: http.request\n    timeout: 300ms\n    config: {method: POST, url: 'http://shop.test/confirmations?fault=hang', body: {order: x}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_until(DEADLINE, "the run to wait for a person", async || {
        bed.count("select count(*) from onward.pending where kind = 'person'").await == 1
    })
    .await;
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'ambiguous'").await, 1);
    assert_eq!(bed.end_of(run).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_canceled_whether_somebody_owns_it_or_not() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: long\nsteps:\n  - {id: pause, type: wait, config: {for: 5d}}\n").await;
    let unowned = bed.start(&id, json!({})).await;
    let cancelled = onward_engine::cancel(&bed.engine, unowned).await.expect("it can be cancelled");
    assert_eq!(cancelled, onward_engine::CancelOutcome::Acknowledged);
    let _worker = bed.work(4);
    assert_eq!(bed.ended(unowned).await.0, "canceled");
    assert!(matches!(onward_engine::cancel(&bed.engine, unowned).await, Err(onward_engine::CancelError::AlreadyEnded)));

    let hanging = bed
        .deploy("version: 1\nname: hang\nsteps:\n  - {id: get, type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang'}}\n")
        .await;
    let owned = bed.start(&hanging, json!({})).await;
    wait_until(DEADLINE, "the request to be on its way", async || !bed.shop.requests().is_empty()).await;
    let cancelled = onward_engine::cancel(&bed.engine, owned).await.expect("it can be cancelled");
    assert_eq!(cancelled, onward_engine::CancelOutcome::Requested);
    assert_eq!(bed.ended(owned).await.0, "canceled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_worker_had_sent_is_sent_again_with_the_same_key_when_it_is_safe() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: send\nsteps:\n  - id: send\n    type: http.request\n    timeout: 1m\n    config: {method: PUT, url: 'http://shop.test/confirmations/1?fault=hang&times=1', body: {order: x}}\n")
        .await;
    let lost = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_until(DEADLINE, "the request to be on its way", async || !bed.shop.requests().is_empty()).await;
    lost.kill.cancel();
    lost.task.await.expect("the worker is gone");
    bed.database.move_clock(Duration::from_secs(11)).await;
    let _survivor = bed.work_with(crate::bed::engine_on(&bed.database).await, 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
    let keys: Vec<_> = bed.shop.requests().into_iter().map(|request| request.key).collect();
    assert_eq!(keys, vec![Some(format!("{run}/send")); 2]);
    let totals = bed.shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (1, 0));
}
