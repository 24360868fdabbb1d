//! Documents of the replaced system, from files and from standard input.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::place::{Place, example};

async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn what_is_printed_is_a_right_document() {
    let place = Place::new(vec![]);
    let (code, out, talk) = said(&place, &["import", "visapi", &example("visa-status-update.json")]).await;
    assert_eq!(code, Some(0), "{talk}");
    assert!(out.starts_with("version: 1\nname: Visa Status Update\n"), "{out}");
    assert!(talk.contains("      steps: one that fails for good fails the run"), "{talk}");
    assert!(!talk.contains("E203"), "{talk}");
    place.write("new.yaml", &out);
    let (code, findings, _) = said(&place, &["validate", "new.yaml"]).await;
    assert_eq!((code, findings.contains("W201")), (Some(0), false), "{findings}");
    place.ask(&["fmt", "--check", "new.yaml"]).await;

    let file = File::open(example("visa-status-update.json")).expect("open the example");
    let mut command = tokio::process::Command::from(place.command(&["import", "visapi", "-", "--json"]));
    let output = command.stdin(Stdio::from(file)).output().await.expect("run the command");
    let row: Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!((row["id"].as_str(), row["document"].as_str()), (Some("visa-status-update"), Some(out.as_str())));
    assert_eq!((row["valid"].as_bool(), row["file"].is_null()), (Some(true), true));
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each() {
    let place = Place::new(vec![]);
    let one = |name: &str, step_type: &str| {
        format!(r#"{{ "name": "{name}", "steps": [{{ "id": "a", "type": "{step_type}", "config": {{}} }}] }}"#)
    };
    place.write("old.json", &format!("[{}, {}]", one("First", "delay"), one("Second", "storage.upload")));
    assert_eq!(said(&place, &["import", "visapi", "old.json"]).await.0, Some(2), "where to?");
    let arguments = ["import", "visapi", "old.json", "--out", "new/here", "--format", "json"];
    let (code, out, talk) = said(&place, &arguments).await;
    assert_eq!((code, talk.as_str()), (Some(3), "1 of 2 documents is invalid\n"));
    assert!(out.starts_with("  + new/here/first.json\n"), "{out}");
    assert!(out.contains("error[E114]: unknown step type `storage.upload`\n --> new/here/second.json:"), "{out}");
    assert!(place.ask(&["validate", "new/here/first.json"]).await.starts_with("ok  1 document"));
    let (code, _, talk) = said(&place, &arguments).await;
    assert_eq!(code, Some(6), "{talk}");
    place.write("broken.json", "{ \"name\": ");
    assert_eq!(said(&place, &["import", "visapi", "broken.json"]).await.0, Some(3));
    assert_eq!(said(&place, &["import", "visapi", "nothing.json"]).await.0, Some(4));
}
