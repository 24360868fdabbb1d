//! The bodies that clients are written against, and the limits of what is taken.

use onward_workflows::{PAYLOAD_DEPTH_MAX, PAYLOAD_NODES_MAX};
use serde_json::{Value, json};

use crate::redact::redacted;
use crate::server::{Server, orders};

const JSON: (&str, &str) = ("content-type", "application/json");
const YAML: (&str, &str) = ("content-type", "application/yaml");

async fn with_orders() -> Server {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    server
}

#[tokio::test]
async fn a_deploy_tells_what_became_of_each_workflow() {
    let server = with_orders().await;
    let ticks = json!({
        "version": 1, "name": "ticks",
        "triggers": [{ "type": "cron", "config": { "schedule": "0 5 * * *", "timezone": "Asia/Jerusalem" } }],
        "steps": [{ "id": "a", "type": "log", "config": { "message": "tick" } }]
    });
    let mut changed = orders();
    changed["steps"][0]["config"]["message"] = json!("changed");
    let deployed = server.post("/workflows/deploy", &json!({ "documents": [changed, ticks] })).await;
    assert_eq!(deployed.status, 200, "{}", deployed.body);
    insta::assert_json_snapshot!("deployed", redacted(deployed.body));
    insta::assert_json_snapshot!("workflow", redacted(server.get("/workflows/orders").await.body));
    insta::assert_json_snapshot!("workflow_list", redacted(server.get("/workflows").await.body));
    insta::assert_json_snapshot!("schedules", redacted(server.get("/schedules").await.body));
}

#[tokio::test]
async fn problems_have_one_shape() {
    let server = with_orders().await;
    let document = b"version: 1\nname: broken\nsteps:\n  - { id: a, type: lgo, config: { message: hi } }\n";
    let invalid = server.send("POST", "/workflows", &[YAML], document).await;
    insta::assert_json_snapshot!("problem_invalid_workflow", redacted(invalid.body));
    let inputs = server.post("/triggers/orders", &json!({ "order_id": "x", "more": 1 })).await;
    insta::assert_json_snapshot!("problem_invalid_inputs", redacted(inputs.body));
    let missing = server.get("/runs/run_00000000000000000000000000").await;
    insta::assert_json_snapshot!("problem_not_found", redacted(missing.body));
}

#[tokio::test]
async fn a_document_is_judged_without_being_stored() {
    let server = Server::start().await;
    let good = server.send("POST", "/workflows/validate", &[JSON], orders().to_string().as_bytes()).await;
    assert_eq!((good.status, good.body), (200, json!({ "valid": true, "diagnostics": [], "omitted": 0 })));
    let bad = server.send("POST", "/workflows/validate", &[YAML], b"version: 1\nname: x\nsteps: []\nstep: []\n").await;
    assert_eq!((bad.status, &bad.body["valid"]), (200, &json!(false)));
    assert_eq!(bad.body["diagnostics"][0]["range"]["start"]["line"], 3, "{}", bad.body);
    let large = format!("version: 1\nname: x\n# {}\n", "x".repeat(600 * 1024));
    assert_eq!(server.send("POST", "/workflows/validate", &[YAML], large.as_bytes()).await.status, 413);
    let other = server.send("POST", "/workflows/validate", &[("content-type", "text/html")], b"x").await;
    assert_eq!(other.status, 415);
    let bytes = server.send("POST", "/workflows/validate", &[YAML], b"name: \xff").await;
    assert_eq!((bytes.status, bytes.body["code"].as_str()), (400, Some("malformed")));
    assert_eq!(server.count("select count(*) from onward.workflow").await, 0);
}

#[tokio::test]
async fn a_limit_itself_is_still_taken() {
    let server = Server::start().await;
    let mut document = orders();
    document.as_object_mut().expect("an object").remove("inputs");
    document["steps"][0]["config"]["message"] = json!("any");
    assert_eq!(server.post("/workflows", &document).await.status, 201);
    let status = async |body: &[u8]| server.send("POST", "/triggers/orders", &[JSON], body).await.status;
    let text = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    assert_eq!(status(text(512 * 1024).as_bytes()).await, 202);
    assert_eq!(status(text(512 * 1024 + 1).as_bytes()).await, 413);
    // The run keeps the body inside its trigger, which is one level and a dozen values more.
    let nested = |lists: usize| format!("{}{}", "[".repeat(lists), "]".repeat(lists));
    assert_eq!(status(nested(PAYLOAD_DEPTH_MAX).as_bytes()).await, 202);
    assert_eq!(status(nested(PAYLOAD_DEPTH_MAX + 1).as_bytes()).await, 422);
    let list = |values: usize| format!("[{}]", vec!["1"; values].join(","));
    assert_eq!(status(list(PAYLOAD_NODES_MAX - 20).as_bytes()).await, 202);
    assert_eq!(status(list(PAYLOAD_NODES_MAX).as_bytes()).await, 422);
}

#[tokio::test]
async fn an_idempotency_key_has_its_own_limits() {
    let server = with_orders().await;
    let send = async |key: &str| {
        let headers = [JSON, ("idempotency-key", key)];
        server.send("POST", "/triggers/orders", &headers, br#"{"order_id":"1"}"#).await
    };
    assert_eq!(send(&"k".repeat(255)).await.status, 202);
    for wrong in ["", "   ", &"k".repeat(256), "ключ"] {
        let answer = send(wrong).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some("malformed")), "{wrong:?}");
    }
    // Another caller may choose the same key for something else.
    let other = server.make_key(&[onward_engine::Scope::TriggersCreate]).await;
    let headers = [JSON, ("x-api-key", other.as_str()), ("idempotency-key", "k1")];
    let mine = send("k1").await;
    let theirs = server.raw("POST", "/api/v1/triggers/orders", &headers, br#"{"order_id":"2"}"#).await;
    assert_eq!((mine.status, theirs.status), (202, 202));
    assert_ne!(mine.body["run_id"], theirs.body["run_id"]);
}

#[tokio::test]
async fn what_a_caller_says_beside_the_body_is_stored_only_as_far_as_it_is_harmless() {
    let server = with_orders().await;
    let headers = [JSON, ("x-correlation-id", "c-1"), ("cookie", "session=secret"), ("x-signature", "secret")];
    let answer = server.send("POST", "/triggers/orders?from=shop&note=a+b%21", &headers, br#"{"order_id":"1"}"#).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let run = answer.body["run_id"].as_str().expect("a 202 names its run");
    let trigger: Value = server.get(&format!("/runs/{run}")).await.body["trigger"].take();
    assert_eq!(trigger["query"], json!({ "from": "shop", "note": "a b!" }));
    assert_eq!(trigger["headers"], json!({ "content-type": "application/json", "x-correlation-id": "c-1" }));
    let nul = server.send("POST", "/triggers/orders?note=%00", &[JSON], br#"{"order_id":"1"}"#).await;
    assert_eq!((nul.status, nul.body["code"].as_str()), (422, Some("invalid_request")));
    let many = "a=1&".repeat(40_000);
    let long = server.send("POST", &format!("/triggers/orders?{many}"), &[JSON], br#"{"order_id":"1"}"#).await;
    assert!((400..500).contains(&long.status), "{}", long.status);
}
