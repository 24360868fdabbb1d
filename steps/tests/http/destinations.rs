//! Where requests may go.

use std::time::Duration;

use onward_steps::{Attempt, Settings, Steps};
use onward_workflows::{ErrorKind, Outcome};
use serde_json::json;

use crate::stand::{self, Stand};

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let stand = Stand::start().await;
    let port = stand.address().port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00::1]",
        "localhost",
        "LOCALHOST",
    ] {
        for scheme in ["http", "HTTPS"] {
            for method in ["GET", "POST"] {
                let config = json!({ "url": format!("{scheme}://{host}:{port}/rates"), "method": method });
                let error = stand.failed(config.clone()).await;
                assert_eq!((error.kind, error.retryable), (ErrorKind::Config, false), "{config}");
                assert_eq!(error.message, "`url`: this destination is not allowed");
            }
        }
    }
    assert_eq!(stand.requests(), []);
}

#[tokio::test]
async fn a_setting_lets_private_addresses_through() {
    let stand = Stand::start().await;
    let steps = Steps::new(Settings { allow_private_addresses: true, ..Settings::default() }).unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let config = json!({ "url": format!("http://{host}:{}/rates", stand.address().port()) });
        let attempt = Attempt {
            step_type: "http.request",
            config: &config,
            idempotency_key: stand::KEY,
            timeout: Duration::from_secs(30),
            trace_parent: None,
            secrets: &stand::NO_SECRETS,
            backing: &*stand::ALONE,
        };
        let outcome = steps.run(attempt).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{host} came to {outcome:?}");
    }
}

#[tokio::test]
async fn a_mapped_name_keeps_its_name_and_the_port_the_author_wrote() {
    let stand = Stand::start().await;
    stand.done(json!({ "url": "http://SHOP.test:8080/rates" })).await;
    assert_eq!(stand.only_request().headers["host"], "shop.test:8080");
}
