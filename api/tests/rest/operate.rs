//! What people do to runs over the API: going on, running again, settling, cancelling.

use onward_engine::Scope;
use onward_testkit::wait_until;
use serde_json::{Value, json};

use crate::carried::{Carried, run_of};
use crate::server::Answer;

const BREAKS: &str = "\
version: 1
name: breaks
inputs: { order: { type: string, default: IL1 } }
steps:
  - { id: first, type: http.request, config: { url: 'http://shop.test/orders/{{ inputs.order }}' } }
  - { id: second, type: http.request, retry: { max: 0 }, config: { method: PUT, url: 'http://shop.test/reports/{{ inputs.order }}?fault=503&times=1' } }
output: done
";
const WAITS: &str = "\
version: 1
name: waits
steps:
  - id: each
    foreach: { in: [a, b], as: letter, concurrency: 2 }
    steps: [{ id: pause, type: wait, config: { for: 5h } }]
  - { id: said, type: value, config: '{{ steps.each.items | map(attribute=\"status\") | list }}' }
";

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

async fn started(bed: &Carried, workflow: &str, inputs: Value, status: &str) -> String {
    let run = run_of(&bed.server.post(&format!("/workflows/{workflow}/runs"), &json!({ "inputs": inputs })).await);
    bed.in_status(&run, status).await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_and_is_run_again() {
    let bed = Carried::start().await;
    bed.deploy(BREAKS).await;
    let run = started(&bed, "breaks", json!({}), "failed").await;
    let retry = format!("/runs/{run}/retry");
    let nothing = bed.server.post(&retry, &json!({ "only": "first" })).await;
    assert_eq!((code(&nothing), &nothing.body["why"]), ((409, "run_not_repeatable"), &json!("not_there")));
    let again = bed.server.post(&retry, &json!({})).await;
    let expected = json!({ "id": run, "again": ["second"], "url": format!("/api/v1/runs/{run}") });
    assert_eq!((again.status, &again.body), (202, &expected));
    bed.in_status(&run, "succeeded").await;
    assert_eq!(code(&bed.server.post(&retry, &json!({})).await), (409, "run_not_failed"));

    let replay = format!("/runs/{run}/replay");
    let new = bed.server.post(&replay, &json!({ "inputs": { "order": "IL2" } })).await;
    let id = run_of(&new);
    assert_eq!((&new.body["id"], &new.body["replay_of"]), (&json!(id), &json!(run)));
    let shown = bed.in_status(&id, "failed").await;
    assert_eq!((&shown["inputs"]["order"], &shown["trigger"]["replay_of"]), (&json!("IL2"), &json!(run)));
    let before = bed.shop.requests().len();
    let from = run_of(&bed.server.post(&replay, &json!({ "from": "second", "version": "latest" })).await);
    // The shop refuses the first call of each run.
    bed.in_status(&from, "failed").await;
    assert_eq!(bed.shop.requests().len(), before + 1, "what comes before it was taken over");
    for (body, expected) in [
        (json!({ "from": "third" }), (422, "invalid_request")),
        (json!({ "inputs": { "order": 5 } }), (422, "invalid_inputs")),
        (json!({ "version": 7 }), (404, "not_found")),
        (json!({ "version": "newest" }), (422, "invalid_request")),
        (json!({ "step": "second" }), (422, "invalid_request")),
    ] {
        assert_eq!(code(&bed.server.post(&replay, &body).await), expected, "{body}");
    }
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_step_is_settled_by_the_path_that_is_shown() {
    let bed = Carried::start().await;
    bed.deploy(WAITS).await;
    let run = started(&bed, "waits", json!({}), "waiting").await;
    let at = |path: &str, verb: &str| format!("/runs/{run}/steps/{path}/{verb}");
    let refused = bed.server.post(&at("said", "skip"), &json!({})).await;
    assert_eq!(code(&refused), (409, "step_not_waiting"));
    assert_eq!(refused.body["waiting"], json!(["each[0].pause", "each[1].pause"]), "{}", refused.body);
    // `#`, `/` and `~` of other paths arrive as they are, too.
    let odd = bed.server.post(&at("a%5B1%5D%232%2Fb~undo", "skip"), &json!({})).await;
    assert!(odd.body["detail"].as_str().is_some_and(|text| text.contains("`a[1]#2/b~undo`")), "{}", odd.body);
    let retry = bed.server.post(&at("each%5B0%5D.pause", "retry"), &json!({})).await;
    assert_eq!(code(&retry), (409, "step_not_repeatable"));
    let done = bed.server.post(&at("each%5B0%5D.pause", "complete"), &json!({ "output": { "by": "hand" } })).await;
    assert_eq!(
        (done.status, &done.body["path"], &done.body["settled"]),
        (202, &json!("each[0].pause"), &json!("completed"))
    );
    // Brackets need no escape.
    let skipped = bed.server.post(&at("each[1].pause", "skip"), &json!({})).await;
    assert_eq!((skipped.status, &skipped.body["settled"]), (202, &json!("skipped")), "{}", skipped.body);
    let shown = bed.in_status(&run, "succeeded").await;
    assert_eq!(shown["steps"][0]["items"]["total"], 2, "{}", shown["steps"]);
    assert_eq!(code(&bed.server.post(&at("each[1].pause", "skip"), &json!({})).await), (409, "run_already_ended"));
    let none = "/runs/run_00000000000000000000000000/steps/a/skip";
    assert_eq!(code(&bed.server.post(none, &json!({})).await), (404, "not_found"));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_step_is_tried_again() {
    let bed = Carried::start().await;
    bed.deploy("version: 1\nname: send\nsteps: [{ id: send, type: http.request, timeout: 200ms, config: { method: POST, url: 'http://shop.test/confirmations?fault=hang&times=1', body: { order: x } } }]\n").await;
    let run = started(&bed, "send", json!({}), "waiting").await;
    let shown = bed.server.get(&format!("/runs/{run}")).await;
    assert_eq!(shown.body["waiting_for"][0]["kind"], "person", "{}", shown.body);
    assert_eq!(bed.server.post(&format!("/runs/{run}/steps/send/retry"), &json!({})).await.status, 202);
    bed.in_status(&run, "succeeded").await;
    assert_eq!(bed.shop.requests().len(), 2);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_undoes_when_asked_and_says_what_could_not_be_undone() {
    let bed = Carried::start().await;
    bed.deploy("version: 1\nname: saga\nsteps:\n  - { id: reserve, type: value, config: 1, compensate: { type: http.request, retry: { max: 0 }, config: { method: PUT, url: 'http://shop.test/reports/no?fault=400' } } }\n  - { id: answer, type: wait_for_event, timeout: 5h, config: { event: order.answer, key: IL1 } }\n").await;
    let run = started(&bed, "saga", json!({}), "waiting").await;
    let waits = bed.server.get(&format!("/runs/{run}")).await.body["waiting_for"].clone();
    assert_eq!((&waits[0]["name"], &waits[0]["key"]), (&json!("order.answer"), &json!("IL1")), "{waits}");
    let canceled = bed.server.post(&format!("/runs/{run}/cancel"), &json!({ "undo": true, "reason": "a test" })).await;
    assert_eq!(canceled.status, 202, "{}", canceled.body);
    let shown = bed.in_status(&run, "canceled").await;
    assert_eq!(shown["not_undone"], json!(["reserve"]), "{shown}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_called_run_is_named_by_who_waits_for_it_and_operators_need_their_scope() {
    let bed = Carried::start().await;
    bed.deploy(WAITS).await;
    bed.deploy("version: 1\nname: calls\nsteps: [{ id: child, type: call, config: { workflow: waits } }]\n").await;
    let run = started(&bed, "calls", json!({}), "waiting").await;
    let mut wait = Value::Null;
    wait_until(std::time::Duration::from_secs(20), "the child to be named", async || {
        wait = bed.server.get(&format!("/runs/{run}")).await.body["waiting_for"][0].clone();
        wait["kind"] == "child"
    })
    .await;
    let child = wait["run_id"].as_str().expect("the child has an id");
    assert_eq!(bed.server.get(&format!("/runs/{child}")).await.body["workflow"], "waits");
    let reader = bed.server.make_key(&[Scope::RunsRead]).await;
    for path in ["retry", "replay", "cancel", "steps/child/skip"] {
        let headers = [("x-api-key", reader.as_str())];
        let refused = bed.server.raw("POST", &format!("/api/v1/runs/{run}/{path}"), &headers, b"").await;
        assert_eq!((code(&refused), &refused.body["scope"]), ((403, "missing_scope"), &json!("runs:write")), "{path}");
    }
    bed.stop().await;
}
