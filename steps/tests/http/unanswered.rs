//! No answer, or half of one: a failure where nothing was sent or repeating is safe, ambiguous otherwise.

use std::net::Ipv4Addr;

use onward_steps::{Attempt, Settings, Steps};
use onward_testkit::standin::Totals;
use onward_workflows::ErrorKind;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::stand::{self, LONG, Stand};

fn order(method: &str, url: &str) -> Value {
    json!({ "url": url, "method": method, "body": { "order": "12" } })
}

/// A POST without a body is a different path through the client than one with.
fn posts(url: &str) -> [Value; 3] {
    [order("POST", url), order("PATCH", url), json!({ "url": url, "method": "POST" })]
}

#[tokio::test]
async fn nobody_listening_is_retryable_for_every_method() {
    let stand = Stand::start().await;
    let [post, patch, empty] = posts("http://closed.test/confirmations");
    for config in [json!({ "url": "http://closed.test/rates" }), post, patch, empty] {
        let error = stand.failed(config.clone()).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Network, true), "{config}");
        assert_eq!(error.code.as_deref(), Some("connect_failed"));
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_retryable_for_every_method() {
    let stand = Stand::start().await;
    // Too long for a name, so that no name server has to be asked.
    let url = format!("http://{}.test/", "a".repeat(64));
    let [post, patch, empty] = posts(&url);
    for config in [json!({ "url": url }), post, patch, empty] {
        let error = stand.failed(config.clone()).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Network, true), "{config}");
        assert_eq!(error.code.as_deref(), Some("name_not_found"), "{}", error.message);
    }
}

#[tokio::test]
async fn tls_that_fails_is_retryable_for_every_method() {
    let stand = Stand::start().await;
    let [post, patch, empty] = posts("https://shop.test/confirmations");
    for config in [json!({ "url": "https://shop.test/rates" }), post, patch, empty] {
        let error = stand.failed(config.clone()).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Network, true), "{config}");
    }
    assert_eq!(stand.requests(), []);
}

#[tokio::test]
async fn a_safe_request_without_an_answer_is_retryable() {
    let stand = Stand::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let error = stand.failed(order(method, "http://shop.test/reports/1?fault=reset")).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Network, true), "{method}");
        let config = order(method, "http://shop.test/reports/1?fault=hang");
        let error = stand::failed(&config, stand.run_out_of_time(&config).await);
        assert_eq!((error.kind, error.retryable), (ErrorKind::Timeout, true), "{method}");
    }
}

#[tokio::test]
async fn an_unsafe_request_without_an_answer_is_ambiguous() {
    let stand = Stand::start().await;
    for config in posts("http://shop.test/confirmations?fault=reset") {
        let error = stand.ambiguous(config.clone()).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Ambiguous, false), "{config}");
    }
    for config in posts("http://shop.test/confirmations?fault=hang") {
        let error = stand::ambiguous(&config, stand.run_out_of_time(&config).await);
        assert_eq!((error.kind, error.retryable), (ErrorKind::Ambiguous, false), "{config}");
    }
    assert_eq!(stand.requests().len(), 6, "one attempt is one request");
}

#[tokio::test]
async fn a_repeated_put_is_one_effect_on_the_other_side() {
    let stand = Stand::start().await;
    let config = order("PUT", "http://shop.test/reports/1?fault=reset&times=2");
    assert!(stand.failed(config.clone()).await.retryable);
    assert!(stand.failed(config.clone()).await.retryable);
    assert_eq!(stand.done(config).await["body"], json!({ "order": "12" }));
    assert_eq!(stand.totals(), Totals { requests: 3, keys: 1, effects: 1, repeated: 2, duplicates: 0 });
}

#[tokio::test]
async fn an_author_who_writes_a_key_makes_a_post_safe() {
    let stand = Stand::start().await;
    let mut config = order("POST", "http://shop.test/confirmations?fault=reset");
    assert!(!stand.steps().safe_to_repeat("http.request", &config, false));
    config["headers"] = json!({ "Idempotency-Key": "order-12" });
    assert!(stand.steps().safe_to_repeat("http.request", &config, false));
    assert!(stand.failed(config).await.retryable);
}

#[tokio::test]
async fn half_an_answer_is_retryable_only_where_repeating_is_safe() {
    let stand = Stand::start().await;
    let cut = |method| order(method, "http://shop.test/reports/1?fault=cut");
    let error = stand.failed(cut("PUT")).await;
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Network, Some("answer_broken")));
    let config = json!({
        "url": "http://shop.test/confirmations?fault=cut",
        "method": "POST",
        "body": { "order": "12" },
    });
    assert_eq!(stand.ambiguous(config).await.code.as_deref(), Some("answer_broken"));

    let slow = order("PUT", "http://shop.test/reports/1?fault=slow");
    let error = stand::failed(&slow, stand.run_out_of_time(&slow).await);
    assert_eq!((error.kind, error.retryable), (ErrorKind::Timeout, true));
    let slow = order("POST", "http://shop.test/confirmations?fault=slow");
    stand::ambiguous(&slow, stand.run_out_of_time(&slow).await);
}

#[tokio::test]
async fn a_status_decides_even_if_the_reason_never_arrives() {
    let stand = Stand::start().await;
    let config = json!({ "url": "http://shop.test/rates?fault=slow", "method": "POST" });
    let error = stand.failed(config).await;
    assert_eq!((error.status, error.retryable), (Some(405), false));
    assert_eq!(error.details, Some(json!({ "body": "{" })));
}

/// The other side accepts the connection and never answers the TLS greeting: nothing of the request is out.
#[tokio::test]
async fn a_timeout_before_anything_was_sent_is_retryable_for_every_method() {
    let (steps, server) = silent().await;
    for config in posts("https://silent.test/confirmations") {
        let (outcome, _stream) = tokio::join!(steps.run(attempt(&config)), async {
            let mut stream = server.accept().await.unwrap().0;
            stream.read_exact(&mut [0; 5]).await.unwrap();
            stand::run_out_the_clock().await;
            stream
        });
        let error = stand::failed(&config, outcome);
        assert_eq!((error.kind, error.retryable), (ErrorKind::Timeout, true), "{config}");
    }
}

/// The other side has the first bytes and says nothing more: it may have all of them.
#[tokio::test]
async fn a_timeout_after_the_first_byte_is_ambiguous() {
    let (steps, server) = silent().await;
    for config in posts("http://silent.test/confirmations") {
        let (outcome, _stream) = tokio::join!(steps.run(attempt(&config)), async {
            let mut stream = server.accept().await.unwrap().0;
            stream.read_exact(&mut [0; 5]).await.unwrap();
            stand::run_out_the_clock().await;
            stream
        });
        stand::ambiguous(&config, outcome);
    }
}

/// A server that is not a stand-in, because it never gets as far as HTTP.
async fn silent() -> (Steps, TcpListener) {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let http_hosts = vec![("silent.test".to_owned(), server.local_addr().unwrap().into())];
    (Steps::new(Settings { http_hosts, ..Settings::default() }).unwrap(), server)
}

fn attempt(config: &Value) -> Attempt<'_> {
    Attempt {
        step_type: "http.request",
        config,
        idempotency_key: stand::KEY,
        timeout: LONG,
        trace_parent: None,
        secrets: &stand::NO_SECRETS,
        backing: &*stand::ALONE,
    }
}
