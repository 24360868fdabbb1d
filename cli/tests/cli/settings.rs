//! Settings complain together, before anything is started.

use insta::assert_snapshot;

use crate::place::{Place, example};

#[tokio::test]
async fn everything_that_is_wrong_is_reported_at_once() {
    let place = Place::new(vec![
        ("ONWARD_SEATS", "0".to_owned()),
        ("ONWARD_QUEUES", ", ,".to_owned()),
        ("ONWARD_ALLOW_HTTP_HOSTS", "perhaps".to_owned()),
        ("DATABASE_URL", "mysql://onward:hush@db.test/onward".to_owned()),
    ]);
    place.write("onward.toml", "listn = '127.0.0.1:1'\ntelemetry = true\nlog = 1.5\nkeyring = [1]\n");
    let output = place.run(&["--http-hosts", "shop.test", "--server", "localhost:7333", "serve"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("hush"), "a secret is not repeated");
    assert_snapshot!(text);
    assert!(!place.folder.path().join(".onward").exists(), "nothing was started");
}

#[tokio::test]
async fn a_file_that_is_no_toml_or_cannot_be_read_is_not_passed_over() {
    let place = Place::new(vec![]);
    place.write("onward.toml", "seats = 3\nlisten = 127.0.0.1:1\n");
    let output = place.run(&["validate", &example("hello.yaml")]).await;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("onward.toml: ") && text.contains("line 2"), "{text}");

    std::fs::remove_file(place.folder.path().join("onward.toml")).expect("remove the file");
    std::fs::create_dir(place.folder.path().join("onward.toml")).expect("put a folder in its place");
    let output = place.run(&["validate", &example("hello.yaml")]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("onward.toml cannot be read"));
}

#[tokio::test]
async fn the_keyring_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(vec![]);
    place.write("keyring", "master_key = 'ab'\n");
    let file = place.folder.path().join("keyring");
    for (mode, wanted) in [(0o644, "can be read by others"), (0o600, "needs `master_key`: 64 hexadecimal digits")] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("change the mode");
        let output = place.run(&["serve", "--keyring", "keyring"]).await;
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(wanted), "{text}");
    }
}
