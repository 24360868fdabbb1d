//! `onward dev`: a folder that is watched, and a broken file that does no harm.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use onward_testkit::{Process, wait_until};

use crate::place::{DEADLINE, Place};

fn greeting(text: &str) -> String {
    format!("version: 1\nname: greet\nsteps: [{{ id: say, type: value, config: {text} }}]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_deployed_and_a_broken_one_keeps_its_last_version() {
    let place = Place::new(vec![]);
    let file = place.folder.path().join("greet.yaml");
    fs::write(&file, greeting("hello")).expect("write the document");
    let mut dev = Process::start(&mut place.command(&["dev"]));
    dev.wait_for_line("✓ greet").await;
    let key = fs::metadata(place.folder.path().join(".onward/dev.key")).expect("the development key is there");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert!(place.ask(&["run", "greet"]).await.contains("\"hello\""));

    fs::write(&file, greeting("changed")).expect("change the document");
    wait_until(DEADLINE, "the change to be deployed", async || {
        place.ask(&["run", "greet"]).await.contains("\"changed\"")
    })
    .await;

    fs::write(&file, greeting("changed").replace("type: value", "type: valeu")).expect("break the document");
    dev.wait_for_line("did you mean `value`?").await;
    let says = "✗ greet.yaml   invalid; a version that was deployed before stays active";
    dev.wait_for_line(says).await;
    assert!(place.ask(&["run", "greet"]).await.contains("\"changed\""), "the last good version stays");

    place.write("other.yaml", &greeting("new").replace("greet", "other"));
    dev.wait_for_line("✓ other").await;
    fs::write(&file, greeting("repaired")).expect("repair the document");
    dev.wait_for_line("v2 → v3").await;
    fs::remove_file(&file).expect("remove the document");
    dev.wait_for_line("- greet.yaml   gone; what it deployed stays active").await;
    assert!(place.ask(&["run", "greet"]).await.contains("\"repaired\""));
    assert!(dev.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_stays_until_it_is_revoked() {
    let place = Place::new(vec![]);
    let file = place.folder.path().join(".onward/dev.key");
    let mut keys = Vec::new();
    for start in 0..3 {
        let mut dev = Process::start(&mut place.command(&["dev"]));
        dev.wait_for_line("watching").await;
        keys.push(fs::read_to_string(&file).expect("the development key is there"));
        place.ask(&["runs", "list"]).await;
        if start == 1 {
            let listed = place.ask(&["keys", "list"]).await;
            let id = listed.lines().nth(1).and_then(|row| row.split_whitespace().next()).expect("one key");
            place.ask(&["keys", "revoke", id]).await;
        }
        assert!(dev.terminate().await.success());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2], "a revoked key is of no use");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_checks_and_ends() {
    let place = Place::new(vec![]);
    let file = place.folder.path().join("greet.yaml");
    fs::write(&file, greeting("hello")).expect("write the document");
    assert_eq!(place.run(&["dev", "--once"]).await.status.code(), Some(0));
    fs::write(&file, "version: 1\nname: x\nsteps: [{ id: a, type: nothing }]\n").expect("break the document");
    assert_eq!(place.run(&["dev", "--once"]).await.status.code(), Some(3));
}
