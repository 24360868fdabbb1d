//! What is sent, and what an answer becomes.

use std::time::Duration;

use onward_steps::{Attempt, Settings, Steps};
use onward_workflows::{ErrorKind, Outcome};
use serde_json::json;

use crate::stand::{self, Stand};

#[tokio::test]
async fn an_answer_becomes_the_output() {
    let stand = Stand::start().await;
    let output = stand.done(json!({ "url": "http://shop.test/orders/12" })).await;
    assert_eq!(output["status"], 200);
    assert_eq!(output["headers"]["content-type"], "application/json");
    assert_eq!(output["body"]["id"], "12");
    assert!(output["duration_ms"].is_u64());
}

#[tokio::test]
async fn method_query_headers_and_body_arrive() {
    let stand = Stand::start().await;
    stand
        .done(json!({
            "url": "http://shop.test/confirmations?a=1",
            "method": "POST",
            "query": { "tag": ["x y", 2] },
            "headers": { "X-Shop": "north" },
            "body": { "order": "12", "note": "שלום" },
            "expect_status": 201,
        }))
        .await;
    let received = stand.only_request();
    assert_eq!((received.method.as_str(), received.query.as_str()), ("POST", "a=1&tag=x+y&tag=2"));
    assert_eq!(received.headers["x-shop"], "north");
    assert_eq!(received.headers["host"], "shop.test");
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.headers["accept-encoding"], "identity");
    assert!(received.headers["user-agent"].starts_with("onward/"));
    assert_eq!(received.body, r#"{"note":"שלום","order":"12"}"#.as_bytes());
}

#[tokio::test]
async fn the_steps_key_and_the_trace_go_along_unless_the_author_wrote_others() {
    let stand = Stand::start().await;
    stand.done(json!({ "url": "http://shop.test/rates" })).await;
    let own = json!({ "url": "http://shop.test/rates", "headers": { "Idempotency-Key": "mine", "traceparent": "t" } });
    stand.done(own).await;
    let requests = stand.requests();
    assert_eq!(requests[0].key.as_deref(), Some(stand::KEY));
    assert_eq!(requests[0].headers["traceparent"], stand::TRACE_PARENT);
    assert_eq!(requests[1].key.as_deref(), Some("mine"));
    assert_eq!(requests[1].headers["traceparent"], "t");
}

#[tokio::test]
async fn the_body_is_given_as_the_author_asks() {
    let stand = Stand::start().await;
    let text = stand.done(json!({ "url": "http://shop.test/rates", "parse": "text" })).await;
    assert!(text["body"].as_str().is_some_and(|text| text.starts_with('{')));
    let none = stand.done(json!({ "url": "http://shop.test/rates", "parse": "none" })).await;
    assert_eq!(none["body"], json!(null));
    let head = stand.done(json!({ "url": "http://shop.test/rates", "method": "HEAD" })).await;
    assert_eq!(head["body"], json!(null));
}

#[tokio::test]
async fn a_body_that_is_not_json_fails_where_json_is_asked_for() {
    let stand = Stand::start().await;
    let config = json!({ "url": "http://shop.test/rates?fault=503", "expect_status": 503, "parse": "json" });
    let error = stand.failed(config).await;
    assert_eq!((error.kind, error.code.as_deref(), error.retryable), (ErrorKind::Http, Some("body_not_json"), false));
    assert_eq!(error.status, Some(503));
}

#[tokio::test]
async fn a_definite_failure_says_whether_another_attempt_makes_sense() {
    let stand = Stand::start().await;
    for (status, retryable) in
        [(408, true), (425, true), (429, true), (500, true), (503, true), (400, false), (404, false)]
    {
        for method in ["GET", "POST"] {
            let url = format!("http://shop.test/rates?fault={status}");
            let error = stand.failed(json!({ "url": url, "method": method })).await;
            assert_eq!((error.kind, error.status, error.retryable), (ErrorKind::Http, Some(status), retryable));
            assert!(error.message.contains(&format!("http://shop.test/rates answered {status}")), "{}", error.message);
        }
    }
}

