//! What people read: each text ends with what to do next, and says what is wrong in one line.

use onward_testkit::{TestDatabase, wait_until};
use serde_json::Value;

use crate::place::{DEADLINE, Place, example};

const BRANCHES: &str = "version: 1
name: branches
triggers: [{ type: webhook, config: { endpoint: branches } }]
inputs: { code: { type: string }, stop: { type: boolean, default: false } }
steps:
  - { id: skipped, type: log, if: inputs.stop, config: { message: never } }
  - { id: stop, type: fail, if: inputs.code == '5', config: { message: \"code {{ inputs.code }}\\nmore\" } }
output: \"{{ inputs.code }}\"
";

/// What a command says and how it ends; a running server and a key are at hand.
async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_step_by_step_and_a_failure_by_its_first_line() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("branches.yaml", BRANCHES);

    let (code, out, talk) = said(&place, &["run", "branches.yaml", "-i", "code=\"4\""]).await;
    assert_eq!(code, Some(0), "{talk}");
    assert!(out.contains("  – skipped              skipped\n") && out.ends_with("\n\"4\"\n"), "{out}");
    assert!(talk.starts_with("run_") && talk.contains("  branches  http://"), "{talk}");

    place.write("inputs.json", "{ \"code\": \"5\" }");
    let (code, out, _) = said(&place, &["run", "branches", "--input", "inputs.json"]).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("attempt 1: code 5\n✗ failed after ") && out.ends_with("  in stop: code 5\nmore\n"), "{out}");

    let (code, out, talk) = said(&place, &["runs", "list", "--status", "failed"]).await;
    let (head, row) = out.split_once('\n').expect("a head and a row");
    assert_eq!(code, Some(0));
    assert!(head.starts_with("RUN ") && row.trim_end().ends_with("  code 5"), "{out}");
    let failed = row.split_whitespace().next().expect("an id");
    assert_eq!(talk, format!("one of them: onward runs show {failed}\n"));
    let (_, out, _) = said(&place, &["runs", "show", failed]).await;
    assert!(out.contains("\nwhy: stop: code 5\n") && out.contains("\ninputs: {\"code\":\"5\""), "{out}");
    assert_eq!(
        said(&place, &["runs", "list", "--workflow", "other"]).await.2,
        "no runs; start one with: onward run NAME\n"
    );

    let (code, _, talk) = said(&place, &["run", "branches", "-i", "code=5"]).await;
    assert_eq!(code, Some(1));
    assert!(talk.contains("The inputs do not fit the workflow: /code: ") && talk.contains("-i 'code=\"5\"'"), "{talk}");
    assert_eq!(said(&place, &["run", "branches", "-i", "code"]).await.0, Some(2));
    assert_eq!(said(&place, &["run", "branches", "--timeout", "soon"]).await.0, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_answers_at_once_or_waits() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("branches.yaml", BRANCHES);
    place.ask(&["deploy", "--yes", "branches.yaml"]).await;
    place.write("body.json", "{ \"code\": \"4\" }");
    let (code, out, talk) = said(&place, &["trigger", "branches", "-d", "@body.json"]).await;
    let run = out.trim_end().rsplit_once("  ").expect("a status and an id").1.to_owned();
    assert_eq!((code, talk), (Some(0), format!("follow it with: onward runs follow {run}\n")));
    let (code, out, _) = said(&place, &["runs", "follow", &run, "--json"]).await;
    let detail: Value = serde_json::from_str(&out).expect("the run as JSON");
    assert_eq!((code, detail["output"].as_str()), (Some(0), Some("4")));
    assert_eq!(said(&place, &["trigger", "branches", "-d", "{\"code\":\"5\"}", "--wait"]).await.0, Some(1));
    assert_eq!(said(&place, &["trigger", "branches", "-d", "{"]).await.0, Some(2), "no JSON");
    assert_eq!(said(&place, &["trigger", "branches", "-d", "@nothing.json"]).await.0, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_and_the_same_again_changes_nothing() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    let files = [example("heartbeat.yaml"), example("hello.yaml")];
    let deploy = ["deploy", "--yes", files[0].as_str(), files[1].as_str()];
    let (code, out, talk) = said(&place, &deploy).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("  + heartbeat                v1, new            cron @every 5s UTC, next 2"), "{out}");
    assert!(talk.ends_with("; start one with: onward run heartbeat\n"), "{talk}");
    let (_, out, talk) = said(&place, &deploy).await;
    assert!(out.contains("  = hello                    v1, unchanged") && talk.is_empty(), "{out}{talk}");
    let (_, out, _) = said(&place, &["deploy", "--yes", "--prune", &files[1]]).await;
    assert!(out.contains("  - heartbeat                switched off"), "{out}");
    let (code, out, talk) = said(&place, &["schedule", "next", "heartbeat"]).await;
    assert_eq!((code, out.lines().count(), talk.as_str()), (Some(0), 1, "no cron trigger is enabled\n"), "{out}");

    place.write("broken.yaml", &BRANCHES.replace("type: log", "type: lok"));
    let (code, out, _) = said(&place, &["deploy", "--yes", "broken.yaml", &files[1]]).await;
    assert_eq!(code, Some(3));
    assert!(out.contains("error[E114]: unknown step type `lok`\n --> broken.yaml:6:"), "{out}");
    place.write("task.yaml", "version: 1\nname: task\nsteps: [{id: a, type: job.run, config: {task: {type: Mail}}}]\n");
    let unoffered = said(&place, &["deploy", "--yes", "task.yaml"]).await;
    assert_eq!(unoffered.0, Some(0), "a worker that has the type may come later");
    assert!(unoffered.1.contains("warning[E203]: no worker offers `job.run` yet"), "{}", unoffered.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_to_do_about_it() {
    let database = TestDatabase::empty().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    let (code, out, _) = said(&place, &["doctor"]).await;
    assert_eq!(code, Some(1));
    assert!(
        out.lines().last().is_some_and(|line| line.starts_with("✗ ") && line.ends_with(" → onward migrate")),
        "{out}"
    );
    assert!(place.ask(&["migrate", "status"]).await.starts_with("○ 0001 "));
    assert!(place.ask(&["migrate"]).await.starts_with("✓ 0001 "));

    place.make_key().await;
    let mut server = place.serve(&["serve", "--no-worker"]).await;
    place.write("branches.yaml", BRANCHES);
    place.ask(&["run", "branches.yaml", "-i", "code=\"4\"", "--detach"]).await;
    let (code, out, _) = said(&place, &["doctor"]).await;
    assert_eq!(code, Some(1));
    for line in
        ["✗ no worker is alive → onward worker", "✗ queue `default`: 1 waiting, nobody serves it → onward worker"]
    {
        assert!(out.contains(line), "{out}");
    }
    let _worker = place.serve(&["worker"]).await;
    wait_until(DEADLINE, "the doctor to be content", async || said(&place, &["doctor"]).await.0 == Some(0)).await;
    assert!(server.terminate().await.success());
    assert!(said(&place, &["doctor"]).await.1.contains("does not answer (nobody listens there)"));
}
