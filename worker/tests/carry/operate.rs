//! What people do to runs: a failed run goes on, a run is run again.

use onward_engine::{Replay, ReplayError, ReplayVersion, RetryError, replay, retry};
use onward_workflows::{NotAgain, RunId};
use serde_json::{Value, json};

use crate::bed::Bed;

/// Requests for paths that begin like this.
fn requests(bed: &Bed, path: &str) -> usize {
    bed.shop.requests().iter().filter(|request| request.path.starts_with(path)).count()
}

async fn audited(bed: &Bed) -> Vec<(String, String, Option<String>)> {
    sqlx::query_as("select actor, action, path from onward.audit order by id")
        .fetch_all(bed.engine.pool())
        .await
        .expect("read the audit")
}

fn audit(actor: &str, action: &str, path: Option<&str>) -> (String, String, Option<String>) {
    (actor.to_owned(), action.to_owned(), path.map(str::to_owned))
}

const BREAKS: &str = "version: 1
name: breaks
inputs: {order: {type: string, default: IL1}}
steps:
  - {id: first, type: http.request, config: {url: 'http://shop.test/orders/{{ inputs.order }}'}}
  - {id: second, type: http.request, retry: {max: 1, delay: 1ms}, config: {method: PUT, url: 'http://shop.test/reports/day?fault=503&times=2'}}
  - {id: third, type: http.request, config: {url: 'http://shop.test/rates'}}
