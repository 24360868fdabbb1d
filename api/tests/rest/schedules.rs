//! Schedules over the API: what comes, what a pause holds back, what a backfill starts.

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::Scope;
use serde_json::{Value, json};

use crate::server::Server;

fn ticks(triggers: &Value) -> Value {
    json!({
        "version": 1, "name": "ticks", "triggers": triggers,
        "steps": [{ "id": "a", "type": "log", "config": { "message": "tick" } }]
    })
}

async fn with_ticks(config: Value) -> Server {
    let server = Server::start().await;
    let document = ticks(&json!([{ "type": "cron", "config": config }]));
    assert_eq!(server.post("/workflows", &document).await.status, 201);
    server
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is not a time"))
}

#[tokio::test]
async fn the_next_times_show_jitter_and_changes_of_the_clock() {
    let config = json!({ "schedule": "30 2 * * *", "timezone": "Asia/Jerusalem", "jitter": "10m" });
    let server = with_ticks(config).await;
    let next = server.get("/schedules/next?n=2").await;
    for fire in next.body["data"].as_array().expect("a list") {
        let delay = time(&fire["at"]) - time(&fire["nominal_at"]);
        assert!((TimeDelta::zero()..TimeDelta::minutes(10)).contains(&delay), "{fire}");
    }
    let change = &next.body["clock_changes"][0];
    assert_eq!((&change["workflow"], &change["kind"]), (&json!("ticks"), &json!("skipped")), "{}", next.body);
    assert!(change["local"].as_str().is_some_and(|local| local.ends_with("T02:30:00")), "{change}");
    let listed = server.get("/schedules").await;
    assert_eq!(listed.body["data"][0]["rules"]["jitter"], "10m", "{}", listed.body);
    assert_eq!(listed.body["data"][0]["paused"], false);
}

#[tokio::test]
async fn a_pause_is_set_shown_and_ended() {
    let server = with_ticks(json!({ "schedule": "@hourly" })).await;
    let paused = server.post("/schedules/ticks/pause", &json!({})).await;
    assert_eq!(paused.status, 200, "{}", paused.body);
    let expected = json!({
        "id": "ticks:cron", "workflow": "ticks", "trigger_id": "cron",
        "paused": true, "paused_until": null, "skipped": 0,
    });
    assert_eq!(paused.body, expected);
    assert_eq!(server.get("/schedules").await.body["data"][0]["paused"], true);
    assert_eq!(server.get("/schedules/next").await.body["data"], json!([]));
    let bounded = server.post("/schedules/ticks:cron/pause", &json!({ "until": "2h" })).await;
    let until = time(&bounded.body["paused_until"]);
    assert!(time(&server.get("/schedules/next").await.body["data"][0]["at"]) >= until);
    let resumed = server.post("/schedules/ticks/resume", &json!({})).await;
    assert_eq!((resumed.status, &resumed.body["paused"]), (200, &json!(false)));
    assert_eq!(server.get("/schedules").await.body["data"][0]["paused"], false);
}

#[tokio::test]
async fn a_backfill_is_counted_then_begun_and_begun_again_it_starts_nothing() {
    let server = with_ticks(json!({ "schedule": "@every 1h" })).await;
    let counted = server.post("/schedules/ticks/backfill", &json!({ "from": "5h", "dry_run": true })).await;
    assert_eq!((counted.status, &counted.body["count"]), (200, &json!(5)), "{}", counted.body);
    assert_eq!(server.count("select count(*) from onward.fire").await, 0);
    let range = json!({ "from": counted.body["from"], "to": counted.body["to"], "overlap": "allow" });
    let begun = server.post("/schedules/ticks/backfill", &range).await;
    assert_eq!((begun.status, &begun.body["count"], &begun.body["known"]), (202, &json!(5), &json!(0)));
    let again = server.post("/schedules/ticks/backfill", &range).await;
    assert_eq!((again.status, &again.body["count"], &again.body["known"]), (202, &json!(0), &json!(5)));
    assert_eq!(server.get("/runs?trigger=cron").await.body["data"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn what_cannot_be_done_with_a_schedule_says_why() {
    let server = with_ticks(json!({ "schedule": "* * * * *" })).await;
    let several = ticks(&json!([
        { "type": "cron", "config": { "schedule": "@daily" } },
        { "type": "cron", "config": { "schedule": "@hourly" } },
    ]));
    let status = async |path: &str, body: Value| {
        let answer = server.post(&format!("/schedules/{path}"), &body).await;
        (answer.status, answer.body["code"].as_str().unwrap_or_default().to_owned())
    };
    let invalid = (422, "invalid_request".to_owned());
    assert_eq!(status("nothing/pause", json!({})).await, (404, "not_found".to_owned()));
    assert_eq!(status("ticks:webhook/resume", json!({})).await, (404, "not_found".to_owned()));
    assert_eq!(status("a:b:c/resume", json!({})).await, (404, "not_found".to_owned()));
    assert_eq!(status("ticks/pause", json!({ "until": "yesterday" })).await, invalid);
    assert_eq!(status("ticks/pause", json!({ "until": "2020-01-01T00:00:00Z" })).await, invalid);
    assert_eq!(status("ticks/pause", json!({ "till": "2h" })).await, invalid);
    assert_eq!(status("ticks/backfill", json!({})).await, invalid);
    assert_eq!(status("ticks/backfill", json!({ "from": "9d" })).await, invalid, "more than a thousand");
    assert_eq!(status("ticks/backfill", json!({ "from": "1h", "overlap": "skip" })).await, invalid);
    assert_eq!(status("ticks/backfill", json!({ "from": "1h", "to": "2h" })).await, invalid);

    let headers = [("content-type", "application/json")];
    let replaced = server.send("PUT", "/workflows/ticks", &headers, several.to_string().as_bytes()).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    let ambiguous = server.post("/schedules/ticks/pause", &json!({})).await;
    assert!(ambiguous.body["detail"].as_str().is_some_and(|detail| detail.contains("ticks:cron-2")));
    let mut disabled = several;
    disabled["enabled"] = json!(false);
    server.send("PUT", "/workflows/ticks", &headers, disabled.to_string().as_bytes()).await;
    assert_eq!(status("ticks:cron/backfill", json!({ "from": "2d" })).await, (409, "workflow_disabled".to_owned()));

    let reader = server.make_key(&[Scope::WorkflowsRead, Scope::RunsWrite]).await;
    let headers = [headers[0], ("x-api-key", reader.as_str())];
    let refused = server.raw("POST", "/api/v1/schedules/ticks:cron/pause", &headers, b"{}").await;
    assert_eq!((refused.status, &refused.body["scope"]), (403, &json!("schedules:write")));
}

#[tokio::test]
async fn the_version_names_the_rules_of_the_zones() {
    let server = Server::start().await;
    let version = server.get("/version").await;
    assert_eq!(version.body["tzdb"], onward_workflows::tzdb_version());
}
