//! Waits that a person ends: what was ambiguous, timers, events, pauses between attempts.

use std::time::Duration;

use onward_engine::{SettleError, Settling, settle};
use onward_workflows::RunId;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::{requests, wait_for_count, wait_for_requests};

const PARKED: &str = "select count(*) from onward.job where worker_id is null and due_at > onward.now()";
const SENDS: &str = "version: 1\nname: send\nsteps:\n  - {id: send, type: http.request, timeout: 200ms, config: {method: POST, url: 'http://shop.test/confirmations?fault=hang&times=1', body: {order: x}}}\n  - {id: after, type: value, config: '{{ steps.send.status }} {{ steps.send.output }}'}\n";

async fn by_dana(bed: &Bed, run: RunId, path: &str, settling: Settling) -> Result<(), SettleError> {
    settle(&bed.engine, run, path, settling, "dana").await
}

async fn ambiguous(bed: &Bed) -> RunId {
    let id = bed.deploy(SENDS).await;
    let run = bed.start(&id, json!({})).await;
    wait_for_count(bed, "select count(*) from onward.pending where kind = 'person'", 1).await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_step_is_completed_skipped_or_tried_again() {
    let bed = Bed::new().await;
    let _worker = bed.work(4);
    for (settling, output, sent) in
        [(Settling::Complete(json!("seen")), "succeeded seen", 1), (Settling::Skip, "skipped ", 2)]
    {
        let run = ambiguous(&bed).await;
        by_dana(&bed, run, "send", settling).await.expect("it waits for a person");
        let (status, said, error) = bed.ended(run).await;
        assert_eq!((status.as_str(), said.as_str()), ("succeeded", Some(output)), "{error}");
        assert_eq!(requests(&bed, "/confirmations"), sent, "nothing is sent again");
    }
    let run = ambiguous(&bed).await;
    by_dana(&bed, run, "send", Settling::Retry).await.expect("it waits for a person");
    wait_for_requests(&bed, "/confirmations", 4).await;
    let audit: Vec<(String, String, String, Value)> =
        sqlx::query_as("select actor, action, path, detail from onward.audit order by id")
            .fetch_all(bed.engine.pool())
            .await
            .expect("read the audit");
    let audit: Vec<_> = audit.iter().map(|(by, what, path, _)| (by.as_str(), what.as_str(), path.as_str())).collect();
    assert_eq!(audit, [("dana", "complete", "send"), ("dana", "skip", "send"), ("dana", "retry_step", "send")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_and_an_event_are_not_waited_for_any_longer() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: waits\nsteps:\n  - id: block\n    timeout: 9h\n    steps:\n      - {id: pause, needs: [], type: wait, config: {for: 5h}}\n      - {id: answer, needs: [], type: wait_for_event, timeout: 6h, config: {event: ping}}\n  - {id: said, type: value, config: ['{{ steps.pause.status }}', '{{ steps.answer.output }}']}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, PARKED, 1).await;
    let Err(SettleError::NotWaiting { mut waiting, .. }) = by_dana(&bed, run, "said", Settling::Skip).await else {
        panic!("it has not begun");
    };
    waiting.sort();
    assert_eq!(waiting, ["answer", "pause"]);
    assert!(matches!(by_dana(&bed, run, "block", Settling::Skip).await, Err(SettleError::NotWaiting { .. })));
    assert!(matches!(by_dana(&bed, run, "pause", Settling::Retry).await, Err(SettleError::NotRepeatable)));
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert!(matches!(by_dana(&bed, run, "pause", Settling::Complete(deep)).await, Err(SettleError::Output(_))));
    by_dana(&bed, run, "pause", Settling::Skip).await.expect("it waits");
    by_dana(&bed, run, "answer", Settling::Complete(json!({"by": "hand"}))).await.expect("it waits");
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!(["skipped", {"by": "hand"}])), "{error}");
    assert!(matches!(by_dana(&bed, run, "pause", Settling::Skip).await, Err(SettleError::Ended)));
    let none = bed.engine.new_run_id();
    assert!(matches!(by_dana(&bed, none, "pause", Settling::Skip).await, Err(SettleError::NotFound)));
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

const STUMBLES: &str = "version: 1\nname: stumbles\nsteps:\n  - {id: get, type: http.request, retry: {max: 3, delay: 1h, jitter: false}, config: {url: 'http://shop.test/orders/IL1?fault=503&times=1'}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_before_another_attempt_is_cut_short() {
    let bed = Bed::new().await;
    let id = bed.deploy(STUMBLES).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, PARKED, 1).await;
    by_dana(&bed, run, "get", Settling::Retry).await.expect("it pauses");
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(requests(&bed, "/orders/IL1"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_who_settle_at_once_one_wins() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: pause\nsteps: [{id: pause, type: wait, config: {for: 5h}}]\n").await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, PARKED, 1).await;
    let (one, other) = tokio::join!(
        by_dana(&bed, run, "pause", Settling::Complete(json!("dana"))),
        settle(&bed.engine, run, "pause", Settling::Complete(json!("omer")), "omer"),
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let winner = if one.is_ok() { "dana" } else { "omer" };
    let lost = one.err().or(other.err()).expect("one of them lost");
    assert!(matches!(lost, SettleError::Late | SettleError::Ended | SettleError::NotWaiting { .. }), "{lost}");
    assert_eq!(bed.ended(run).await.1, json!(winner));
    assert_eq!(bed.count("select count(*) from onward.audit").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_settled_while_a_worker_has_the_run() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: beside\nsteps:\n  - {id: slow, needs: [], type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?delay_ms=1500'}}\n  - {id: pause, needs: [], type: wait, config: {for: 5h}}\n  - {id: said, needs: [slow, pause], type: value, config: '{{ steps.pause.output }}'}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/orders/IL1", 1).await;
    by_dana(&bed, run, "pause", Settling::Complete(json!("by hand"))).await.expect("it waits");
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is not null").await, 1);
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!("by hand")), "{error}");
    assert_eq!(requests(&bed, "/orders/IL1"), 1);
}

/// A pause that its worker ends by itself, and a person at the same moment: the attempt counts, and is not made twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_wish_for_another_attempt_that_comes_while_it_is_made_changes_nothing() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: twice\nsteps:\n  - {id: beside, needs: [], type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL2?delay_ms=3000'}}\n  - {id: send, needs: [], type: http.request, timeout: 1m, retry: {max: 3, delay: 1500ms, jitter: false}, config: {method: POST, url: 'http://shop.test/confirmations?fault=503&times=1', body: {order: x}}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, "select count(*) from onward.checkpoint where status = 'retrying'", 1).await;
    by_dana(&bed, run, "send", Settling::Retry).await.expect("it pauses");
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(requests(&bed, "/confirmations"), 2);
    tokio::time::timeout(Duration::from_secs(1), wait_for_count(&bed, "select count(*) from onward.pending", 0))
        .await
        .expect("nothing is left");
}
