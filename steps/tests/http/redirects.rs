//! Redirects: not followed unless asked for, and never past the rules.

use onward_workflows::ErrorKind;
use serde_json::{Value, json};

use crate::stand::Stand;

fn redirect(method: &str, to: &str, status: u16, follow: bool) -> Value {
    json!({
        "url": "http://shop.test/confirmations",
        "method": method,
        "query": { "fault": "redirect", "to": to, "status": status },
        "headers": { "authorization": "Bearer hidden", "accept": "application/json" },
        "body": { "order": "12" },
        "follow_redirects": follow,
    })
}

#[tokio::test]
async fn a_redirect_is_an_error_unless_following_is_asked_for() {
    let stand = Stand::start().await;
    let error = stand.failed(redirect("GET", "/rates", 302, false)).await;
    assert_eq!((error.kind, error.status, error.retryable), (ErrorKind::Http, Some(302), false));
    assert_eq!(stand.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_can_be_the_expected_answer() {
    let stand = Stand::start().await;
    let mut config = redirect("GET", "/rates", 302, true);
    config["expect_status"] = json!("3xx");
    let output = stand.done(config).await;
    assert_eq!((&output["status"], &output["headers"]["location"]), (&json!(302), &json!("/rates")));
}

#[tokio::test]
async fn a_post_that_was_taken_is_looked_at_with_get() {
    let stand = Stand::start().await;
    let output = stand.done(redirect("POST", "/rates", 303, true)).await;
    assert_eq!(output["body"]["base"], "ILS");
    let requests = stand.requests();
    assert_eq!(requests.iter().map(|request| request.method.as_str()).collect::<Vec<_>>(), ["POST", "GET"]);
    assert_eq!(requests[1].headers["authorization"], "Bearer hidden");
    assert!(requests[1].body.is_empty());
}

#[tokio::test]
async fn a_post_that_was_moved_is_sent_there_with_its_body() {
    let stand = Stand::start().await;
    stand.done(redirect("POST", "/confirmations", 307, true)).await;
    let requests = stand.requests();
    assert_eq!((requests[1].method.as_str(), &requests[1].body), ("POST", &requests[0].body));
}

#[tokio::test]
async fn another_host_gets_no_credentials() {
    let stand = Stand::start().await;
    stand.done(redirect("GET", "http://other.test/rates", 302, true)).await;
    let second = &stand.requests()[1];
    assert_eq!((second.headers["host"].as_str(), &second.key), ("other.test", &None));
    assert!(!second.headers.contains_key("authorization"));
    assert_eq!(second.headers["accept"], "application/json");
}

#[tokio::test]
async fn five_redirects_are_the_most() {
    let stand = Stand::start().await;
    let chain = |redirects: usize| {
        let url = (0..redirects).fold("http://shop.test/rates".to_owned(), |to, _| {
            let to = to.replace('%', "%25").replace('&', "%26").replace('?', "%3F");
            format!("http://shop.test/rates?fault=redirect&to={to}")
        });
        json!({ "url": url, "follow_redirects": true })
    };
    assert_eq!(stand.done(chain(5)).await["status"], 200);
    let error = stand.failed(chain(6)).await;
    assert_eq!((error.code.as_deref(), error.retryable), (Some("too_many_redirects"), false));
    assert_eq!(stand.requests().len(), 12);
}

#[tokio::test]
async fn a_redirect_into_the_private_network_is_refused() {
    let stand = Stand::start().await;
    let port = stand.address().port();
    for to in [
        format!("http://127.0.0.1:{port}/rates"),
        "http://169.254.169.254/latest".to_owned(),
        "ftp://x.test/".to_owned(),
    ] {
        let error = stand.failed(redirect("GET", &to, 302, true)).await;
        assert_eq!((error.kind, error.retryable), (ErrorKind::Config, false), "{to}");
    }
    assert_eq!(stand.requests().len(), 3);
}

#[tokio::test]
async fn a_failure_after_the_effect_is_not_repeated() {
    let stand = Stand::start().await;
    stand.ambiguous(redirect("POST", "/rates?fault=503", 303, true)).await;
    stand.ambiguous(redirect("POST", "http://closed.test/", 303, true)).await;
    // Moved, not taken: the effect was to happen at the other place, which did not do it.
    assert!(stand.failed(redirect("POST", "/rates?fault=503", 307, true)).await.retryable);
    assert!(stand.failed(redirect("POST", "http://closed.test/", 307, true)).await.retryable);
}