on_error:
  - {id: alarm, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/alarm'}}
finally:
  - {id: last, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/last'}}
output: done
";

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_with_the_step_that_failed_and_ends_anew() {
    let bed = Bed::new().await;
    let id = bed.deploy(BREAKS).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "failed");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports/day"), requests(&bed, "/rates")), (1, 2, 0));
    let again = retry(&bed.engine, run, None, "dana").await.expect("it can go on");
    assert_eq!(again, ["second"]);
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!("done")), "{error}");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports/day"), requests(&bed, "/rates")), (1, 3, 1));
    assert_eq!((requests(&bed, "/reports/alarm"), requests(&bed, "/reports/last")), (1, 2), "each end has its own");
    assert_eq!(audited(&bed).await, [audit("dana", "retry", None)]);
    assert!(matches!(retry(&bed.engine, run, None, "dana").await, Err(RetryError::NotFailed("succeeded"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_fails_again_can_be_retried_again() {
    let bed = Bed::new().await;
    let id = bed.deploy(&BREAKS.replace("times=2", "times=3")).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "failed");
    retry(&bed.engine, run, None, "dana").await.expect("it can go on");
    assert_eq!(bed.ended(run).await.0, "failed");
    assert_eq!(requests(&bed, "/reports/alarm"), 2, "the second end is told too");
    retry(&bed.engine, run, None, "dana").await.expect("it can go on");
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports/day")), (1, 4));
}

const EACH: &str = "version: 1
name: each
steps:
  - id: each
    foreach: {in: [0, 1, 2, 3], as: n, concurrency: 4}
    steps:
      - {id: get, type: http.request, config: {url: 'http://shop.test/orders/IL{{ n + 1 }}'}}
      - {id: put, type: http.request, retry: {max: 0}, config: {method: PUT, url: 'http://shop.test/reports/{{ n }}?fault={{ 503 if n >= 2 else 0 }}&times=1&delay_ms={{ 200 if n >= 2 else 0 }}'}}
    output: '{{ n }}'
output: '{{ steps.each.output }}'
";

#[tokio::test(flavor = "multi_thread")]
async fn one_item_of_a_loop_is_tried_again() {
    let bed = Bed::new().await;
    let id = bed.deploy(EACH).await;
    let _worker = bed.work(8);
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "failed");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports")), (4, 4));
    let nothing = retry(&bed.engine, run, Some("each[1]"), "dana").await.expect_err("that item has not failed");
    assert!(matches!(nothing, RetryError::NotAgain(NotAgain::NotThere(_))), "{nothing}");
    assert_eq!(bed.end_of(run).await.map(|end| end.0).as_deref(), Some("failed"), "a refusal changes nothing");
    let again = retry(&bed.engine, run, Some("each[2]"), "dana").await.expect("it can go on");
    assert_eq!(again, ["each[2].put"]);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["step"]), ("failed", &json!("each[3].put")), "the other one is still there");
    assert_eq!(retry(&bed.engine, run, None, "dana").await.expect("it can go on"), ["each[3].put"]);
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), output), ("succeeded", json!([0, 1, 2, 3])), "{error}");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports")), (4, 6));
    assert_eq!(audited(&bed).await, [audit("dana", "retry", Some("each[2]")), audit("dana", "retry", None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_repeated_goes_on_inside() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: repeats\nsteps:\n  - id: block\n    retry: {max: 1, delay: 1ms, if: 'true'}\n    steps:\n      - {id: a, type: http.request, config: {url: 'http://shop.test/orders/IL1'}}\n      - {id: b, type: http.request, retry: {max: 0}, config: {method: PUT, url: 'http://shop.test/reports/b?fault=503&times=1'}}\n  - {id: c, type: http.request, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "failed");
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports")), (2, 2));
    let again = retry(&bed.engine, run, None, "dana").await.expect("it can go on");
    let (status, _, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{again:?} {error}");
    assert_eq!(
        (requests(&bed, "/orders"), requests(&bed, "/reports"), requests(&bed, "/rates")),
        (2, 3, 1),
        "{again:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_undone_or_computed_or_has_not_failed_cannot_go_on() {
    let bed = Bed::new().await;
    let saga = bed
        .deploy("version: 1\nname: saga\nsteps:\n  - {id: reserve, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/stock'}, compensate: {type: log, config: {message: undone}}}\n  - {id: charge, type: http.request, config: {url: 'http://shop.test/orders/IL1?fault=400'}}\n")
        .await;
    let computed =
        bed.deploy("version: 1\nname: computed\nsteps: [{id: no, type: fail, config: {message: no}}]\n").await;
    let waits = bed.deploy("version: 1\nname: waits\nsteps: [{id: pause, type: wait, config: {for: 1h}}]\n").await;
    let _worker = bed.work(4);
    let (saga, computed) = (bed.start(&saga, json!({})).await, bed.start(&computed, json!({})).await);
    let waits = bed.start(&waits, json!({})).await;
    assert_eq!((bed.ended(saga).await.0, bed.ended(computed).await.0), ("failed".to_owned(), "failed".to_owned()));
    let refused = async |run| retry(&bed.engine, run, None, "dana").await.expect_err("it is refused");
    assert!(matches!(refused(saga).await, RetryError::NotAgain(NotAgain::Undone(path)) if path == "reserve~undo"));
    assert!(matches!(refused(computed).await, RetryError::NotAgain(NotAgain::Computed)));
    assert!(matches!(refused(waits).await, RetryError::NotFailed("under way")));
    assert!(matches!(refused(bed.engine.new_run_id()).await, RetryError::NotFound));
    assert_eq!(audited(&bed).await, []);
    assert_eq!(bed.end_of(saga).await.map(|end| end.0).as_deref(), Some("failed"));
    let wish = Replay { from: Some("charge".to_owned()), ..Replay::default() };
    let undone = replay(&bed.engine, saga, &wish, "dana").await.expect_err("the reservation is gone");
    assert!(matches!(undone, ReplayError::Undone(path) if path == "reserve~undo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_retries_at_once_one_wins() {
    let bed = Bed::new().await;
    let id = bed.deploy(BREAKS).await;
    let _worker = bed.work(4);
    for _ in 0..3 {
        let run = bed.start(&id, json!({"order": "IL2"})).await;
        assert_eq!(bed.ended(run).await.0, "failed");
        let (one, other) = tokio::join!(retry(&bed.engine, run, None, "dana"), retry(&bed.engine, run, None, "omer"));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let lost = one.err().or(other.err()).expect("one of them lost");
        assert!(matches!(lost, RetryError::Late | RetryError::NotFailed(_)), "{lost}");
        assert_eq!(bed.ended(run).await.0, "succeeded");
    }
}

async fn inputs(bed: &Bed, run: RunId) -> (i32, Value, Value) {
    sqlx::query_as("select version, inputs, trigger from onward.run where id = $1")
        .bind(run.0)
        .fetch_one(bed.engine.pool())
        .await
        .expect("read the run")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_run_again_with_its_inputs_or_others_on_its_version_or_the_newest() {
    let bed = Bed::new().await;
    let text = "version: 1\nname: again\ninputs: {n: {type: integer}}\nvariables: {tag: '{{ inputs.n * 2 }}'}\nsteps: [{id: a, type: value, config: 'v1 {{ inputs.n }} {{ variables.tag }}'}]\n";
    let id = bed.deploy(text).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({"n": 1})).await;
    assert_eq!(bed.ended(run).await.1, json!("v1 1 2"));
    bed.deploy(&text.replace("'v1 ", "'v2 ")).await;
    let again = async |wish: Replay| {
        let new = replay(&bed.engine, run, &wish, "dana").await.expect("it can be run again");
        assert_ne!(new, run);
        (new, bed.ended(new).await.1)
    };
    let (same, output) = again(Replay::default()).await;
    assert_eq!(output, json!("v1 1 2"));
    let (version, stored, trigger) = inputs(&bed, same).await;
    assert_eq!((version, stored, &trigger["replay_of"]), (1, json!({"n": 1}), &json!(run)));
    let edited = Replay { inputs: Some(json!({"n": 5})), ..Replay::default() };
    assert_eq!(again(edited.clone()).await.1, json!("v1 5 10"));
    let newest = Replay { version: ReplayVersion::Newest, ..edited };
    assert_eq!(again(newest).await.1, json!("v2 5 10"));
    assert_eq!(again(Replay { version: ReplayVersion::Number(2), ..Replay::default() }).await.1, json!("v2 1 2"));
    let wrong = Replay { inputs: Some(json!({"n": "five"})), ..Replay::default() };
    assert!(matches!(replay(&bed.engine, run, &wrong, "dana").await, Err(ReplayError::Refused(_))));
    let nowhere = Replay { from: Some("b".to_owned()), ..Replay::default() };
    let error = replay(&bed.engine, run, &nowhere, "dana").await.expect_err("there is no such step");
    assert!(matches!(error, ReplayError::NoStep { steps, .. } if steps == ["a"]));
    let none = bed.engine.new_run_id();
    assert!(matches!(replay(&bed.engine, none, &Replay::default(), "dana").await, Err(ReplayError::NotFound)));
    assert_eq!(audited(&bed).await, vec![audit("dana", "replay", None); 4]);
}

const STAGES: &str = "version: 1
name: stages
steps:
  - {id: say, type: log, config: {message: hi}}
  - id: block
    parallel: true
    steps:
      - {id: in1, type: http.request, config: {url: 'http://shop.test/orders/IL1'}}
      - {id: in2, type: http.request, config: {url: 'http://shop.test/orders/IL2'}}
  - id: each
    foreach: {in: [3, 4], as: n}
    steps: [{id: get, type: http.request, config: {url: 'http://shop.test/orders/IL{{ n }}'}}]
    output: '{{ steps.get.output.body.id }}'
  - {id: bad, type: http.request, config: {url: 'http://shop.test/orders/none'}, on_error: continue}
  - {id: put, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/day', body: {ids: '{{ steps.each.output }}', first: '{{ steps.in1.output.body.id }}', bad: '{{ steps.bad.status }}'}}}
output: '{{ steps.put.output.body }}'
";

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_from_a_step_takes_over_what_came_before_it() {
    let bed = Bed::new().await;
    let id = bed.deploy(STAGES).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &output["ids"]), ("succeeded", &json!(["IL3", "IL4"])), "{error}");
    let wish = |from: &str| Replay { from: Some(from.to_owned()), ..Replay::default() };
    let before = requests(&bed, "/orders");
    let new = replay(&bed.engine, run, &wish("put"), "dana").await.expect("it can be run again");
    let (status, repeated, error) = bed.ended(new).await;
    assert_eq!((status.as_str(), &repeated), ("succeeded", &output), "{error}");
    assert_eq!(
        (requests(&bed, "/orders"), requests(&bed, "/reports")),
        (before, 2),
        "only the last step is done again"
    );
    let new = replay(&bed.engine, run, &wish("each"), "dana").await.expect("it can be run again");
    assert_eq!(bed.ended(new).await.1, output);
    assert_eq!((requests(&bed, "/orders"), requests(&bed, "/reports")), (before + 3, 3));
    let steps = onward_engine::read_steps(&bed.engine, new).await.expect("they can be read").expect("there is a run");
    assert!(steps.iter().any(|step| step.path == "in2" && step.attempts == 1), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_from_after_the_step_that_failed_does_that_step_again() {
    let bed = Bed::new().await;
    let id = bed.deploy(BREAKS).await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "failed");
    let wish = Replay { from: Some("third".to_owned()), ..Replay::default() };
    let new = replay(&bed.engine, run, &wish, "dana").await.expect("it can be run again");
    bed.ended(new).await;
    assert_eq!(requests(&bed, "/orders"), 1);
    assert!(requests(&bed, "/reports/day") > 2);
}
