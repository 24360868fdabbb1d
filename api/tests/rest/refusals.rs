//! Bad requests: each gets a clear answer, and nothing is stored.

use crate::server::{Answer, Server, orders};
use onward_engine::Scope;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn check(server: &Server, answer: Answer, status: u16, code: &str) -> Value {
    assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{}\n{}", answer.head, answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.body["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(server.count("select count(*) from onward.run").await, 0, "nothing may be stored");
    answer.body
}

async fn with_orders() -> Server {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    server
}

#[tokio::test]
async fn an_invalid_document_is_answered_with_diagnostics_and_not_stored() {
    let server = Server::start().await;
    let document = json!({ "version": 1, "name": "x", "triggers": [{ "type": "cron", "config": { "schedule": "0 25 * * *", "timezone": "Asia/Jeruslem" } }], "steps": [{ "id": "a", "type": "logg" }] });
    let body = check(&server, server.post("/workflows", &document).await, 422, "invalid_workflow").await;
    let codes: Vec<_> =
        body["diagnostics"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E114", "E117", "E118"], "in the order of the text, whose keys are sorted here");
    assert!(body["diagnostics"][0]["range"]["start"]["line"].is_number());
    assert_eq!(server.count("select count(*) from onward.workflow").await, 0);
}

#[tokio::test]
async fn one_bad_document_stops_a_whole_deploy() {
    let server = Server::start().await;
    let documents = json!({ "documents": [
        { "file": "good.json", "format": "json", "text": orders().to_string() },
        { "file": "bad.yaml", "format": "yaml", "text": "version: 1\nname: bad\nsteps: []\n" },
    ] });
    let body = check(&server, server.post("/workflows/deploy", &documents).await, 422, "invalid_workflow").await;
    assert_eq!(body["diagnostics"][0]["file"], "bad.yaml");
    assert_eq!(server.count("select count(*) from onward.workflow").await, 0);
}

#[tokio::test]
async fn inputs_that_do_not_fit_are_refused_with_their_place() {
    let server = with_orders().await;
    for (inputs, pointer) in
        [(json!({}), ""), (json!({ "order_id": 5 }), "/order_id"), (json!({ "order_id": "1", "more": 1 }), "")]
    {
        let body = check(&server, server.post("/triggers/orders", &inputs).await, 422, "invalid_inputs").await;
        let found = body["errors"][0]["pointer"].as_str().unwrap();
        assert!(found.starts_with(pointer), "{body}");
        let start = json!({ "inputs": inputs });
        check(&server, server.post("/workflows/orders/runs", &start).await, 422, "invalid_inputs").await;
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let server = with_orders().await;
    check(&server, server.post("/triggers/nothing", &json!({})).await, 404, "not_found").await;
    check(&server, server.post("/workflows/nothing/runs", &json!({})).await, 404, "not_found").await;
    check(&server, server.get("/workflows/nothing").await, 404, "not_found").await;
    check(&server, server.get("/runs/run_00000000000000000000000000").await, 404, "not_found").await;
    check(&server, server.get("/nothing").await, 404, "not_found").await;
    check(&server, server.send("DELETE", "/runs", &[], b"").await, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn a_key_is_needed_and_must_allow_it() {
    let server = with_orders().await;
    let body = br#"{"order_id":"1"}"#;
    let answer = server.raw("POST", "/api/v1/triggers/orders", &[JSON], body).await;
    assert!(answer.header("www-authenticate").is_some());
    check(&server, answer, 401, "unauthorized").await;
    let wrong = format!("Bearer {}x", server.key);
    let answer = server.raw("POST", "/api/v1/triggers/orders", &[JSON, ("authorization", &wrong)], body).await;
    check(&server, answer, 401, "unauthorized").await;
    let reader = server.make_key(&[Scope::RunsRead]).await;
    let answer = server.raw("POST", "/api/v1/triggers/orders", &[JSON, ("x-api-key", &reader)], body).await;
    let body = check(&server, answer, 403, "missing_scope").await;
    assert_eq!(body["scope"], "triggers:create");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_or_kept_are_told_apart() {
    let server = with_orders().await;
    let post =
        async |headers: &[(&str, &str)], body: &[u8]| server.send("POST", "/triggers/orders", headers, body).await;
    let large = format!(r#"{{"order_id":"{}"}}"#, "1".repeat(600 * 1024));
    check(&server, post(&[JSON], large.as_bytes()).await, 413, "body_too_large").await;
    check(&server, post(&[("content-type", "text/plain")], b"{}").await, 415, "unsupported_media_type").await;
    check(&server, post(&[], br#"{"order_id":"1"}"#).await, 415, "unsupported_media_type").await;
    check(&server, post(&[JSON], b"{").await, 400, "malformed").await;
    check(&server, post(&[JSON], br#"{"order_id":"a\u0000b"}"#).await, 422, "invalid_request").await;
    check(&server, post(&[JSON], br#"{"order_id":1e400}"#).await, 422, "invalid_request").await;
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    check(&server, post(&[JSON], deep.as_bytes()).await, 422, "invalid_request").await;
    let deeper = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    check(&server, post(&[JSON], deeper.as_bytes()).await, 422, "invalid_request").await;
    let many = format!("[{}1]", "1,".repeat(60_000));
    check(&server, post(&[JSON], many.as_bytes()).await, 422, "invalid_request").await;
}

#[tokio::test]
async fn unknown_fields_and_parameters_are_refused() {
    let server = with_orders().await;
    let body =
        check(&server, server.post("/workflows/orders/runs", &json!({ "input": {} })).await, 422, "invalid_request")
            .await;
    assert!(body["detail"].as_str().unwrap().contains("unknown field `input`"), "{body}");
    check(&server, server.get("/runs?state=failed").await, 422, "invalid_request").await;
    check(&server, server.get("/runs?status=broken").await, 422, "invalid_request").await;
    check(&server, server.get("/runs?limit=1000").await, 422, "invalid_request").await;
    check(&server, server.post("/api-keys", &json!({ "name": "x", "scopes": ["all"] })).await, 422, "invalid_request")
        .await;
}

#[tokio::test]
async fn a_query_that_a_route_does_not_know_is_refused_everywhere() {
    let server = with_orders().await;
    for (method, path) in [
        ("POST", "/workflows/deploy"),
        ("POST", "/workflows/validate"),
        ("POST", "/workflows"),
        ("PUT", "/workflows/orders"),
        ("GET", "/workflows"),
        ("GET", "/workflows/orders"),
        ("POST", "/workflows/orders/runs"),
        ("GET", "/runs/run_00000000000000000000000000"),
        ("GET", "/runs/run_00000000000000000000000000/steps"),
        ("POST", "/runs/run_00000000000000000000000000/cancel"),
        ("POST", "/runs/run_00000000000000000000000000/retry"),
        ("POST", "/runs/run_00000000000000000000000000/replay"),
        ("POST", "/runs/run_00000000000000000000000000/steps/a/complete"),
        ("POST", "/runs/run_00000000000000000000000000/steps/a/skip"),
        ("POST", "/runs/run_00000000000000000000000000/steps/a/retry"),
        ("POST", "/events"),
        ("GET", "/events"),
        ("GET", "/events/evt_00000000000000000000000000"),
        ("GET", "/schedules"),
        ("GET", "/schedules/next"),
        ("POST", "/schedules/orders/pause"),
        ("POST", "/schedules/orders/resume"),
        ("POST", "/schedules/orders/backfill"),
        ("GET", "/workers"),
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("DELETE", "/api-keys/key_00000000000000000000000000"),
        ("GET", "/me"),
    ] {
        let answer = server.send(method, &format!("{path}?dry-run=true"), &[JSON], b"{}").await;
        let body = check(&server, answer, 422, "invalid_request").await;
        assert!(body["detail"].as_str().unwrap().contains("`dry-run`"), "{method} {path}: {body}");
    }
    for query in ["limit=1&limit=2", "enabled=true&enabled=false", "limit=0", "limit=201", "limit=-1", "enabled=yes"] {
        check(&server, server.get(&format!("/workflows?{query}")).await, 422, "invalid_request").await;
    }
    check(&server, server.get("/schedules/next?n=201").await, 422, "invalid_request").await;
    check(&server, server.get("/runs?since=yesterday").await, 422, "invalid_request").await;
    check(&server, server.get("/runs?cursor=run_1").await, 422, "invalid_request").await;
    check(&server, server.get("/runs?status=%FF").await, 400, "malformed").await;
}

#[tokio::test]
async fn names_that_nothing_can_have_are_404_and_never_a_fault() {
    let server = with_orders().await;
    for path in ["/workflows/a%00b", "/workflows/%FF", "/runs/a%00b", "/triggers/a%00b", "/triggers/%FF"] {
        let method = if path.starts_with("/triggers") { "POST" } else { "GET" };
        check(&server, server.send(method, path, &[JSON], b"{}").await, 404, "not_found").await;
    }
    check(&server, server.get("/runs?workflow=a%00b").await, 422, "invalid_request").await;
    check(&server, server.get("/workflows?cursor=a%00").await, 422, "invalid_request").await;
}

#[tokio::test]
async fn one_key_in_one_header_and_no_secret_is_remembered() {
    let server = with_orders().await;
    let answer = server.send("GET", "/me", &[("x-api-key", "onw_x.y")], b"").await;
    check(&server, answer, 400, "malformed").await;
    let body = br#"{"name":"x","scopes":["runs:read"]}"#;
    let answer = server.send("POST", "/api-keys", &[JSON, ("idempotency-key", "k")], body).await;
    check(&server, answer, 422, "invalid_request").await;
}
