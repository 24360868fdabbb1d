//! Events over the API: sent once, listed, and shown with what they have done.

use onward_engine::Scope;
use serde_json::{Value, json};

use crate::carried::{Carried, run_of};
use crate::server::{Answer, Server};

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["ids"][0].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_wakes_and_starts_and_the_same_id_again_does_nothing() {
    let bed = Carried::start().await;
    bed.deploy("version: 1\nname: asks\nsteps: [{ id: answer, type: wait_for_event, timeout: 24h, config: { event: order.approval, key: A } }]\n").await;
    bed.deploy("version: 1\nname: follows\ntriggers: [{ type: event, config: { event: 'order.*' }, inputs: { by: '{{ trigger.data.by }}' } }]\ninputs: { by: { type: string } }\nsteps: [{ id: say, type: value, config: '{{ inputs.by }} {{ trigger.event_id }}' }]\n").await;
    let run = run_of(&bed.server.post("/workflows/asks/runs", &json!({})).await);
    bed.in_status(&run, "waiting").await;
    let event = json!({ "name": "order.approval", "key": "A", "data": { "by": "dana" } });
    let sent = bed.server.post("/events", &event).await;
    let sent_id = id(&sent);
    assert!(sent_id.starts_with("evt_") && sent_id.len() == 30, "{sent_id}");
    assert_eq!((&sent.body["woke"], &sent.body["started"]), (&json!(1), &json!(1)));
    assert_eq!(bed.in_status(&run, "succeeded").await["output"]["id"], json!(sent_id));
    let shown = bed.server.get(&format!("/events/{sent_id}")).await;
    assert_eq!((&shown.body["data"], &shown.body["key"]), (&json!({ "by": "dana" }), &json!("A")), "{}", shown.body);
    assert_eq!((&shown.body["woke"], &shown.body["started"]), (&json!(1), &json!(1)));
    let started = shown.body["runs"][0]["run_id"].as_str().expect("the run that it started");
    assert_eq!(bed.in_status(started, "succeeded").await["output"], json!(format!("dana {sent_id}")));

    let mut again = event.clone();
    again["id"] = json!(sent_id);
    let again = bed.server.post("/events", &again).await;
    assert_eq!((again.status, &again.body), (202, &sent.body));
    assert_eq!(bed.server.count("select count(*) from onward.run").await, 2);
    assert_eq!(bed.server.count("select count(*) from onward.event").await, 1);
    bed.stop().await;
}

#[tokio::test]
async fn a_list_is_taken_whole_and_shown_page_by_page() {
    let server = Server::start().await;
    let events: Vec<Value> = (0..7).map(|n| json!({ "name": format!("n{}", n % 2), "key": format!("k{n}") })).collect();
    let sent = server.post("/events", &json!(events)).await;
    assert_eq!((sent.status, &sent.body["woke"], &sent.body["started"]), (202, &json!(0), &json!(0)), "{}", sent.body);
    let mut ids: Vec<Value> = sent.body["ids"].as_array().expect("a list").clone();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/events?limit=3{cursor}")).await;
        seen.extend(page.body["data"].as_array().expect("a list").iter().map(|event| event["id"].clone()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen.is_sorted_by(|newer, older| newer.as_str() > older.as_str()), "newest first");
    ids.sort_by(|one, other| other.as_str().cmp(&one.as_str()));
    assert_eq!(seen, ids);
    let count = async |query: &str| server.get(&format!("/events?{query}")).await.body["data"].as_array().map(Vec::len);
    assert_eq!(
        (count("name=n0").await, count("name=n1&key=k3").await, count("key=k9").await),
        (Some(4), Some(1), Some(0))
    );
    assert_eq!((count("since=1h").await, count("until=1h").await), (Some(7), Some(0)));
}

#[tokio::test]
async fn events_that_cannot_be_kept_are_refused_before_any_is() {
    let server = Server::start().await;
    let long = "x".repeat(256);
    let old = "evt_01M0000000000000000000000Z";
    for (body, expected) in [
        (json!({ "name": "" }), (422, "invalid_request")),
        (json!({ "name": long }), (422, "invalid_request")),
        (json!({ "name": "a", "key": "" }), (422, "invalid_request")),
        (json!({ "name": "a", "key": long }), (422, "invalid_request")),
        (json!({ "name": "a", "payload": 1 }), (422, "invalid_request")),
        (json!({ "name": "a", "data": "x".repeat(513 * 1024) }), (422, "invalid_request")),
        (json!({ "name": "a", "id": "order-1" }), (422, "invalid_request")),
        (json!({ "name": "a", "id": old }), (422, "invalid_request")),
        (json!({ "name": "a", "data": "a\u{0}b" }), (422, "invalid_request")),
        (json!({ "name": "a", "data": (0..70).fold(json!(1), |inner, _| json!([inner])) }), (422, "invalid_request")),
        (json!([]), (422, "invalid_request")),
        (json!(vec![json!({ "name": "a" }); 101]), (422, "invalid_request")),
        (json!([{ "name": "a" }, { "name": 5 }]), (422, "invalid_request")),
        (json!("a"), (422, "invalid_request")),
    ] {
        let answer = server.post("/events", &body).await;
        assert_eq!(code(&answer), expected, "{} {}", &body.to_string()[..body.to_string().len().min(60)], answer.body);
    }
    let second = server.post("/events", &json!([{ "name": "a" }, { "name": "" }])).await;
    assert!(second.body["detail"].as_str().is_some_and(|text| text.starts_with("event 1 of the list: `name`")));
    let keyed = [("content-type", "application/json"), ("idempotency-key", "k")];
    assert_eq!(code(&server.send("POST", "/events", &keyed, br#"{"name":"a"}"#).await), (422, "invalid_request"));
    assert_eq!(server.count("select count(*) from onward.event").await, 0);
    assert_eq!(server.post("/events", &json!({ "name": "x".repeat(255), "key": "y".repeat(255) })).await.status, 202);
    for path in ["/events/evt_00000000000000000000000000", "/events/nothing", "/events/a%00b"] {
        assert_eq!(code(&server.get(path).await), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn events_have_scopes_of_their_own() {
    let server = Server::start().await;
    let (reader, writer) = (server.make_key(&[Scope::RunsRead]).await, server.make_key(&[Scope::EventsWrite]).await);
    let body = br#"{"name":"a"}"#;
    let ask = async |method: &str, key: &str| {
        let headers = [("content-type", "application/json"), ("x-api-key", key)];
        let answer = server.raw(method, "/api/v1/events", &headers, if method == "GET" { b"" } else { body }).await;
        (answer.status, answer.body["scope"].clone())
    };
    assert_eq!(ask("POST", &reader).await, (403, json!("events:write")));
    assert_eq!(ask("GET", &writer).await, (403, json!("runs:read")));
    assert_eq!((ask("POST", &writer).await.0, ask("GET", &reader).await.0), (202, 200));
}
