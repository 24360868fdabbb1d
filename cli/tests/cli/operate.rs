//! What people do to runs from the command line: going on, running again, settling, events.

use onward_testkit::{TestDatabase, standin::StandIn, wait_until};
use serde_json::Value;

use crate::place::{DEADLINE, Place};

const BREAKS: &str = "version: 1
name: breaks
inputs: { order: { type: string, default: IL1 }, times: { type: integer, default: 1 } }
steps:
  - { id: first, type: http.request, config: { url: 'http://shop.test/orders/{{ inputs.order }}' } }
  - id: each
    foreach: { in: [0, 1], as: n, concurrency: 2 }
    steps:
      - { id: put, type: http.request, retry: { max: 0 }, config: { method: PUT, url: 'http://shop.test/reports/{{ n }}?fault=503&times={{ inputs.times }}&delay_ms=200' } }
output: '{{ inputs.order }}'
";
const WAITS: &str = "version: 1
name: waits
steps:
  - id: each
    foreach: { in: [a, b], as: letter, concurrency: 2 }
    on_error: continue
    steps: [{ id: pause, type: wait, config: { for: 5h } }]
  - { id: bad, type: fail, config: { message: no luck }, on_error: continue }
  - { id: answer, type: wait_for_event, timeout: 5h, config: { event: order.answer, key: IL1 } }
output: '{{ steps.answer.output.data }}'
";
const CALLS: &str = "version: 1
name: calls
steps:
  - { id: reserve, type: value, config: 1, compensate: { type: http.request, retry: { max: 0 }, config: { method: PUT, url: 'http://shop.test/reports/no?fault=400' } } }
  - { id: child, type: call, config: { workflow: waits } }
";

/// A server with a worker, a shop that it talks to, and these documents.
async fn with(documents: &[&str]) -> (Place, onward_testkit::Process, StandIn, TestDatabase) {
    let database = TestDatabase::new().await;
    let shop = StandIn::start().await.expect("the stand-in starts");
    let hosts = format!("shop.test={}", shop.address());
    let mut place = Place::new(vec![
        ("DATABASE_URL", database.url()),
        ("ONWARD_HTTP_HOSTS", hosts),
        ("ONWARD_ALLOW_HTTP_HOSTS", "true".to_owned()),
    ]);
    place.make_key().await;
    let server = place.serve(&["serve"]).await;
    for (number, text) in documents.iter().enumerate() {
        let file = format!("{number}.yaml");
        place.write(&file, text);
        place.ask(&["deploy", "--yes", &file]).await;
    }
    (place, server, shop, database)
}

async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

async fn detached(place: &Place, workflow: &str) -> String {
    place.ask(&["run", workflow, "--detach"]).await.trim_end().to_owned()
}

