//! Webhooks whose document says who may call how, what becomes of the body, and what the caller gets.

use std::time::Duration;

use onward_api::Settings;
use serde_json::{Value, json};

use crate::carried::{Carried, run_of};
use crate::server::{Answer, Server};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A document with this trigger, fields and steps.
fn document(config: &Value, more: &Value) -> Value {
    let mut document = json!({
        "version": 1, "name": "hook", "triggers": [{ "type": "webhook", "config": config }],
        "steps": [{ "id": "say", "type": "log", "config": { "message": "hi" } }],
    });
    for (name, value) in more.as_object().expect("fields").clone() {
        document[name] = value;
    }
    document
}

async fn with(config: Value, more: Value) -> Server {
    let server = Server::start().await;
    let made = server.post("/workflows", &document(&config, &more)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    server
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

const ANSWERS: &str = "\
version: 1
name: answers
triggers: [{ type: webhook, config: { endpoint: answers, respond: result, respond_timeout: RESPOND } }]
inputs: { n: { type: integer }, pause: { type: string, default: 1ms } }
steps:
  - { id: rest, type: wait, config: { for: '{{ inputs.pause }}' } }
  - { id: no, type: fail, if: inputs.n < 0, config: { message: '{{ inputs.n }} is too small', code: small } }
output: { double: '{{ inputs.n * 2 }}' }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_the_output_of_its_run_or_where_to_look_for_it() {
    let bed = Carried::start().await;
    bed.deploy(&ANSWERS.replace("RESPOND", "5s")).await;
    let done = bed.server.post("/triggers/answers", &json!({ "n": 4 })).await;
    assert_eq!((done.status, &done.body), (200, &json!({ "double": 8 })));
    assert!(done.header("location").is_some_and(|place| place.starts_with("/api/v1/runs/run_")), "{}", done.head);
    let failed = bed.server.post("/triggers/answers", &json!({ "n": -1 })).await;
    assert_eq!(code(&failed), (502, "run_failed"), "{}", failed.body);
    assert_eq!(failed.body["detail"], "-1 is too small");
    let run = failed.body["run_id"].as_str().expect("the run is named");
    assert_eq!(bed.server.get(&format!("/runs/{run}")).await.body["status"], "failed");

    let key = ("idempotency-key", "one");
    let body = br#"{"n":5}"#;
    let first = bed.server.send("POST", "/triggers/answers", &[JSON, key], body).await;
    let again = bed.server.send("POST", "/triggers/answers", &[JSON, key], body).await;
    assert_eq!((first.status, again.status, &first.body), (200, 200, &again.body));
    assert_eq!(
        (first.header("location"), again.header("idempotency-replayed")),
        (again.header("location"), Some("true"))
    );
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_longer_is_accepted() {
    let bed = Carried::start().await;
    bed.deploy(&ANSWERS.replace("RESPOND", "1s")).await;
    let late = bed.server.post("/triggers/answers", &json!({ "n": 1, "pause": "1h" })).await;
    assert_eq!((late.status, &late.body["status"]), (202, &json!("accepted")), "{}", late.body);
    bed.in_status(&run_of(&late), "waiting").await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_take_longer_than_the_database_may() {
    let settings = Settings { answer_timeout: Duration::from_millis(900), ..Settings::default() };
    let bed = Carried::start_with(settings).await;
    bed.deploy(&ANSWERS.replace("RESPOND", "10s")).await;
    let done = bed.server.post("/triggers/answers", &json!({ "n": 3, "pause": "1800ms" })).await;
    assert_eq!((done.status, &done.body), (200, &json!({ "double": 6 })));
    bed.stop().await;
}

#[tokio::test]
async fn a_fixed_answer_is_given_as_it_is_written() {
    let respond = json!({ "status": 201, "body": { "ok": true }, "headers": { "x-shop": "yes" } });
    let server = with(json!({ "endpoint": "hook", "respond": respond }), json!({})).await;
    let answer = server.post("/triggers/hook", &json!({})).await;
    assert_eq!((answer.status, &answer.body, answer.header("x-shop")), (201, &json!({ "ok": true }), Some("yes")));
    assert_eq!(server.count("select count(*) from onward.run").await, 1);
}

#[tokio::test]
async fn a_method_that_the_document_does_not_name_is_refused() {
    let server = with(json!({ "endpoint": "hook", "methods": ["GET", "PUT"] }), json!({})).await;
    assert_eq!(server.get("/triggers/hook?a=1").await.status, 202);
    assert_eq!(server.send("PUT", "/triggers/hook", &[JSON], b"{}").await.status, 202);
    let refused = server.post("/triggers/hook", &json!({})).await;
    assert_eq!((code(&refused), refused.header("allow")), ((405, "method_not_allowed"), Some("GET, PUT")));
    assert_eq!(server.count("select count(*) from onward.run").await, 2);
    assert_eq!(
        server
            .count("select count(*) from onward.run where trigger->'query'->>'a' = '1' and trigger->>'method' = 'GET'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_request_that_the_trigger_does_not_want_starts_nothing() {
    let trigger =
        json!([{ "type": "webhook", "if": "trigger.body.kind == 'order'", "config": { "endpoint": "hook" } }]);
    let server = with(json!({}), json!({ "triggers": trigger })).await;
    let filtered = server.post("/triggers/hook", &json!({ "kind": "visit" })).await;
    assert_eq!((filtered.status, &filtered.body["status"]), (202, &json!("filtered")));
    assert_eq!(server.count("select count(*) from onward.run").await, 0);
    assert_eq!(server.post("/triggers/hook", &json!({ "kind": "order" })).await.body["status"], "accepted");
    let broken = server.post("/triggers/hook", &json!([1])).await;
    assert_eq!(code(&broken), (422, "invalid_inputs"), "{}", broken.body);
}

#[tokio::test]
async fn inputs_are_taken_from_where_the_trigger_says() {
    let inputs = json!({ "order": "{{ trigger.body.data.id }}", "lang": "{{ trigger.body.data.lang }}", "by": "{{ trigger.query.by }}" });
    let server = with(
        json!({}),
        json!({
            "triggers": [{ "type": "webhook", "config": { "endpoint": "hook" }, "inputs": inputs }],
            "inputs": { "order": { "type": "string" }, "lang": { "type": "string", "default": "he" }, "by": { "type": "string", "default": "nobody" } },
        }),
    )
    .await;
    let run = run_of(&server.post("/triggers/hook?by=dana", &json!({ "data": { "id": "17" } })).await);
    let shown = server.get(&format!("/runs/{run}")).await;
    assert_eq!(shown.body["inputs"], json!({ "order": "17", "lang": "he", "by": "dana" }));
    let refused = server.post("/triggers/hook", &json!({ "data": { "id": 17 } })).await;
    assert_eq!((code(&refused), &refused.body["errors"][0]["pointer"]), ((422, "invalid_inputs"), &json!("/order")));
    let missing = server.post("/triggers/hook", &json!({})).await;
    assert_eq!(code(&missing), (422, "invalid_inputs"), "{}", missing.body);
}

#[tokio::test]
async fn the_documents_key_gives_the_first_run_back_and_the_callers_key_counts_before_it() {
    let more = json!({ "idempotency_key": "{{ trigger.body.order }}" });
    let server = with(json!({ "endpoint": "hook" }), more).await;
    let post = async |body: &str, headers: &[(&str, &str)]| {
        let headers = [&[JSON], headers].concat();
        server.send("POST", "/triggers/hook", &headers, body.as_bytes()).await
    };
    let first = post(r#"{"order":"a","n":1}"#, &[]).await;
    assert_eq!((first.status, &first.body["duplicate"]), (202, &Value::Null));
    let again = post(r#"{"order":"a","n":2}"#, &[]).await;
    assert_eq!((again.status, &again.body["duplicate"]), (200, &json!(true)), "{}", again.body);
    assert_eq!(again.body["run_id"], first.body["run_id"]);
    let keyed = post(r#"{"order":"a","n":1}"#, &[("idempotency-key", "mine")]).await;
    assert_eq!(keyed.status, 202);
    assert_ne!(keyed.body["run_id"], first.body["run_id"]);
    let same = post(r#"{"order":"a","n":1}"#, &[("idempotency-key", "mine")]).await;
    assert_eq!((same.status, same.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(same.body["run_id"], keyed.body["run_id"]);
    let reused = post(r#"{"order":"a","n":3}"#, &[("idempotency-key", "mine")]).await;
    assert_eq!(code(&reused), (422, "idempotency_key_reused"));
    assert_eq!(post(r#"{"order":"b"}"#, &[]).await.status, 202);
    assert_eq!(server.count("select count(*) from onward.run").await, 3);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_document_says() {
    let body = |bytes: usize| json!({ "text": "x".repeat(bytes) });
    let small = with(json!({ "endpoint": "hook", "max_body": 1_024 }), json!({})).await;
    assert_eq!(code(&small.post("/triggers/hook", &body(1_100)).await), (413, "body_too_large"));
    assert_eq!(small.post("/triggers/hook", &body(500)).await.status, 202);
    let large = with(json!({ "endpoint": "hook", "max_body": 1_000_000 }), json!({})).await;
    assert_eq!(large.post("/triggers/hook", &body(700_000)).await.status, 202);
    assert_eq!(large.count("select count(*) from onward.run").await, 1);
}
