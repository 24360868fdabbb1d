//! Workflows from templates.

use std::fs;

use serde_json::Value;

use crate::place::Place;

async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

async fn templates() -> Vec<String> {
    let listed = Place::new(vec![]).ask(&["new", "--json"]).await;
    let rows = listed.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn every_template_is_right_and_laid_out() {
    let names = templates().await;
    assert_eq!(names, ["hello", "cron-report", "webhook", "loop", "approval", "saga"]);
    let place = Place::new(vec![]);
    for name in &names {
        place.ask(&["new", name]).await;
        let asked = format!("My {name} 2");
        let row: Value =
            serde_json::from_str(&place.ask(&["new", name, "--name", &asked, "--json"]).await).expect("JSON");
        assert_eq!(row["id"], format!("my-{name}-2"));
        let text = fs::read_to_string(place.folder.path().join(format!("my-{name}-2.yaml"))).expect("read it");
        assert!(text.starts_with("# ") && text.contains("\nversion: 1\n"), "{text}");
        assert!(
            text.contains(&format!("\nname: {asked}\n")) && !text.contains(&format!("onward run {name}\n")),
            "{text}"
        );
    }
    assert_eq!(place.ask(&["validate", "--json"]).await, "", "no finding, not even a warning");
    assert_eq!(place.ask(&["fmt", "--check"]).await, "");
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let place = Place::new(vec![]);
    let (code, out, talk) = said(&place, &["new", "hello"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "  + hello.yaml\n  + AGENTS.md\n"));
    assert!(talk.contains("onward validate hello.yaml"), "{talk}");
    let agents = fs::read_to_string(place.folder.path().join("AGENTS.md")).expect("read it");
    assert!(agents.contains("onward validate --fix"), "{agents}");
    place.write("AGENTS.md", "mine\n");
    place.write("hello.yaml", "mine\n");
    let (code, _, talk) = said(&place, &["new", "hello"]).await;
    assert_eq!((code, talk.as_str()), (Some(6), "onward: hello.yaml is already there; choose another --name\n"));
    assert_eq!(said(&place, &["new", "saga"]).await.1, "  + saga.yaml\n");
    for name in ["AGENTS.md", "hello.yaml"] {
        assert_eq!(fs::read_to_string(place.folder.path().join(name)).expect("read it"), "mine\n");
    }
}

#[tokio::test]
async fn the_folder_of_workflows_and_the_schema_are_found() {
    let place = Place::new(vec![]);
    fs::create_dir(place.folder.path().join("workflows")).expect("make a folder");
    place.ask(&["schema", "--out", "workflow.schema.json"]).await;
    assert!(place.ask(&["new", "hello", "--name", "1e5"]).await.starts_with("  + workflows/1e5.yaml\n"));
    let text = fs::read_to_string(place.folder.path().join("workflows/1e5.yaml")).expect("read it");
    assert!(text.starts_with("# yaml-language-server: $schema=../workflow.schema.json\n#"), "{text}");
    place.ask(&["validate"]).await;
    place.ask(&["fmt", "--check"]).await;
    assert_eq!(said(&place, &["new", "helo"]).await.0, Some(4));
    assert_eq!(said(&place, &["new", "hello", "--name", "ויזה"]).await.0, Some(2));
    assert_eq!(said(&place, &["new", "hello", "--name", "../x"]).await.1, "  + workflows/x.yaml\n");
}

#[tokio::test]
async fn help_has_pages_besides_the_commands() {
    let place = Place::new(vec![]);
    assert!(place.ask(&["help"]).await.contains("\nPages: onward help agents | exit-codes | environment\n"));
    assert!(place.ask(&["help", "agents"]).await.starts_with("agents: "));
    assert!(place.ask(&["help", "exit-codes"]).await.contains("\n    9    there are differences"));
    assert!(place.ask(&["help", "environment"]).await.contains("DATABASE_URL"));
    assert!(place.ask(&["help", "runs", "list"]).await.contains("--status"));
    assert_eq!(said(&place, &["help", "nothing"]).await.0, Some(4));
}
