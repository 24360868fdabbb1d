//! `onward validate` with `--fix` and with `--watch`.

use std::fs;
use std::process::Stdio;

use nix::sys::signal::Signal;
use onward_testkit::Process;

use crate::place::{Place, send_signal};

const HURRIED: &str = r#"{
  "version": 1
  "name": "hurried",
  "steps": [
    { "id": "a-b", "type": "value", "config": 1 },
    { "id": "c", "type": "value", "config": "{{ steps.a-b.output }}" },
    { "id": "d", "type": "valeu", "config": 1 }
  ]
}
"#;

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.folder.path().join(name)).expect("read a document")
}

#[tokio::test]
async fn what_is_certain_is_fixed_and_the_rest_is_shown() {
    let place = Place::new(vec![]);
    place.write("hurried.json", HURRIED);
    let output = place.run(&["validate", "--fix", "hurried.json"]).await;
    assert_eq!(output.status.code(), Some(3), "a typing mistake is left");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let fixed = "fixed E001 hurried.json:2:15  Insert `,`\nfixed E125 hurried.json:6:49  Write `steps.a_b`\n\n";
    assert!(out.starts_with(&format!("{fixed}error[E114]: unknown step type `valeu`\n")), "{out}");
    let safe = HURRIED.replace("\"version\": 1", "\"version\": 1,").replace("steps.a-b", "steps.a_b");
    assert_eq!(read(&place, "hurried.json"), safe);

    let out = place.ask(&["validate", "--fix", "--unsafe", "hurried.json"]).await;
    assert!(out.starts_with("fixed E114 hurried.json:7:26  Change to `value`\n\nok  1 document, 3 steps  "), "{out}");
    assert_eq!(read(&place, "hurried.json"), safe.replace("valeu", "value"));
    let out = place.ask(&["validate", "--fix", "hurried.json"]).await;
    assert!(out.starts_with("ok  1 document, 3 steps  "), "nothing is left to fix: {out}");
    assert_eq!(place.run(&["validate", "--unsafe", "hurried.json"]).await.status.code(), Some(2));
    assert_eq!(place.run(&["validate", "--fix", "--watch"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn what_was_fixed_is_an_object_for_programs() {
    let place = Place::new(vec![]);
    place.write("hurried.json", HURRIED);
    let output = place.run(&["validate", "--fix", "--json", "hurried.json"]).await;
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect();
    let codes: Vec<_> = lines.iter().map(|line| (line["fixed"].as_str(), line["code"].as_str())).collect();
    assert_eq!(codes, [(Some("E001"), None), (Some("E125"), None), (None, Some("E114"))]);
}

#[tokio::test]
async fn the_repaired_document_goes_to_standard_output() {
    let place = Place::new(vec![]);
    place.write("hurried.json", HURRIED);
    let file = fs::File::open(place.folder.path().join("hurried.json")).expect("open the document");
    let mut command = tokio::process::Command::from(place.command(&["validate", "--fix", "--unsafe", "-"]));
    let output = command.stdin(Stdio::from(file)).output().await.expect("run the command");
    place.write("repaired.json", &String::from_utf8_lossy(&output.stdout));
    assert!(place.ask(&["validate", "repaired.json"]).await.starts_with("ok  1 document, 3 steps  "));
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(talk.starts_with("fixed E001 <stdin>:2:15  Insert `,`\n") && talk.contains("\nok  1 document"), "{talk}");
    assert_eq!(read(&place, "hurried.json"), HURRIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_checked_at_once_until_somebody_has_enough() {
    let place = Place::new(vec![]);
    let document =
        |step_type: &str| format!("version: 1\nname: w\nsteps: [{{ id: a, type: {step_type}, config: 1 }}]\n");
    place.write("w.yaml", &document("value"));
    let mut watching = Process::start(&mut place.command(&["validate", "--watch"]));
    watching.wait_for_line("ok  1 document, 1 step ").await;
    watching.wait_for_line("watching; Ctrl-C ends it").await;
    place.write("w.yaml", &document("valeu"));
    watching.wait_for_line("changed  w.yaml").await;
    watching.wait_for_line("error[E114]: unknown step type `valeu`").await;
    watching.wait_for_line("1 of 1 document is invalid").await;
    place.write("new.yaml", &document("value"));
    watching.wait_for_line("changed  new.yaml").await;
    watching.wait_for_line("1 of 2 documents is invalid").await;
    send_signal(watching.id(), Signal::SIGINT);
    assert_eq!(watching.wait().await.code(), Some(130));
    assert_eq!(place.run(&["validate", "--watch", "-"]).await.status.code(), Some(2));
}
