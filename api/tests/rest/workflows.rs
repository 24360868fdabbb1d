//! Deploying over the API: versions, preconditions, endpoints.

use crate::server::{Server, orders};
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_version_is_made_by_a_change_only() {
    let server = Server::start().await;
    let made = server.post("/workflows", &orders()).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"v1\"")), "{}", made.body);
    assert_eq!(server.post("/workflows", &orders()).await.status, 409);
    let body = orders().to_string();
    let same = server.send("PUT", "/workflows/orders", &[JSON], body.as_bytes()).await;
    assert_eq!((same.status, same.body["version"].as_i64()), (200, Some(1)), "{}", same.body);
    let mut changed = orders();
    changed["steps"][0]["config"]["message"] = json!("changed");
    let headers = [JSON, ("if-match", "\"v1\"")];
    let new = server.send("PUT", "/workflows/orders", &headers, changed.to_string().as_bytes()).await;
    assert_eq!((new.status, new.header("etag")), (200, Some("\"v2\"")), "{}", new.body);
    let late = server.send("PUT", "/workflows/orders", &headers, body.as_bytes()).await;
    assert_eq!((late.status, late.body["current_version"].as_i64()), (412, Some(2)), "{}", late.body);
    let old = server.get("/workflows/orders?version=1").await;
    assert_eq!(old.body["document"].as_str(), Some(body.as_str()));
    let known = server.send("GET", "/workflows/orders", &[("if-none-match", "\"v2\"")], b"").await;
    assert_eq!(known.status, 304);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let server = Server::start().await;
    let planned = server.send("POST", "/workflows?dry_run=true", &[JSON], orders().to_string().as_bytes()).await;
    assert_eq!(planned.status, 200, "{}", planned.body);
    assert_eq!(planned.body["workflows"][0]["action"], "created");
    assert_eq!(server.count("select count(*) from onward.workflow").await, 0);
}

#[tokio::test]
async fn an_endpoint_belongs_to_one_workflow() {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    let mut other = orders();
    other["name"] = json!("other");
    let taken = server.post("/workflows", &other).await;
    assert_eq!((taken.status, taken.body["code"].as_str()), (409, Some("endpoint_taken")), "{}", taken.body);
    assert_eq!(server.count("select count(*) from onward.workflow").await, 1);
}

#[tokio::test]
async fn a_path_and_its_document_must_agree() {
    let server = Server::start().await;
    let answer = server.send("PUT", "/workflows/others", &[JSON], orders().to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (422, Some("invalid_request")), "{}", answer.body);
}

#[tokio::test]
async fn yaml_and_the_old_shape_are_taken() {
    let server = Server::start().await;
    let yaml = b"version: 1\nname: from yaml\nsteps:\n  - { id: a, type: log, config: { message: hi } }\n";
    let made = server.send("POST", "/workflows", &[("content-type", "application/yaml")], yaml).await;
    assert_eq!((made.status, made.body["id"].as_str()), (201, Some("from-yaml")), "{}", made.body);
    let old = json!({ "name": "Old", "enabled": true, "schema": { "triggers": [{ "type": "webhook", "config": { "key": "old" } }], "steps": [{ "id": "pause", "type": "delay", "config": { "duration": 10 } }] } });
    assert_eq!(server.post("/workflows", &old).await.status, 201);
    assert_eq!(server.post("/triggers/old", &json!({ "anything": [1, 2] })).await.status, 202);
}

#[tokio::test]
async fn the_next_fire_times_are_told() {
    let server = Server::start().await;
    let document = json!({ "version": 1, "name": "ticks", "triggers": [{ "type": "cron", "config": { "schedule": "@every 90s" } }], "steps": [{ "id": "a", "type": "log", "config": { "message": "tick" } }] });
    assert_eq!(server.post("/workflows", &document).await.status, 201);
    let fires = server.get("/schedules/next?n=3").await;
    let at: Vec<_> = fires.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fire| fire["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        .collect();
    assert_eq!(at.len(), 3);
    assert!(at.iter().all(|at| at.timestamp() % 90 == 0));
    assert!(at.is_sorted());
}

#[tokio::test]
async fn documents_are_deployed_as_texts_or_as_objects_and_the_answer_is_repeated() {
    let server = Server::start().await;
    let yaml = "version: 1\nname: noted\nsteps: [{ id: a, type: log, config: { message: hi } }]\n";
    let documents = json!({ "documents": [orders(), { "file": "noted.yaml", "format": "yaml", "text": yaml }] });
    let headers = [JSON, ("idempotency-key", "d1")];
    let first = server.send("POST", "/workflows/deploy", &headers, documents.to_string().as_bytes()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let ids: Vec<_> =
        first.body["workflows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["orders", "noted"]);
    let again = server.send("POST", "/workflows/deploy", &headers, documents.to_string().as_bytes()).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.body), (200, Some("true"), &first.body));
    let pruned = json!({ "documents": [orders()], "prune": true });
    let answer = server.post("/workflows/deploy", &pruned).await;
    assert_eq!(answer.body["workflows"][1]["action"], "removed", "{}", answer.body);
    assert_eq!(server.count("select count(*) from onward.workflow where enabled").await, 1);
}
