//! `onward secrets`, and the documents that need them.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use onward_testkit::{Process, TestDatabase};

use crate::place::Place;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const CANARY: &str = "canary-0123456789";
const SENDS: &str =
    "version: 1\nname: sends\nsecrets: [TOKEN]\nsteps:\n  - { id: a, type: log, config: { message: hi } }\n";
const CALLS: &str = "version: 1\nname: calls\nsteps:\n  - { id: a, type: call, config: { workflow: sends } }\n";

/// With a text on standard input.
fn told(place: &Place, arguments: &[&str], text: &str) -> Output {
    let mut command = place.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the command");
    // One that refuses at once does not read.
    let _ = child.stdin.take().expect("it is piped").write_all(text.as_bytes());
    child.wait_with_output().expect("the command ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_points_at_what_is_not_set_and_goes_through_once_it_is() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url()), ("ONWARD_SECRETS_KEY", KEY.to_owned())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("sends.yaml", SENDS);
    let refused = place.run(&["deploy", "--dry-run", "sends.yaml"]).await;
    assert_eq!(refused.status.code(), Some(3));
    let out = text(&refused.stdout);
    assert!(out.contains("error[E202]: the secret `TOKEN` is not set on this server"), "{out}");
    assert!(out.contains("sends.yaml:3:11") && out.contains("^^^^^ its runs could not begin"), "{out}");
    assert!(out.contains("onward secrets set TOKEN"), "{out}");
    assert!(place.ask(&["validate", "sends.yaml"]).await.starts_with("ok  "));

    let set = told(&place, &["secrets", "set", "TOKEN"], &format!("{CANARY}\n"));
    assert!(set.status.success(), "{}", text(&set.stderr));
    assert_eq!(text(&set.stdout), "TOKEN is set; runs use it within seconds\n");
    place.write("value", CANARY);
    place.ask(&["secrets", "set", "OTHER", "--file", "value"]).await;
    let plan = place.ask(&["deploy", "--yes", "sends.yaml"]).await;
    assert!(plan.contains("  secrets: the one that is declared is set\n"), "{plan}");

    let listed = place.ask(&["secrets", "list"]).await;
    let lines: Vec<&str> = listed.lines().map(str::trim_end).collect();
    assert!(lines[1].starts_with("OTHER  good") && lines[1].ends_with("test    -"), "{listed}");
    assert!(lines[2].starts_with("TOKEN  good") && lines[2].ends_with("sends"), "{listed}");
    assert!(!listed.contains("canary"));
    assert_eq!(place.run(&["secrets", "unset", "TOKEN"]).await.status.code(), Some(6), "it is used");
    place.ask(&["secrets", "unset", "OTHER"]).await;
    assert_eq!(place.run(&["secrets", "unset", "OTHER"]).await.status.code(), Some(4));
    assert_eq!(place.run(&["secrets", "set", "TOKEN", CANARY]).await.status.code(), Some(2), "never as an argument");
    assert!(place.ask(&["doctor"]).await.contains("✓ 1 secret can be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_of_secrets_that_are_not_set_or_sealed_with_another_key() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    let refused = told(&place, &["secrets", "set", "TOKEN"], CANARY);
    assert_eq!(refused.status.code(), Some(8));
    assert!(text(&refused.stderr).contains("openssl rand -base64 32"), "{}", text(&refused.stderr));
    let pool = onward_engine::database::connect(database.options(), 1).await.expect("connect");
    for sql in [
        "insert into onward.workflow (id, name, version, enabled) values ('w', 'w', 1, true)",
        "insert into onward.workflow_version (workflow, version, format, document, document_hash, secrets, created_by)
            values ('w', 1, 'yaml', '', '', '{SMTP_URL}', 'test')",
        "insert into onward.secret (name, sealed, key_id, updated_by)
            values ('TOKEN', decode(repeat('00', 40), 'hex'), 'another', 'test')",
    ] {
        sqlx::query(sql).execute(&pool).await.expect("write a row");
    }
    let examined = place.run(&["doctor"]).await;
    assert_eq!(examined.status.code(), Some(1));
    let out = text(&examined.stdout);
    assert!(out.contains("! secret SMTP_URL is used by 1 workflow and not set → onward secrets set SMTP_URL"), "{out}");
    assert!(out.contains("✗ the key given here does not open TOKEN"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_installation_makes_its_key_and_takes_documents_once_their_secrets_are_set() {
    let place = Place::new(vec![]);
    place.write("calls.yaml", CALLS);
    place.write("sends.yaml", SENDS);
    let mut dev = Process::start(&mut place.command(&["dev"]));
    dev.wait_for_line("the secret `TOKEN` is not set").await;
    let set = told(&place, &["secrets", "set", "TOKEN"], CANARY);
    assert!(set.status.success(), "{}", text(&set.stderr));
    dev.wait_for_line("✓ calls").await;
    let file = place.folder.path().join(".onward/secrets.key");
    let mode = std::fs::metadata(&file).expect("the key is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(file).expect("read the key").len(), 44);
}