async fn shows(place: &Place, run: &str, text: &str) -> String {
    let mut shown = String::new();
    wait_until(DEADLINE, &format!("{run} to show {text}"), async || {
        shown = place.ask(&["runs", "show", run]).await;
        shown.contains(text)
    })
    .await;
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_and_another_begins_in_its_middle() {
    let (place, _server, shop, _database) = with(&[BREAKS]).await;
    let run = detached(&place, "breaks").await;
    assert_eq!(said(&place, &["runs", "follow", &run]).await.0, Some(1));
    let (_, out, talk) = said(&place, &["runs", "show", &run]).await;
    assert!(out.contains("each                 ") && out.contains("2 items: 2 failed"), "{out}");
    assert_eq!(talk, format!("go on from there: onward retry {run}\n"));
    assert_eq!(said(&place, &["retry", &run, "--only", "first"]).await.0, Some(6));
    let (code, out, talk) = said(&place, &["retry", &run, "--only", "each[1]"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "goes on with each[1].put\n"));
    assert_eq!(talk, format!("watch it: onward runs follow {run}\n"));
    assert_eq!(said(&place, &["runs", "follow", &run]).await.0, Some(1), "the other one has not gone away");
    let again: Value = serde_json::from_str(&place.ask(&["retry", &run, "--json"]).await).expect("JSON");
    assert_eq!(again["again"], serde_json::json!(["each[0].put"]));
    assert_eq!(said(&place, &["runs", "follow", &run]).await.0, Some(0));
    assert_eq!(said(&place, &["retry", &run]).await.0, Some(6), "it has not failed");
    assert_eq!(said(&place, &["retry", "run_00000000000000000000000000"]).await.0, Some(4));

    let before = shop.requests().len();
    let replay = ["replay", &run, "--from", "each", "-i", "times=0", "--follow"];
    let (code, out, talk) = said(&place, &replay).await;
    assert_eq!((code, shop.requests().len()), (Some(0), before + 2), "{out}{talk}");
    assert!(talk.starts_with("run_") && talk.contains(&format!("  replay of {run}")), "{talk}");
    place.write("inputs.json", "{ \"order\": \"IL5\", \"times\": 0 }");
    let new = place.ask(&["replay", &run, "--input", "inputs.json", "--version", "latest"]).await;
    assert_eq!(said(&place, &["runs", "follow", new.trim_end()]).await.0, Some(0));
    assert!(place.ask(&["runs", "show", new.trim_end()]).await.contains(&format!("replay of: {run}")));
    assert_eq!(said(&place, &["replay", &run, "--version", "newest"]).await.0, Some(2));
    assert_eq!(said(&place, &["replay", &run, "--version", "9"]).await.0, Some(4));
    let (code, _, talk) = said(&place, &["replay", &run, "--from", "last"]).await;
    assert_eq!(code, Some(1));
    assert!(talk.contains("there are: first, each"), "{talk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_are_shown_and_settled_and_an_event_ends_the_last() {
    let (place, _server, _shop, _database) = with(&[WAITS]).await;
    let run = detached(&place, "waits").await;
    let shown = shows(&place, &run, "timer in each[1].pause").await;
    assert!(shown.contains("2 items: 2 running") && shown.contains("\n      ◷ each[0].pause"), "{shown}");
    let (code, _, talk) = said(&place, &["runs", "skip", &run, "answer"]).await;
    assert_eq!(code, Some(6));
    assert!(talk.contains("there are: each[0].pause, each[1].pause"), "{talk}");
    let complete = ["runs", "complete", &run, "each[0].pause"];
    assert_eq!(said(&place, &[&complete[..], &["--output", "{"]].concat()).await.0, Some(2));
    let (code, out, talk) = said(&place, &[&complete[..], &["--output", "{\"by\": 1}"]].concat()).await;
    assert_eq!((code, out.as_str()), (Some(0), "each[0].pause is completed\n"), "{talk}");
    assert_eq!(talk, format!("watch it: onward runs follow {run}\n"));
    assert_eq!(said(&place, &["runs", "retry-step", &run, "each[1].pause"]).await.0, Some(6), "a timer");
    let skipped: Value =
        serde_json::from_str(&place.ask(&["runs", "skip", &run, "each[1].pause", "--json"]).await).expect("JSON");
    assert_eq!(skipped["settled"], "skipped");

    let shown = shows(&place, &run, "event order.answer with key IL1 in answer").await;
    assert!(shown.contains("handled: attempt 1: no luck") && shown.contains("\n1 handled error\n"), "{shown}");
    let hint = said(&place, &["runs", "show", &run]).await.2;
    assert_eq!(hint, "send it: onward events send order.answer --key 'IL1'\n");
    place.write("data.json", "{ \"yes\": true }");
    let (code, out, talk) =
        said(&place, &["events", "send", "order.answer", "--key", "IL1", "--data", "@data.json"]).await;
    assert_eq!(code, Some(0), "{talk}");
    let id = out.split(' ').next().unwrap_or_default().to_owned();
    assert_eq!(
        (out, talk),
        (format!("{id}  woke 1 run, started 0 runs\n"), format!("what it has done: onward events show {id}\n"))
    );
    assert!(place.ask(&["runs", "follow", &run]).await.contains("\"yes\": true"));
    let again = place.ask(&["events", "send", "order.answer", "--key", "IL1", "--id", &id]).await;
    assert!(again.ends_with("woke 1 run, started 0 runs\n"), "the same one: {again}");
    place.ask(&["events", "send", "other"]).await;
    assert_eq!(place.ask(&["events", "list", "--json"]).await.lines().count(), 2);
    let listed = place.ask(&["events", "list", "--name", "order.answer", "--key", "IL1", "--since", "1h"]).await;
    assert!(listed.lines().nth(1).is_some_and(|line| line.starts_with(&id)) && listed.lines().count() == 2, "{listed}");
    assert!(place.ask(&["events", "show", &id]).await.ends_with("data: {\"yes\":true}\n"));
    assert_eq!(said(&place, &["events", "show", "evt_00000000000000000000000000"]).await.0, Some(4));
    assert_eq!(said(&place, &["events", "send", "x", "--data", "{"]).await.0, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_called_run_is_named_and_what_could_not_be_undone_needs_attention() {
    let (place, _server, _shop, _database) = with(&[WAITS, CALLS]).await;
    let run = detached(&place, "calls").await;
    let shown = shows(&place, &run, ", called by child").await;
    let child = shown.lines().find_map(|line| line.strip_prefix("waits for: ")?.split(',').next()).unwrap_or_default();
    assert_eq!(said(&place, &["runs", "show", &run]).await.2, format!("watch it: onward runs follow {child}\n"));
    let canceled = place.ask(&["runs", "cancel", &run, "--undo"]).await;
    assert_eq!(canceled, "canceled: what has succeeded is undone now\n");
    assert_eq!(said(&place, &["runs", "follow", &run]).await.0, Some(10));
    let shown = place.ask(&["runs", "show", &run]).await;
    assert!(shown.contains("needs attention: reserve could not be undone\n"), "{shown}");
    assert!(shown.contains("undo of reserve"), "{shown}");
    assert_eq!(said(&place, &["runs", "follow", child]).await.0, Some(10), "the cancel goes down");
}
