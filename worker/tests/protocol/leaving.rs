//! Workers that leave: drained, killed, or without a row any more.

use serde_json::json;

use crate::bed::{Bed, engine_on};
use crate::{change, requests, wait_for_count, wait_for_requests};

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_is_in_flight_and_hands_the_rest_back_without_burning_an_attempt() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: two\nsteps:\n  - {id: one, type: http.request, config: {url: 'http://shop.test/orders/IL1?delay_ms=300'}}\n  - {id: two, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/today', body: {a: 1}}}\n")
        .await;
    let (first, second) = (bed.start(&id, json!({})).await, bed.start(&id, json!({})).await);
    let worker = bed.work(1);
    wait_for_requests(&bed, "/orders/IL1", 1).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");

    let handed_back =
        "select count(*) from onward.job where worker_id is null and crashes = 0 and due_at <= onward.now()";
    assert_eq!(bed.count(handed_back).await, 2);
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'succeeded'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0, "the second step was not announced");
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
    assert_eq!((requests(&bed, "/orders/IL1"), requests(&bed, "/reports/today")), (1, 0));

    let later = engine_on(&bed.database).await;
    let _worker = bed.work_with(later, 4);
    for run in [first, second] {
        assert_eq!(bed.ended(run).await.0, "succeeded");
    }
    assert_eq!((requests(&bed, "/orders/IL1"), requests(&bed, "/reports/today")), (2, 2));
    assert_eq!(bed.count("select count(*) from onward.checkpoint where attempt > 1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_row_is_gone_drops_everything_registers_anew_and_its_runs_end_once() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: slow\nsteps:\n  - {id: get, type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang&times=1'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/orders/IL1", 1).await;
    change(&bed, "create table gone as select id from onward.worker").await;
    change(&bed, "delete from onward.worker").await;

    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!(bed.count("select count(*) from onward.worker where id not in (select id from gone)").await, 1);
    assert_eq!(
        bed.count("select count(*) from onward.checkpoint where worker_id not in (select id from gone)").await,
        1
    );
    let keys: Vec<_> = bed.shop.requests().into_iter().map(|request| request.key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]), "the same step, and so the same key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_worker_owns_without_knowing_it_is_adopted() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: lost\nsteps:\n  - {id: a, type: log, config: {message: hi}}\n").await;
    let run = bed.start(&id, json!({})).await;
    change(&bed, "update onward.job set due_at = due_at + interval '1 hour'").await;
    let _worker = bed.work(4);
    wait_for_count(&bed, "select count(*) from onward.worker", 1).await;
    // What a claim leaves behind whose answer never came.
    change(&bed, "update onward.job set worker_id = (select id from onward.worker), wakes = wakes + 1").await;
    assert_eq!(bed.ended(run).await.0, "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_killed_worker_go_on_elsewhere_from_their_last_checkpoint() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: two\nsteps:\n  - {id: one, type: http.request, config: {url: 'http://shop.test/orders/IL1'}}\n  - {id: two, type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL2?fault=hang&times=1'}}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/orders/IL2", 1).await;
    worker.kill.cancel();
    worker.task.await.expect("the worker is gone");
    assert_eq!(
        bed.count("select count(*) from onward.job where worker_id is not null").await,
        1,
        "nothing was handed back"
    );

    bed.database.move_clock(std::time::Duration::from_secs(11)).await;
    let later = engine_on(&bed.database).await;
    let _worker = bed.work_with(later, 4);
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!((requests(&bed, "/orders/IL1"), requests(&bed, "/orders/IL2")), (1, 2));
}
