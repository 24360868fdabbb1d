//! Steps that are not safe to repeat: announced, never sent twice, settled by a person or by the deadline.

use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, engine_on};
use crate::{requests, wait_for_count, wait_for_requests};

const STARTED: &str = "select count(*) from onward.pending where kind = 'started'";
const PERSON: &str = "select count(*) from onward.pending where kind = 'person'";

fn sends(timeout: &str) -> String {
    format!(
        "version: 1\nname: send\nsteps:\n  - {{id: send, type: http.request, timeout: {timeout}, config: {{method: POST, url: 'http://shop.test/confirmations?fault=hang', body: {{order: x}}}}}}\n  - {{id: after, type: http.request, config: {{url: 'http://shop.test/rates'}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_is_announced_and_after_a_crash_it_is_ambiguous_instead_of_sent_again() {
    let bed = Bed::new().await;
    let id = bed.deploy(&sends("1m")).await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations", 1).await;
    assert_eq!(bed.count(STARTED).await, 1, "announced before it was sent");
    worker.kill.cancel();
    worker.task.await.expect("the worker is gone");

    bed.database.move_clock(Duration::from_secs(11)).await;
    let later = engine_on(&bed.database).await;
    let _worker = bed.work_with(later, 4);
    wait_for_count(&bed, PERSON, 1).await;
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'ambiguous'").await, 1);
    assert_eq!(bed.count(STARTED).await, 0, "the announcement goes with its outcome");
    assert_eq!((requests(&bed, "/confirmations"), requests(&bed, "/rates")), (1, 0));
    assert_eq!(bed.end_of(run).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_step_that_nobody_settles_fails_after_seven_days() {
    let bed = Bed::new().await;
    let id = bed.deploy(&sends("200ms")).await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, PERSON, 1).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");

    bed.database.move_clock(Duration::from_hours(7 * 24 - 1)).await;
    let later = engine_on(&bed.database).await;
    let worker = bed.work_with(later, 4);
    // Looked at again, for a parked run is never forgotten for longer than an hour or so, and parked again.
    wait_for_count(
        &bed,
        "select count(*) from onward.job where worker_id is null and wakes >= 2 and due_at > onward.now()",
        1,
    )
    .await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    assert_eq!(bed.end_of(run).await, None, "an hour is left");

    bed.database.move_clock(Duration::from_hours(1)).await;
    let latest = engine_on(&bed.database).await;
    let _worker = bed.work_with(latest, 4);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["kind"]), ("failed", &json!("ambiguous")), "{error}");
    assert_eq!((requests(&bed, "/confirmations"), requests(&bed, "/rates")), (1, 0));
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_during_a_send_ends_the_run_and_no_step_starts_after_it() {
    let bed = Bed::new().await;
    let id = bed.deploy(&sends("2s")).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/confirmations", 1).await;
    let outcome = onward_engine::cancel(&bed.engine, run).await.expect("it can be cancelled");
    assert_eq!(outcome, onward_engine::CancelOutcome::Requested);
    assert_eq!(bed.ended(run).await.0, "canceled");
    assert_eq!((requests(&bed, "/confirmations"), requests(&bed, "/rates")), (1, 0));
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}
