//! Ways to the end: side by side, past a failure, and through the handler of the whole document.

use serde_json::json;

use crate::bed::Bed;
use crate::{requests, wait_for_requests};

const CHECKPOINTS: &str = "select count(*) from onward.checkpoint";

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_need_nothing_run_side_by_side() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: beside\nsteps:\n  - {id: a, needs: [], type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang'}}\n  - {id: b, needs: [], type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL2?fault=hang'}}\n")
        .await;
    let _worker = bed.work(4);
    bed.start(&id, json!({})).await;
    wait_for_requests(&bed, "/orders/IL1", 1).await;
    wait_for_requests(&bed, "/orders/IL2", 1).await;
    assert_eq!(bed.count(CHECKPOINTS).await, 0, "neither has been answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_with_parallel_steps_gets_by_with_one_seat() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: narrow\nsteps:\n  - {id: a, needs: [], type: http.request, config: {url: 'http://shop.test/orders/IL1'}}\n  - {id: b, needs: [], type: http.request, config: {url: 'http://shop.test/orders/IL2'}}\n  - {id: c, needs: [], type: http.request, config: {url: 'http://shop.test/orders/IL3'}}\n")
        .await;
    let _worker = bed.work(1);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(bed.count(CHECKPOINTS).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_that_says_continue_does_not_stop_the_run() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: goes_on\nsteps:\n  - {id: a, type: http.request, on_error: continue, config: {url: 'http://shop.test/nowhere'}}\n  - {id: b, type: http.request, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!((requests(&bed, "/nowhere"), requests(&bed, "/rates")), (1, 1));
    assert_eq!(bed.count("select count(*) from onward.checkpoint where status = 'failed'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_on_error_tells_people_and_the_run_fails_all_the_same() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: tells\nsteps:\n  - {id: a, type: http.request, config: {url: 'http://shop.test/nowhere'}}\n  - {id: b, type: http.request, config: {url: 'http://shop.test/rates'}}\non_error:\n  - {id: tell, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/today', body: {step: '{{ error.step }}'}}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["step"], &error["status"]), ("failed", &json!("a"), &json!(404)), "{error}");
    assert_eq!(requests(&bed, "/rates"), 0);
    let told: Vec<_> = bed.shop.requests().into_iter().filter(|request| request.method == "PUT").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].body, br#"{"step":"a"}"#);
}
