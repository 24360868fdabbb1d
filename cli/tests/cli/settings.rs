//! Settings complain together, before anything is started.

use crate::place::Place;

#[tokio::test]
async fn everything_that_is_wrong_is_reported_at_once() {
    let place = Place::new(vec![("ONWARD_SEATS", "0".to_owned()), ("DATABASE_URL", "mysql://x".to_owned())]);
    std::fs::write(place.folder.path().join("onward.toml"), "listn = '127.0.0.1:1'\nqueues = ['a', 'b']\n")
        .expect("write the file");
    let output = place.run(&["serve"]).await;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "unknown setting `listn`; did you mean `listen`?",
        "0 is not a number from 1 to 10000",
        "DATABASE_URL: not a Postgres URL",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[tokio::test]
async fn names_around_the_address_guard_have_to_be_allowed() {
    let place = Place::new(vec![("ONWARD_HTTP_HOSTS", "shop.test=127.0.0.1:1".to_owned())]);
    for command in ["serve", "worker"] {
        let output = place.run(&[command]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-http-hosts"));
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_exit_8() {
    let place = Place::new(vec![("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none".to_owned())]);
    assert_eq!(place.run(&["serve"]).await.status.code(), Some(8));
    assert_eq!(place.run(&["keys", "list"]).await.status.code(), Some(8));
}
