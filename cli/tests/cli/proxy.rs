//! Proxies of the environment are for servers elsewhere.

use onward_testkit::TestDatabase;

use crate::place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_not_asked_for_a_server_on_this_machine() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    // Nobody listens there: whoever asks it fails.
    for (name, value) in [("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")] {
        place.variables.push((name, value.to_owned()));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        place.variables.push((name, String::new()));
    }
    place.ask(&["runs", "list"]).await;
    let server = format!("http://{}", place.listen);
    place.ask(&["--server", &server, "runs", "list"]).await;
}
