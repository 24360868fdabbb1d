//! `onward fmt`: files are laid out in place, or only named.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Output, Stdio};

use crate::place::{Place, example};

const ROUGH: &str = "# kept\nversion:   1\nname: 'rough'\nsteps:\n- {id: a,   type: value, config: 1}   # kept too\n";
const LAID_OUT: &str = "# kept\nversion: 1\nname: rough\nsteps:\n  - { id: a, type: value, config: 1 } # kept too\n";
const BROKEN: &str = "{ \"version\": 1 \"name\": \"broken\", \"steps\": [] }\n";

/// What a command says and how it ends.
async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    texts(&place.run(arguments).await)
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.folder.path().join(name)).expect("read a document")
}

#[tokio::test]
async fn files_are_laid_out_in_place() {
    let place = Place::new(vec![]);
    place.write("rough.yaml", ROUGH);
    place.write("broken.json", BROKEN);
    place.write("good.yaml", &fs::read_to_string(example("hello.yaml")).expect("read an example"));

    let (code, out, talk) = said(&place, &["fmt", "--check", "good.yaml", "rough.yaml"]).await;
    assert_eq!((code, out.as_str()), (Some(3), "rough.yaml\n"));
    assert_eq!(talk, "1 of 2 documents would change; write with: onward fmt\n");
    assert_eq!(read(&place, "rough.yaml"), ROUGH, "--check writes nothing");

    let (code, out, talk) = said(&place, &["fmt"]).await;
    assert_eq!(code, Some(3), "one of them is broken");
    assert!(out.starts_with("error[E001]: expected `,` or `}` after this value\n --> broken.json:1:15\n"), "{out}");
    assert!(out.ends_with("\nrough.yaml\n") && talk == "1 of 3 documents cannot be laid out\n", "{out}{talk}");
    assert_eq!((read(&place, "rough.yaml").as_str(), read(&place, "broken.json").as_str()), (LAID_OUT, BROKEN));

    let files = ["good.yaml", "rough.yaml"];
    assert_eq!(said(&place, &[&["fmt"], &files[..]].concat()).await, (Some(0), String::new(), String::new()));
    assert_eq!(said(&place, &[&["fmt", "--check"], &files[..]].concat()).await.0, Some(0));
    assert_eq!(said(&place, &["fmt", "nothing.yaml"]).await.0, Some(4));
    assert_eq!(fs::read_dir(place.folder.path()).expect("list the folder").count(), 3, "nothing is left behind");
}

#[tokio::test]
async fn a_file_stays_what_it_is_beside_its_text() {
    let place = Place::new(vec![]);
    place.write("rough.yaml", ROUGH);
    let file = place.folder.path().join("rough.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set its mode");
    symlink("rough.yaml", place.folder.path().join("link.yaml")).expect("make a link");
    assert_eq!(place.ask(&["fmt", "--json", "link.yaml"]).await, "{\"file\":\"link.yaml\",\"written\":true}\n");
    assert_eq!(read(&place, "rough.yaml"), LAID_OUT);
    assert_eq!(fs::metadata(&file).expect("the file is there").permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(place.folder.path().join("link.yaml")).expect("the link is there").is_symlink());
}

#[tokio::test]
async fn standard_input_goes_to_standard_output() {
    let place = Place::new(vec![]);
    place.write("rough.yaml", ROUGH);
    place.write("broken.json", BROKEN);
    let piped = async |name: &str, arguments: &[&str]| {
        let file = fs::File::open(place.folder.path().join(name)).expect("open the document");
        let mut command = tokio::process::Command::from(place.command(arguments));
        texts(&command.stdin(Stdio::from(file)).output().await.expect("run the command"))
    };
    assert_eq!(piped("rough.yaml", &["fmt", "-"]).await, (Some(0), LAID_OUT.to_owned(), String::new()));
    let (code, out, talk) = piped("broken.json", &["fmt", "-"]).await;
    assert_eq!((code, out.as_str()), (Some(3), ""), "nothing that could be taken for the document");
    assert!(talk.contains("--> <stdin>:1:15\n"), "{talk}");
    let (code, out, _) = piped("rough.yaml", &["fmt", "--check", "-"]).await;
    assert_eq!((code, out.as_str()), (Some(3), "<stdin>\n"));
}
