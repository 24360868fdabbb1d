//! Documents of the replaced system, from files and from standard input; tasks of fang, from its table.

use std::fs::File;
use std::process::Stdio;

use onward_testkit::TestDatabase;
use serde_json::{Value, json};
use sqlx::Executor;

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

#[tokio::test(flavor = "multi_thread")]
async fn waiting_tasks_of_fang_become_runs_once() {
    let database = TestDatabase::new().await;
    let place = Place::new(vec![("DATABASE_URL", database.url())]);
    let (code, _, talk) = said(&place, &["import", "fang"]).await;
    assert_eq!((code, talk.contains("there is no table `fang_tasks`"), talk.contains("--from")), (Some(4), true, true));
    let mut connection = database.connection().await;
    let rows = r#"create table fang_tasks (
            id uuid primary key default gen_random_uuid(), metadata jsonb not null, state text not null,
            task_type text not null default 'common', uniq_hash text,
            scheduled_at timestamptz not null default now(), updated_at timestamptz not null default now()
        );
        insert into fang_tasks (metadata, state) values
            ('{"type": "SendMail", "to": 1}', 'new'), ('{"type": "SendMail", "to": 2}', 'retried'),
            ('{"type": "SendMail", "to": 3}', 'in_progress'), ('{"type": "SendMail", "to": 4}', 'finished')"#;
    connection.execute(rows).await.expect("make rows");
    let first = place.ask(&["import", "fang"]).await;
    assert!(first.starts_with("imported  2 tasks\n"), "{first}");
    assert!(first.contains("1 task  left alone: in progress\n          1 task  left alone: finished"), "{first}");
    let row: Value = serde_json::from_str(&place.ask(&["import", "fang", "--json"]).await).expect("an object");
    assert_eq!((&row["imported"], &row["already"], &row["in_progress"]), (&json!(0), &json!(2), &json!(1)));
    let runs: i64 = sqlx::query_scalar("select count(*) from onward.run where workflow = 'job_send-mail'")
        .fetch_one(&mut connection)
        .await
        .expect("count the runs");
    assert_eq!(runs, 2);
    assert_eq!(said(&place, &["import", "fang", "file.json"]).await.0, Some(2));
    assert_eq!(said(&place, &["import", "visapi"]).await.0, Some(2));
}