#[tokio::test]
async fn an_unexpected_answer_is_quoted_but_not_at_length() {
    let stand = Stand::start().await;
    let error = stand.failed(json!({ "url": "http://shop.test/nowhere" })).await;
    assert_eq!(error.details, Some(json!({ "body": r#"{"error":"there is no such path here"}"# })));
    let error = stand.failed(json!({ "url": "http://shop.test/rates?fault=huge", "expect_status": 404 })).await;
    let details = error.details.unwrap();
    assert_eq!(details["body"].as_str().map(str::len), Some(2048));
}

#[tokio::test]
async fn the_wish_of_a_busy_server_is_kept() {
    let stand = Stand::start().await;
    let error = stand.failed(json!({ "url": "http://shop.test/rates?fault=429" })).await;
    assert_eq!(error.retry_after_ms, Some(1000));
    let error = stand.failed(json!({ "url": "http://shop.test/rates?fault=500" })).await;
    assert_eq!(error.retry_after_ms, None);
}

#[tokio::test]
async fn the_second_attempt_succeeds_where_the_first_met_a_hiccup() {
    let stand = Stand::start().await;
    let config = json!({ "url": "http://shop.test/orders/14" });
    let error = stand.failed(config.clone()).await;
    assert_eq!((error.status, error.retryable), (Some(503), true));
    assert_eq!(stand.done(config).await["body"]["id"], "14");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_given_up() {
    let stand = Stand::start().await;
    for method in ["GET", "POST"] {
        let config =
            json!({ "url": "http://shop.test/rates?fault=huge", "method": method, "expect_status": ["2xx", 405] });
        let error = stand.failed(config).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Limit, false));
        assert_eq!(error.code.as_deref(), Some("body_too_large"));
    }
}

#[tokio::test]
async fn a_config_that_cannot_be_taken_is_never_sent() {
    let stand = Stand::start().await;
    let url = "http://shop.test/rates";
    for config in [
        json!({ "url": url, "headers": { "x": "a\r\nx-admin: 1" } }),
        json!({ "url": url, "headers": { "x\r\nx-admin": "1" } }),
        json!({ "url": url, "headers": { "content-length": "9000" } }),
        json!({ "url": url, "method": "CONNECT" }),
        json!({ "url": "ftp://shop.test/rates" }),
        json!({ "url": "http://user:secret@shop.test/rates" }),
    ] {
        let error = stand.failed(config.clone()).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Config, false), "{config}");
        assert!(error.message.starts_with('`') && !error.message.contains("secret"), "{}", error.message);
    }
    assert_eq!(stand.requests(), []);
}

#[tokio::test]
async fn no_error_repeats_the_query_of_the_url() {
    let stand = Stand::start().await;
    let configs = [
        json!({ "url": "http://shop.test/rates?token=hidden&fault=500" }),
        json!({ "url": "http://shop.test/rates?token=hidden&fault=reset" }),
        json!({ "url": "http://shop.test/rates?token=hidden&fault=cut" }),
        json!({ "url": "http://closed.test/?token=hidden" }),
        json!({ "url": "http://10.0.0.1/?token=hidden" }),
    ];
    for config in configs {
        let error = stand.failed(config).await;
        assert!(!error.message.contains("hidden"), "{}", error.message);
    }
}

#[tokio::test]
async fn an_unknown_step_type_is_a_config_error() {
    let steps = Steps::new(Settings::default()).unwrap();
    let config = json!({});
    let attempt = Attempt {
        step_type: "no.such",
        config: &config,
        idempotency_key: "k",
        timeout: Duration::from_secs(1),
        trace_parent: None,
        secrets: &stand::NO_SECRETS,
        backing: &*stand::ALONE,
    };
    assert!(matches!(steps.run(attempt).await, Outcome::Failed(error) if error.kind == ErrorKind::Config));
    assert!(!steps.safe_to_repeat("no.such", &config, false));
}
