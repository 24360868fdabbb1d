//! Workers that die with a routed step in their hands.

use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, Running, Serves};
use crate::{requests, wait_for_count, wait_for_requests};

const PARKED: &str = "select count(*) from onward.job where path = '' and worker_id is null";
const DEFAULT: Serves = Serves { queues: Some(&["default"]), step_types: None };
const PDF: Serves = Serves { queues: Some(&["pdf"]), step_types: None };

async fn gone(worker: Running) {
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_with_a_routed_step_leaves_it_to_the_next_one() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: slow\nsteps:\n  - {id: slow, type: http.request, queue: pdf, retry: 0, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang&times=1'}}\n")
        .await;
    let main = bed.work_as(DEFAULT).await;
    let pdf = bed.work_as(PDF).await;
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/orders/IL1", 1).await;
    wait_for_count(&bed, PARKED, 1).await;
    pdf.kill.cancel();
    pdf.task.await.expect("the worker is gone");
    gone(main).await;

    bed.database.move_clock(Duration::from_secs(11)).await;
    let (_main, _pdf) = (bed.work_as(DEFAULT).await, bed.work_as(PDF).await);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(requests(&bed, "/orders/IL1"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routed_send_whose_worker_dies_is_ambiguous_and_not_sent_again() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: send\nsteps:\n  - {id: send, type: http.request, queue: pdf, timeout: 1m, config: {method: POST, url: 'http://shop.test/confirmations?fault=hang', body: {order: x}}}\n")
        .await;
    let main = bed.work_as(DEFAULT).await;
    let pdf = bed.work_as(PDF).await;
    bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations", 1).await;
    assert_eq!(bed.count("select count(*) from onward.pending where kind = 'started'").await, 1);
    wait_for_count(&bed, PARKED, 1).await;
    pdf.kill.cancel();
    pdf.task.await.expect("the worker is gone");
    gone(main).await;

    bed.database.move_clock(Duration::from_secs(11)).await;
    let (_main, _pdf) = (bed.work_as(DEFAULT).await, bed.work_as(PDF).await);
    wait_for_count(&bed, "select count(*) from onward.pending where kind = 'person'", 1).await;
    assert_eq!(requests(&bed, "/confirmations"), 1);
}
