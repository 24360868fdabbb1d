//! Runs that wait for something outside: events, other runs, and what starts from events.

use std::time::Duration;

use onward_engine::{NewEvent, cancel, cancel_and_undo, send_event};
use onward_testkit::wait_until;
use onward_workflows::RunId;
use serde_json::{Value, json};

use crate::bed::Bed;

const DEADLINE: Duration = Duration::from_secs(20);
const LISTENING: &str = "select count(*) from onward.pending p join onward.job j on j.run_id = p.run_id
    where p.kind = 'event' and j.worker_id is null and j.due_at > onward.now()";

fn event(bed: &Bed, name: &str, key: Option<&str>, data: Value) -> NewEvent {
    let id = bed.engine.new_event_id();
    NewEvent { id, name: name.to_owned(), key: key.map(str::to_owned), data, depth: 0, run: None }
}

async fn send(bed: &Bed, name: &str, key: Option<&str>, data: Value) -> onward_engine::Emitted {
    send_event(&bed.engine, &event(bed, name, key, data)).await.expect("the event is stored")
}

async fn listening(bed: &Bed, runs: i64) {
    wait_until(DEADLINE, "the runs to listen", async || bed.count(LISTENING).await == runs).await;
}

const ASKS: &str = "version: 1\nname: asks\ninputs: {order: {type: string}}\nsteps:\n  - id: answer\n    type: wait_for_event\n    timeout: 24h\n    config: {event: order.approval, key: '{{ inputs.order }}', where: event.data.sure}\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_wakes_the_run_that_waits_for_its_key_and_no_other() {
    let bed = Bed::new().await;
    let id = bed.deploy(ASKS).await;
    let _worker = bed.work(4);
    let (first, second) = (bed.start(&id, json!({"order": "A"})).await, bed.start(&id, json!({"order": "B"})).await);
    listening(&bed, 2).await;
    assert_eq!(send(&bed, "order.other", Some("A"), json!({"sure": true})).await.woke, 0);
    assert_eq!(send(&bed, "order.approval", Some("A"), json!({"sure": false})).await.woke, 1);
    listening(&bed, 2).await;
    assert_eq!(send(&bed, "order.approval", Some("A"), json!({"sure": true, "by": "dana"})).await.woke, 1);
    let (status, output, error) = bed.ended(first).await;
    assert_eq!(
        (status.as_str(), &output["data"]["by"], &output["key"]),
        ("succeeded", &json!("dana"), &json!("A")),
        "{error}"
    );
    assert!(bed.end_of(second).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_came_before_the_wait_counts_and_is_used_once() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: late\nsteps:\n  - {id: pause, type: wait, config: {for: 1h}}\n  - {id: one, type: wait_for_event, timeout: 24h, config: {event: ping}}\n  - {id: two, type: wait_for_event, timeout: 24h, config: {event: ping}}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_until(DEADLINE, "the run to be parked", async || {
        bed.count("select count(*) from onward.pending where kind = 'timer'").await == 1
    })
    .await;
    send(&bed, "ping", None, json!(1)).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    bed.database.move_clock(Duration::from_secs(3_601)).await;
    let _worker = bed.work_with(crate::bed::engine_on(&bed.database).await, 4);
    wait_until(DEADLINE, "the first event to be used", async || {
        bed.count("select count(*) from onward.checkpoint where path = 'one'").await == 1
    })
    .await;
    listening(&bed, 1).await;
    assert!(bed.end_of(run).await.is_none());
    send(&bed, "ping", Some("any"), json!(2)).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &output["data"]), ("succeeded", &json!(2)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_never_comes_is_a_time_out() {
    let bed = Bed::new().await;
    let id = bed.deploy(ASKS).await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({"order": "A"})).await;
    listening(&bed, 1).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");
    bed.database.move_clock(Duration::from_secs(24 * 3_600 + 1)).await;
    let _worker = bed.work_with(crate::bed::engine_on(&bed.database).await, 4);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["kind"]), ("failed", &json!("timeout")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emitted_event_wakes_waiting_runs_and_starts_others() {
    let bed = Bed::new().await;
    let waits = bed.deploy(ASKS).await;
    bed.deploy("version: 1\nname: follows\ntriggers:\n  - {type: event, config: {event: 'order.*'}, if: trigger.data.sure, inputs: {who: '{{ trigger.data.by }}', gone: '{{ trigger.data.nothing }}'}}\ninputs: {who: {type: string}, gone: {type: string, default: none}}\nsteps:\n  - {id: say, type: value, config: '{{ inputs.who ~ inputs.gone }}'}\n").await;
    let sends = bed
        .deploy("version: 1\nname: sends\nsteps:\n  - {id: tell, type: emit, config: {event: order.approval, key: A, data: {sure: true, by: dana}}}\n")
        .await;
    let _worker = bed.work(4);
    let waiting = bed.start(&waits, json!({"order": "A"})).await;
    listening(&bed, 1).await;
    let sending = bed.start(&sends, json!({})).await;
    let (status, output, error) = bed.ended(sending).await;
    assert_eq!((status.as_str(), &output["woke"], &output["started"]), ("succeeded", &json!(1), &json!(1)), "{error}");
    assert_eq!(bed.ended(waiting).await.0, "succeeded");
    let started: uuid::Uuid = sqlx::query_scalar("select id from onward.run where workflow = 'follows'")
        .fetch_one(bed.engine.pool())
        .await
        .expect("one run was started");
    assert_eq!(bed.ended(RunId(started)).await.1, json!("dananone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_start_each_other_come_to_an_end() {
    let bed = Bed::new().await;
    bed.deploy("version: 1\nname: echo\ntriggers: [{type: event, config: {event: echo}}]\nsteps:\n  - {id: again, type: emit, config: {event: echo, data: {}}}\n").await;
    let _worker = bed.work(4);
    send(&bed, "echo", None, json!({})).await;
    wait_until(DEADLINE, "the chain to end", async || {
        bed.count("select count(*) from onward.event where depth = 21 and started = 0").await == 1
    })
    .await;
    assert_eq!(bed.count("select count(*) from onward.run").await, 21);
}

const SHIPS: &str = "version: 1\nname: ships\ninputs: {order: {type: string}}\nsteps:\n  - {id: pause, type: wait, config: {for: 3s}}\n  - {id: done, type: value, config: {tracking: '{{ \"T-\" ~ inputs.order }}'}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_called_workflow_gives_its_output_and_its_failure() {
    let bed = Bed::new().await;
    bed.deploy(SHIPS).await;
    bed.deploy("version: 1\nname: breaks\nsteps:\n  - {id: no, type: fail, config: {message: broken}}\n").await;
    let calls = bed
        .deploy("version: 1\nname: calls\nsteps:\n  - {id: ship, type: call, config: {workflow: ships, input: {order: IL1}}}\n  - {id: bad, type: call, config: {workflow: breaks}, on_error: [{id: said, type: value, config: '{{ error.message }}'}]}\n  - {id: wrong, type: call, config: {workflow: ships, input: {order: 5}}, on_error: continue}\n  - {id: both, type: value, config: ['{{ steps.ship.output.tracking }}', '{{ steps.bad.output }}', '{{ steps.wrong.status }}']}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&calls, json!({})).await;
    let (status, output, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(output[0], json!("T-IL1"));
    assert!(output[1].as_str().is_some_and(|text| text.ends_with("failed: broken")), "{output}");
    assert_eq!(output[2], json!("failed"));
    assert_eq!(bed.count("select count(*) from onward.run where parent_run_id is not null").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_goes_down_and_undoes_when_asked() {
    let bed = Bed::new().await;
    bed.deploy("version: 1\nname: long\nsteps:\n  - {id: pause, type: wait, config: {for: 5h}}\n").await;
    let calls = bed
        .deploy("version: 1\nname: calls\nsteps:\n  - {id: reserve, type: value, config: 1, compensate: {type: log, config: {message: undone}}}\n  - {id: child, type: call, config: {workflow: long}}\nfinally:\n  - {id: last, type: log, config: {message: '{{ run.status }} {{ run.compensated | join }}'}}\n")
        .await;
    let _worker = bed.work(4);
    let (kept, undone) = (bed.start(&calls, json!({})).await, bed.start(&calls, json!({})).await);
    wait_until(DEADLINE, "the callers to wait", async || {
        bed.count("select count(*) from onward.pending where kind = 'child'").await == 2
    })
    .await;
    cancel(&bed.engine, kept).await.expect("it can be canceled");
    cancel_and_undo(&bed.engine, undone).await.expect("it can be canceled");
    assert_eq!((bed.ended(kept).await.0.as_str(), bed.ended(undone).await.0.as_str()), ("canceled", "canceled"));
    wait_until(DEADLINE, "the children to end", async || {
        bed.count("select count(*) from onward.run where workflow = 'long' and status = 'canceled'").await == 2
    })
    .await;
    let lines = async |run: RunId| {
        sqlx::query_as::<_, (String, Value)>(
            "select path, output from onward.checkpoint where run_id = $1 order by finished_at",
        )
        .bind(run.0)
        .fetch_all(bed.engine.pool())
        .await
        .expect("read the lines")
        .into_iter()
        .map(|(path, line)| format!("{path}: {}", line["message"].as_str().unwrap_or_default()))
        .collect::<Vec<_>>()
    };
    assert_eq!(lines(kept).await, ["last: canceled "]);
    assert_eq!(lines(undone).await, ["reserve~undo: undone", "last: canceled reserve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_undoes_what_it_did_when_a_later_step_fails() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: saga\nsteps:\n  - id: reserve\n    parallel: true\n    steps:\n      - {id: stock, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/stock'}, compensate: {type: http.request, config: {method: PUT, url: 'http://shop.test/reports/stock-{{ output.status }}'}}}\n      - {id: slot, type: http.request, config: {method: PUT, url: 'http://shop.test/reports/slot'}, compensate: {type: http.request, config: {method: PUT, url: 'http://shop.test/reports/no-slot'}}}\n  - {id: charge, type: fail, config: {message: declined}}\non_error:\n  - {id: tell, type: log, config: {message: '{{ error.message }}; undone: {{ run.compensated | sort | join(\", \") }}'}}\n")
        .await;
    let _worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["message"]), ("failed", &json!("declined")), "{error}");
    let said: Value = sqlx::query_scalar("select output from onward.checkpoint where run_id = $1 and path = 'tell'")
        .bind(run.0)
        .fetch_one(bed.engine.pool())
        .await
        .expect("on_error ran");
    assert_eq!(said["message"], json!("declined; undone: slot, stock"));
    let mut sent: Vec<String> =
        bed.shop.requests().into_iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    sent.sort();
    assert_eq!(sent, ["PUT /reports/no-slot", "PUT /reports/slot", "PUT /reports/stock", "PUT /reports/stock-200"]);
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_sends_each_item_once_and_goes_on_after_a_crash() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: loops\nsteps:\n  - id: each\n    foreach: {in: [1, 2, 3, 4, 5, 6], as: n, concurrency: 2}\n    if: n != 3\n    steps:\n      - {id: get, type: http.request, config: {url: 'http://shop.test/orders/IL{{ n }}'}}\n      - {id: pause, type: wait, config: {for: '{{ \"1h\" if n == 4 else \"1ms\" }}'}}\n    output: '{{ n * 10 }}'\n  - {id: last, type: value, config: ['{{ steps.each.output }}', '{{ steps.each.items | map(attribute=\"status\") | list }}']}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_until(DEADLINE, "the fourth item to wait", async || {
        bed.count("select count(*) from onward.job where worker_id is null and due_at > onward.now()").await == 1
            && bed.count("select count(*) from onward.checkpoint where path = 'each[5]'").await == 1
    })
    .await;
    worker.kill.cancel();
    worker.task.await.expect("the worker is gone");
    bed.database.move_clock(Duration::from_secs(3_700)).await;
    let _worker = bed.work_with(crate::bed::engine_on(&bed.database).await, 4);
    let (status, output, error) = bed.ended(run).await;
    assert_eq!(status, "succeeded", "{error}");
    assert_eq!(output[0], json!([10, 20, null, 40, 50, 60]));
    assert_eq!(output[1], json!(["succeeded", "succeeded", "skipped", "succeeded", "succeeded", "succeeded"]));
    let sent = bed.shop.requests().len();
    assert_eq!(sent, 5, "each item once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_reused_while_it_is_fresh() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: rates\ninputs: {n: {type: integer}}\nsteps:\n  - {id: get, type: http.request, cache: 1h, config: {url: 'http://shop.test/rates?n={{ inputs.n }}'}}\n  - {id: key, type: http.request, cache: {ttl: 1h, key: any}, config: {url: 'http://shop.test/rates?m={{ inputs.n }}'}}\n")
        .await;
    let _worker = bed.work(4);
    for (n, requests) in [(1, 2), (1, 2), (2, 3)] {
        let run = bed.start(&id, json!({"n": n})).await;
        let (status, _, error) = bed.ended(run).await;
        assert_eq!(status, "succeeded", "{error}");
        assert_eq!(bed.shop.requests().len(), requests);
    }
}
