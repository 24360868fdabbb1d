//! Which files of a folder are documents, and how much of a file is read.

use std::fs;

use onward_testkit::Process;

use crate::place::{Place, example};

const GREET: &str = "version: 1\nname: greet\nsteps: [{ id: say, type: value, config: hello }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn other_files_with_steps_somewhere_are_left_alone() {
    let place = Place::new(vec![]);
    let write = |name: &str, text: &str| fs::write(place.folder.path().join(name), text).expect("write a file");
    write("greet.yaml", GREET);
    write("package.json", "{ \"name\": \"site\", \"scripts\": { \"steps\": \"make\" } }");
    write("build.yaml", "jobs:\n  build:\n    steps:\n      - run: make\n");
    let printed = place.ask(&["validate"]).await;
    assert!(printed.starts_with("ok  1 document, 1 step  "), "{printed}");
    write("broken.json", "{ \"name\": \"broken\", \"steps\": [ }");
    assert_eq!(place.run(&["validate"]).await.status.code(), Some(3), "a broken one is a document");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_loses_its_steps_is_shown_while_watching() {
    let place = Place::new(vec![]);
    let file = place.folder.path().join("greet.yaml");
    fs::write(&file, GREET).expect("write the document");
    let mut dev = Process::start(&mut place.command(&["dev"]));
    dev.wait_for_line("✓ greet").await;
    fs::write(&file, GREET.replace("steps", "stpes")).expect("break the document");
    dev.wait_for_line("unknown field `stpes`").await;
    assert!(place.ask(&["run", "greet"]).await.contains("\"hello\""), "the last good version stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_sent_whole_so_that_the_server_can_say_its_limit() {
    let place = Place::new(vec![]);
    let document = format!("{GREET}triggers: [{{ type: webhook, config: {{ endpoint: greet }} }}]\n");
    fs::write(place.folder.path().join("greet.yaml"), document).expect("write the document");
    let body = format!("{{ \"text\": \"{}\" }}", "a".repeat(800 * 1024));
    fs::write(place.folder.path().join("body.json"), body).expect("write the body");
    let mut dev = Process::start(&mut place.command(&["dev"]));
    dev.wait_for_line("✓ greet").await;
    let output = place.run(&["trigger", "greet", "-d", "@body.json"]).await;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("(413)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_come_from_a_file_and_one_by_one() {
    let place = Place::new(vec![]);
    fs::copy(example("hello.yaml"), place.folder.path().join("hello.yaml")).expect("copy the example");
    fs::write(place.folder.path().join("in.json"), "{ \"who\": \"file\" }").expect("write the inputs");
    let mut dev = Process::start(&mut place.command(&["dev"]));
    dev.wait_for_line("✓ hello").await;
    assert!(place.ask(&["run", "hello", "--input", "in.json"]).await.contains("\"Hello, file!\""));
    let both = place.ask(&["run", "hello", "--input", "in.json", "-i", "who=Dana"]).await;
    assert!(both.contains("\"Hello, Dana!\""), "{both}");
    let version = place.ask(&["version"]).await;
    assert_eq!(version.trim(), format!("onward {}", env!("CARGO_PKG_VERSION")));
}
