//! Starting runs from outside: one key, one run, and what is told of it.

use crate::server::{Server, orders};
use onward_engine::look_at_depths;
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn with_orders() -> Server {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    server
}

#[tokio::test]
async fn an_accepted_run_is_committed_and_can_be_found() {
    let server = with_orders().await;
    let answer = server.post("/triggers/orders", &json!({ "order_id": "1" })).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let run = answer.body["run_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.body["jobId"], answer.body["run_id"]);
    assert_eq!(answer.header("location"), Some(format!("/api/v1/runs/{run}").as_str()));
    assert_eq!(server.count("select count(*) from onward.run r join onward.job j on j.run_id = r.id").await, 1);
    let shown = server.get(&format!("/runs/{run}?expand=steps")).await;
    assert_eq!((shown.status, shown.body["status"].as_str()), (200, Some("queued")), "{}", shown.body);
    assert_eq!(shown.body["inputs"], json!({ "order_id": "1" }));
    assert_eq!(shown.body["trigger"]["method"], "POST");
    assert_eq!(server.get(&format!("/runs/{}", &run[..14])).await.status, 200, "a unique beginning is enough");
    let listed = server.get("/runs?workflow=orders&status=queued&since=1h").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_form_is_understood() {
    let server = with_orders().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = server.send("POST", "/triggers/orders", &[form], b"order_id=1%32").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(server.count("select count(*) from onward.run where inputs->>'order_id' = '12'").await, 1);
    let mistaken = server.send("POST", "/triggers/orders", &[form], br#" {"order_id": "1"}"#).await;
    assert_eq!((mistaken.status, mistaken.body["code"].as_str()), (415, Some("unsupported_media_type")));
    assert!(mistaken.body["detail"].as_str().is_some_and(|detail| detail.contains("looks like JSON")));
}

#[tokio::test]
async fn one_idempotency_key_is_one_run() {
    let server = with_orders().await;
    let headers = [JSON, ("idempotency-key", "k1")];
    let first = server.send("POST", "/triggers/orders", &headers, br#"{"order_id":"1"}"#).await;
    let again = server.send("POST", "/triggers/orders", &headers, br#"{"order_id":"1"}"#).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("idempotency-replayed"), None);
    let other = server.send("POST", "/triggers/orders", &headers, br#"{"order_id":"2"}"#).await;
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_key_reused")));
    assert_eq!(server.count("select count(*) from onward.run").await, 1);
}

#[tokio::test]
async fn many_callers_with_one_key_at_once_start_one_run() {
    let server = std::sync::Arc::new(with_orders().await);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let server = std::sync::Arc::clone(&server);
        callers.spawn(async move {
            let headers = [JSON, ("idempotency-key", "same")];
            server.send("POST", "/triggers/orders", &headers, br#"{"order_id":"1"}"#).await.body["run_id"].to_string()
        });
    }
    let runs = callers.join_all().await;
    assert!(runs.iter().all(|run| *run == runs[0] && run.contains("run_")), "{runs:?}");
    assert_eq!(server.count("select count(*) from onward.run").await, 1);
}

#[tokio::test]
async fn a_disabled_workflow_takes_nothing() {
    let server = Server::start().await;
    let mut document = orders();
    document["enabled"] = json!(false);
    assert_eq!(server.post("/workflows", &document).await.status, 201);
    let answer = server.post("/triggers/orders", &json!({ "order_id": "1" })).await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (409, Some("workflow_disabled")), "{}", answer.body);
    let start = json!({ "inputs": { "order_id": "1" } });
    assert_eq!(server.post("/workflows/orders/runs", &start).await.status, 409);
    let forced = json!({ "inputs": { "order_id": "1" }, "force": true });
    assert_eq!(server.post("/workflows/orders/runs", &forced).await.status, 202);
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_not_after_its_end() {
    let server = with_orders().await;
    let run =
        server.post("/triggers/orders", &json!({ "order_id": "1" })).await.body["run_id"].as_str().unwrap().to_owned();
    let cancel = server.post(&format!("/runs/{run}/cancel"), &json!({ "reason": "a test" })).await;
    assert_eq!((cancel.status, cancel.body["cancel"].as_str()), (202, Some("acknowledged")), "{}", cancel.body);
    sqlx::query(
        "with gone as (delete from onward.job) update onward.run set status = 'canceled', finished_at = onward.now()",
    )
    .execute(server.engine.pool())
    .await
    .unwrap();
    let late = server.post(&format!("/runs/{run}/cancel"), &json!({})).await;
    assert_eq!((late.status, late.body["code"].as_str()), (409, Some("run_already_ended")));
}

#[tokio::test]
async fn a_queue_that_is_full_takes_no_more_until_workers_have_caught_up() {
    let server = with_orders().await;
    let shallow = server.engine.clone().with_queue_depth_max(2);
    for order in 1..=2 {
        let body = json!({ "order_id": order.to_string() });
        assert_eq!(server.post("/triggers/orders", &body).await.status, 202);
    }
    look_at_depths(&shallow).await.expect("the queues are counted");
    let refused = server.post("/triggers/orders", &json!({ "order_id": "3" })).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (429, Some("queue_full")), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("2"));

    sqlx::query("update onward.job set due_at = onward.now() + interval '1 hour'")
        .execute(server.engine.pool())
        .await
        .expect("they wait for something else now");
    look_at_depths(&shallow).await.expect("the queues are counted");
    assert_eq!(server.post("/triggers/orders", &json!({ "order_id": "3" })).await.status, 202);
}
