//! Concurrency and rates, of steps and of runs, over several workers.

use std::time::Duration;

use onward_testkit::wait_until;
use serde_json::{Value, json};

use crate::bed::{Bed, engine_on};

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_slot_lets_so_many_in_at_once_and_everybody_in_the_end() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: slots\nsteps:\n  - {id: get, type: http.request, concurrency: {key: shop, limit: 2}, config: {url: 'http://shop.test/orders/IL1?delay_ms=100'}}\n")
        .await;
    let (_one, _two) = (bed.work(8), bed.work_with(engine_on(&bed.database).await, 8));
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(bed.start(&id, json!({})).await);
    }
    for run in runs {
        let (status, _, error) = bed.ended(run).await;
        assert_eq!(status, "succeeded", "{error}");
    }
    assert!((1..=2).contains(&bed.shop.most_at_once("/orders/IL1")));
    wait_until(DEADLINE, "the slots to be free", async || bed.count("select count(*) from onward.slot").await == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_one_key_follow_one_another() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: one\ninputs: {who: {type: string}}\nconcurrency: {key: '{{ inputs.who }}', limit: 1}\nsteps:\n  - {id: get, type: http.request, config: {url: 'http://shop.test/orders/{{ inputs.who }}?delay_ms=100'}}\n")
        .await;
    let _worker = bed.work(8);
    let mut runs = Vec::new();
    for who in ["a1", "a1", "a1", "b1"] {
        runs.push(bed.start(&id, json!({ "who": who })).await);
    }
    for run in &runs {
        assert_eq!(bed.ended(*run).await.0, "succeeded");
    }
    assert_eq!(bed.shop.most_at_once("/orders/a1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_too_many_is_skipped_or_replaces_the_one_at_work() {
    let bed = Bed::new().await;
    let document = |overflow: &str| {
        format!(
            "version: 1\nname: {overflow}\nconcurrency: {{limit: 1, overflow: {overflow}}}\nsteps:\n  - {{id: pause, type: wait, config: {{for: 5h}}}}\n"
        )
    };
    let (skip, replace) = (bed.deploy(&document("skip")).await, bed.deploy(&document("replace")).await);
    let _worker = bed.work(8);
    let waiting = "select count(*) from onward.pending where kind = 'timer'";
    bed.start(&skip, json!({})).await;
    wait_until(DEADLINE, "the first one to wait", async || bed.count(waiting).await == 1).await;
    let (status, _, error) = bed.ended(bed.start(&skip, json!({})).await).await;
    assert_eq!((status.as_str(), &error["kind"]), ("canceled", &json!("canceled")));

    let old = bed.start(&replace, json!({})).await;
    wait_until(DEADLINE, "the old one to wait", async || bed.count(waiting).await == 2).await;
    let new = bed.start(&replace, json!({})).await;
    assert_eq!(bed.ended(old).await.0, "canceled");
    wait_until(DEADLINE, "the new one to wait", async || bed.count(waiting).await == 2).await;
    assert!(bed.end_of(new).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_spreads_what_is_too_fast_and_loses_nothing() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: rates\nsteps:\n  - id: each\n    foreach: {in: [1, 2, 3, 4, 5, 6], concurrency: 6}\n    type: http.request\n    rate_limit: {key: shop, limit: 2, per: 1s}\n    config: {url: 'http://shop.test/orders/IL{{ item }}'}\n")
        .await;
    let _worker = bed.work(8);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), error), ("succeeded", Value::Null));
    let took = bed.count("select (extract(epoch from finished_at - created_at) * 1000)::int8 from onward.run").await;
    assert!((1_900..6_000).contains(&took), "six requests at two a second took {took} ms");
    assert_eq!(bed.shop.requests().len(), 6);
}
