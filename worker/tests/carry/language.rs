//! What a document says and what then happens, with a database and a wire between the two.

use std::time::Duration;

use onward_testkit::standin::Received;
use onward_testkit::wait_until;
use serde_json::{Value, json};

use crate::bed::{Bed, Running, engine_on};

const DEADLINE: Duration = Duration::from_secs(20);
const PARKED: &str = "select count(*) from onward.job where worker_id is null and due_at > onward.now()";
const CHECKPOINTS: &str = "select count(*) from onward.checkpoint";

fn requests(bed: &Bed, path: &str) -> Vec<Received> {
    bed.shop.requests().into_iter().filter(|request| request.path == path).collect()
}

/// Once nobody carries anything, time passes; then another process takes over.
async fn later(bed: &Bed, worker: Running, by: Duration) -> Running {
    wait_until(DEADLINE, "the run to be parked", async || bed.count(PARKED).await == 1).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    bed.database.move_clock(by).await;
    bed.work_with(engine_on(&bed.database).await, 4)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_condition_is_false_sends_nothing_and_what_follows_can_tell() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: maybe\ninputs: {vip: {type: boolean}}\nsteps:\n  - {id: gift, type: http.request, if: inputs.vip, config: {url: 'http://shop.test/orders/IL1'}}\n  - {id: said, type: value, config: {status: '{{ steps.gift.status }}', output: '{{ steps.gift.output }}'}}\n")
        .await;
    let _worker = bed.work(4);
    let plain = bed.start(&id, json!({"vip": false})).await;
    assert_eq!(bed.ended(plain).await.1, json!({"status": "skipped", "output": null}));
    assert_eq!(requests(&bed, "/orders/IL1").len(), 0);

    let vip = bed.start(&id, json!({"vip": true})).await;
    let (status, output, error) = bed.ended(vip).await;
    assert_eq!((status.as_str(), &output["status"]), ("succeeded", &json!("succeeded")), "{error}");
    assert_eq!(requests(&bed, "/orders/IL1").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_run_out_and_each_has_sent_the_same_under_the_same_key() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: stubborn\nsteps:\n  - id: store\n    type: http.request\n    retry: {max: 2, delay: 10ms}\n    config: {method: PUT, url: 'http://shop.test/reports/today?fault=503', body: {at: '{{ now() }}', id: '{{ uuid() }}'}}\n  - {id: after, type: http.request, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["status"], &error["attempt"]), ("failed", &json!(503), &json!(3)), "{error}");
    let sent = requests(&bed, "/reports/today");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.key == sent[0].key && request.body == sent[0].body), "{sent:?}");
    assert_eq!(sent[0].key, Some(format!("{run}/store")));
    let rows: Vec<(i32, String)> =
        sqlx::query_as("select attempt, status::text from onward.checkpoint order by attempt")
            .fetch_all(bed.engine.pool())
            .await
            .expect("read the checkpoints");
    let rows: Vec<_> = rows.iter().map(|(attempt, status)| (*attempt, status.as_str())).collect();
    assert_eq!(rows, [(1, "retrying"), (2, "retrying"), (3, "failed")]);
    assert_eq!(requests(&bed, "/rates").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_for_all_attempts_is_counted_from_the_first_one_whoever_makes_the_last() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: patient\nsteps:\n  - id: get\n    type: http.request\n    retry: {max: 50, delay: 10m, max_delay: 1h, backoff: constant, jitter: false, within: 25m}\n    config: {url: 'http://shop.test/orders/IL1?fault=503'}\n")
        .await;
    let first = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let second = later(&bed, first, Duration::from_mins(10)).await;
    wait_until(DEADLINE, "the second attempt", async || requests(&bed, "/orders/IL1").len() == 2).await;
    assert_eq!(bed.end_of(run).await, None);
    let _third = later(&bed, second, Duration::from_mins(10)).await;
    let (status, _, error) = bed.ended(run).await;
    // A fourth would be due half an hour after the first.
    assert_eq!((status.as_str(), &error["attempt"]), ("failed", &json!(3)), "{error}");
    assert_eq!(requests(&bed, "/orders/IL1").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_step_fails_the_run_in_its_own_words() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: refuses\ninputs: {order: {type: string}}\nsteps:\n  - {id: no, type: fail, config: {message: 'order {{ inputs.order }} is closed', code: closed, details: {order: '{{ inputs.order }}'}}}\n  - {id: after, type: log, config: {message: never}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({"order": "IL5"})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("failed", Value::Null));
    assert_eq!((&error["message"], &error["code"]), (&json!("order IL5 is closed"), &json!("closed")));
    assert_eq!((&error["step"], &error["details"]), (&json!("no"), &json!({"order": "IL5"})), "{error}");
    assert_eq!(bed.count(CHECKPOINTS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_ends_the_run_while_a_step_beside_it_still_waits_for_its_answer() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: enough\nsteps:\n  - {id: slow, needs: [], type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang'}}\n  - {id: fast, needs: [], type: http.request, config: {url: 'http://shop.test/orders/IL2?delay_ms=200'}}\n  - {id: enough, needs: [fast], type: return, config: {value: {status: '{{ steps.fast.output.status }}'}}}\n  - {id: never, type: http.request, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!({"status": 200})), "{error}");
    assert_eq!((requests(&bed, "/orders/IL1").len(), requests(&bed, "/rates").len()), (1, 0));
    assert_eq!(bed.count(CHECKPOINTS).await, 1, "what was given up has come to nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_kept_and_its_step_has_no_output_before_and_after_a_resume() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: says\noutput: {before: '{{ steps.before.output.said }}', after: '{{ steps.say.output }}'}\nsteps:\n  - {id: say, type: log, config: {message: 'hi {{ run.id }}', level: warn, data: {n: 1}}}\n  - {id: before, type: value, config: {said: '{{ steps.say.output }}'}}\n  - {id: pause, type: wait, config: {for: 1h}}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let _later = later(&bed, worker, Duration::from_secs(3_601)).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!({"before": null, "after": null})), "{error}");
    let line: Value = sqlx::query_scalar("select output from onward.checkpoint where path = 'say'")
        .fetch_one(bed.engine.pool())
        .await
        .expect("one checkpoint");
    assert_eq!(line, json!({"level": "warn", "message": format!("hi {run}"), "data": {"n": 1}}));
}
