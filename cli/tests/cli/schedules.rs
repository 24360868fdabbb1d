//! `onward schedule`: what comes, pauses, backfills; and a replaced run, cancelled and followed by its successor.

use onward_testkit::{TestDatabase, wait_until};
use serde_json::Value;

use crate::place::{DEADLINE, Place};

const HOURLY: &str = "version: 1
name: hourly
triggers:
  - { type: cron, config: { schedule: '30 2 * * *', timezone: Asia/Jerusalem, jitter: 5m } }
  - { id: often, type: cron, config: { schedule: '@every 1h' } }
steps: [{ id: a, type: log, config: { message: tick } }]
";
const REPLACING: &str = "version: 1
name: replacing
triggers: [{ type: cron, config: { schedule: '@every 3s', overlap: replace } }]
steps: [{ id: pause, type: wait, config: { for: 1h } }]
";

async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_shown_paused_resumed_and_back_filled() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("hourly.yaml", HOURLY);
    place.ask(&["deploy", "--yes", "hourly.yaml"]).await;

    let (code, out, talk) = said(&place, &["schedule", "next", "hourly", "-n", "40"]).await;
    assert_eq!((code, out.lines().count()), (Some(0), 41), "{out}");
    assert!(out.contains("cron \"30 2 * * *\" Asia/Jerusalem + ") && out.contains(" jitter\n"), "{out}");
    assert!(talk.starts_with("note: ") && talk.contains("02:30 does not exist in Asia/Jerusalem"), "{talk}");

    let (code, _, talk) = said(&place, &["schedule", "pause", "hourly"]).await;
    assert_eq!(code, Some(1));
    assert!(talk.contains("name one: hourly:cron, hourly:often"), "{talk}");
    let (code, out, _) = said(&place, &["schedule", "pause", "hourly:often"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(out, "hourly:often is paused; go on with: onward schedule resume hourly:often\n");
    let (_, out, _) = said(&place, &["schedule", "next", "hourly", "-n", "40"]).await;
    assert!(!out.contains("often"), "{out}");
    assert_eq!(said(&place, &["schedule", "pause", "nothing"]).await.0, Some(4));

    // Still paused, so that nothing but the backfill starts runs.
    let range = ["--from", "2026-01-01T00:30:00Z", "--to", "2026-01-01T03:30:00Z"];
    let backfill = [&["schedule", "backfill", "hourly:often"], &range[..]].concat();
    let (code, out, _) = said(&place, &[&backfill[..], &["--dry-run"]].concat()).await;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("hourly:often: 3 runs for times from "), "{out}");
    assert_eq!(said(&place, &backfill).await.0, Some(2), "nobody can be asked");
    let done: Value =
        serde_json::from_str(&place.ask(&[&backfill[..], &["--yes", "--json"]].concat()).await).expect("JSON");
    assert_eq!((&done["count"], &done["dry_run"]), (&3.into(), &false.into()));
    wait_until(DEADLINE, "three runs, one after the other", async || {
        place.ask(&["runs", "list", "--status", "succeeded", "--json"]).await.lines().count() == 3
    })
    .await;
    let (_, out, _) = said(&place, &[&backfill[..], &["--yes"]].concat()).await;
    assert!(out.contains("; 3 have one already"), "{out}");
    let (_, out, _) = said(&place, &["schedule", "resume", "hourly:often"]).await;
    assert_eq!(out, "hourly:often fires again; see: onward schedule next\n");
    assert!(place.ask(&["doctor"]).await.contains(&format!("✓ time zones {}", onward_workflows::tzdb_version())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_run_is_canceled_and_its_successor_starts() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("replacing.yaml", REPLACING);
    place.ask(&["deploy", "--yes", "replacing.yaml"]).await;
    let count = async |status: &str| place.ask(&["runs", "list", "--status", status, "--json"]).await.lines().count();
    wait_until(DEADLINE, "two runs to be replaced", async || count("canceled").await >= 2).await;
    assert!(count("waiting").await + count("running").await + count("queued").await <= 1, "one at a time");
}
