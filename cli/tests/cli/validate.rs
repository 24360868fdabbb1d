//! Checking documents without a server.

use std::fs::File;
use std::process::{Output, Stdio};

use insta::assert_snapshot;

use crate::place::{Place, example};

const EXAMPLES: [&str; 5] =
    ["heartbeat.yaml", "hello.yaml", "nightly-report.yaml", "order-confirmation.json", "visa-status-update.json"];

const BROKEN: &str = r#"version: 1
name: broken
triggers: [{ type: cron, config: { schedule: "61 * * * *" } }]
steps:
  - id: a
    type: log
    config: { message: "{{ steps.b.output }}" }
    retrys: 3
  - id: c
    type: valeu
"#;

/// A place with the examples and a broken document in it.
fn place() -> Place {
    let place = Place::new(vec![]);
    for name in EXAMPLES {
        std::fs::copy(example(name), place.folder.path().join(name)).expect("copy an example");
    }
    place.write("broken.yaml", BROKEN);
    place
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn what_is_right_is_one_line() {
    let place = place();
    let printed = place.ask(&["validate", EXAMPLES[0], EXAMPLES[1], EXAMPLES[2], EXAMPLES[3]]).await;
    let (counts, took) = printed.trim_end().rsplit_once("  ").expect("a time at the end");
    assert_eq!(counts, "ok  4 documents, 10 steps");
    assert!(took.strip_suffix(" ms").is_some_and(|millis| millis.parse::<u32>().is_ok()), "{took}");
    assert_eq!(place.ask(&["validate", "--json", "hello.yaml"]).await, "", "no finding, no object");
}

#[tokio::test]
async fn what_is_wrong_is_shown_where_it_stands() {
    let place = place();
    let output = place.run(&["validate", "broken.yaml", "hello.yaml"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 of 2 documents is invalid\n");
    let text = stdout(&output);
    assert!(!text.contains('\u{1b}'), "no colour where nobody sees it");
    assert_snapshot!("broken", text);
}

#[tokio::test]
async fn findings_are_objects_for_programs() {
    let place = place();
    let output = place.run(&["validate", "--json", "broken.yaml"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_snapshot!("broken_json", pretty(&stdout(&output)));
}

#[tokio::test]
async fn an_old_document_is_read_with_warnings() {
    let place = place();
    let printed = place.ask(&["validate", "visa-status-update.json"]).await;
    let (findings, summary) = printed.trim_end().rsplit_once('\n').expect("a summary at the end");
    assert!(summary.starts_with("ok  1 document, 3 steps  "), "{summary}");
    assert_snapshot!("old", findings);
    assert_snapshot!("old_json", pretty(&place.ask(&["validate", "--json", "visa-status-update.json"]).await));
}

#[tokio::test]
async fn a_folder_means_its_documents() {
    let place = place();
    place.write("package.json", "{ \"name\": \"no workflow\" }");
    let output = place.run(&["validate"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 of 6 documents is invalid\n");
    assert_eq!(place.run(&["validate", "."]).await.stdout, output.stdout);

    std::fs::create_dir(place.folder.path().join("workflows")).expect("make a folder");
    place.write("workflows/good.yaml", &std::fs::read_to_string(example("hello.yaml")).expect("read an example"));
    assert!(place.ask(&["validate"]).await.starts_with("ok  1 document, 1 step "));
    assert_eq!(place.run(&["validate", "nothing.yaml"]).await.status.code(), Some(4));
    let nothing = Place::new(vec![]).run(&["validate"]).await;
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no workflow documents here"));
}

#[tokio::test]
async fn standard_input_is_a_document_too() {
    let place = place();
    for (name, code) in [("hello.yaml", 0), ("order-confirmation.json", 0), ("broken.yaml", 3)] {
        let file = File::open(place.folder.path().join(name)).expect("open the document");
        let mut command = tokio::process::Command::from(place.command(&["validate", "-"]));
        let output = command.stdin(Stdio::from(file)).output().await.expect("run the command");
        assert_eq!(output.status.code(), Some(code), "{name}");
        assert!(code == 0 || stdout(&output).contains("--> <stdin>:7:34\n"), "{}", stdout(&output));
    }
}

#[tokio::test]
async fn what_the_readme_shows_is_valid() {
    let readme = include_str!("../../../README.md");
    let documents: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(documents.len() >= 2, "the example, and a longer one");
    assert_eq!(documents[0].trim(), readable(&example("hello.yaml")), "the example as it is shown");
    let place = Place::new(vec![]);
    for document in documents {
        place.write("shown.yaml", document);
        assert!(place.ask(&["validate", "shown.yaml"]).await.starts_with("ok  1 document, "), "{document}");
    }
}

/// A document without the comments at its head.
fn readable(file: &str) -> String {
    let text = std::fs::read_to_string(file).expect("read an example");
    text.lines().skip_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// One object a line, laid out for the reader of a snapshot.
fn pretty(lines: &str) -> String {
    let objects = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object"));
    objects.map(|object| format!("{object:#}")).collect::<Vec<_>>().join("\n")
}
