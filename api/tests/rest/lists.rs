//! Lists: pages without gaps, filters without surprises.

use std::collections::HashSet;
use std::time::Duration;

use onward_engine::{Priority, SlotRequest};
use serde_json::json;

use crate::server::{Server, orders};

async fn with_orders() -> Server {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    server
}

#[tokio::test]
async fn pages_hold_every_run_once_while_more_come() {
    let server = with_orders().await;
    let mut before = HashSet::new();
    for _ in 0..25 {
        let answer = server.post("/triggers/orders", &json!({ "order_id": "1" })).await;
        before.insert(answer.body["run_id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/runs?limit=10{cursor}")).await;
        seen.extend(page.body["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        server.post("/triggers/orders", &json!({ "order_id": "2" })).await;
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first, none twice");
    assert!(before.iter().all(|run| seen.contains(run)), "none missing");
}

#[tokio::test]
async fn filters_take_what_they_name() {
    let server = with_orders().await;
    for _ in 0..3 {
        server.post("/triggers/orders", &json!({ "order_id": "1" })).await;
    }
    server.post("/workflows/orders/runs", &json!({ "inputs": { "order_id": "2" } })).await;
    let count = async |query: &str| server.get(&format!("/runs?{query}")).await.body["data"].as_array().map(Vec::len);
    assert_eq!(count("trigger=webhook").await, Some(3));
    assert_eq!(count("status=queued&status=running").await, Some(4));
    assert_eq!(count("status=succeeded").await, Some(0));
    assert_eq!(count("workflow=orders&version=1").await, Some(4));
    assert_eq!(count("workflow=others").await, Some(0));
    assert_eq!(count("since=1h").await, Some(4));
    assert_eq!(count("until=1h").await, Some(0));
    assert_eq!(server.get("/workflows?enabled=false").await.body["data"], json!([]));
}

#[tokio::test]
async fn limits_that_keep_somebody_waiting_are_listed() {
    let server = Server::start().await;
    assert_eq!(server.get("/limits").await.body["data"], json!([]));
    onward_engine::pause_rate(&server.engine, "provider:slack/#ops", Duration::from_mins(1)).await.expect("it pauses");
    let slot = SlotRequest {
        key: "shop".to_owned(),
        limit: 2,
        run: server.engine.new_run_id(),
        path: "a".to_owned(),
        attempt: 1,
        priority: Priority::Normal,
    };
    onward_engine::acquire_slot(&server.engine, &slot).await.expect("it is free");
    let limits = server.get("/limits").await.body;
    let row = |place: usize, field: &str| limits["data"][place][field].clone();
    assert_eq!((row(0, "key"), row(0, "kind")), (json!("provider:slack/#ops"), json!("rate")));
    assert!(row(0, "next_at").is_string(), "{limits}");
    assert_eq!((row(1, "key"), row(1, "held"), row(1, "limit")), (json!("shop"), json!(1), json!(2)));
}
