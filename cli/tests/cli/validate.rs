//! Checking documents without a server.

use crate::place::{Place, example};

const BROKEN: &str = "version: 1\nname: broken\nsteps:\n  - id: a\n    type: log\n    config: { message: \"{{ steps.b.output }}\" }\n    retrys: 3\n";

#[tokio::test]
async fn what_is_right_is_one_line() {
    let place = Place::new(vec![]);
    let examples = ["hello.yaml", "order-confirmation.json", "nightly-report.yaml", "heartbeat.yaml"].map(example);
    let mut arguments = vec!["validate"];
    arguments.extend(examples.iter().map(String::as_str));
    let printed = place.ask(&arguments).await;
    assert!(printed.starts_with("ok  4 documents, 10 steps  "), "{printed}");
    assert_eq!(printed.lines().count(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_shown_where_it_stands() {
    let place = Place::new(vec![]);
    std::fs::write(place.folder.path().join("broken.yaml"), BROKEN).expect("write the document");
    let output = place.run(&["validate", "broken.yaml"]).await;
    assert_eq!(output.status.code(), Some(3));
    let expected = r#"error[E107]: there is no step called `b`
 --> broken.yaml:6:34
  |
6 |     config: { message: "{{ steps.b.output }}" }
  |                                  ^ "#;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("error[E101]: unknown field `retrys` in step `a`\n --> broken.yaml:7:5\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour where nobody sees it");
}

#[tokio::test]
async fn findings_are_objects_for_programs() {
    let place = Place::new(vec![]);
    std::fs::write(place.folder.path().join("broken.yaml"), BROKEN).expect("write the document");
    let output = place.run(&["validate", "--json", "broken.yaml"]).await;
    assert_eq!(output.status.code(), Some(3));
    let findings: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect();
    assert_eq!(
        findings.iter().map(|finding| finding["code"].as_str().expect("a code")).collect::<Vec<_>>(),
        ["E107", "E101"]
    );
    assert_eq!(findings[1]["fixes"][0]["edits"][0]["text"], "retry");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_exit_4() {
    assert_eq!(Place::new(vec![]).run(&["validate", "nothing.yaml"]).await.status.code(), Some(4));
}

#[tokio::test]
async fn an_old_document_is_read_with_warnings() {
    let place = Place::new(vec![]);
    let printed = place.ask(&["validate", &example("visa-status-update.json")]).await;
    assert!(printed.contains("warning[W201]: `applicant` is read as `trigger.body.applicant`"), "{printed}");
    assert_eq!(printed.matches("warning[E203]").count(), 3);
    assert!(printed.contains("ok  1 document, 3 steps"), "{printed}");
}
