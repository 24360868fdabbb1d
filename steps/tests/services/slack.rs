//! `slack.send`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stand::Stand;

const TYPE: &str = "slack.send";
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_message_arrives_once_with_its_place() {
    let stand = Stand::start().await;
    let output = stand.done(TYPE, json!({ "channel": "#ops", "message": "Order *7* is late" })).await;
    assert_eq!(output, json!({ "ts": "1767322446.000001", "channel": "#ops" }));
    let blocks = json!([{ "type": "divider" }]);
    stand.done(TYPE, json!({ "channel": "C1", "blocks": blocks, "thread_ts": "1767322446.000001" })).await;
    stand.done(TYPE, json!({ "channel": "C2", "template": "order-received", "variables": { "name": "<דנה>" } })).await;
    let messages = stand.standin.services().slack.messages.clone();
    assert_eq!(messages[0], json!({ "channel": "#ops", "text": "Order *7* is late" }));
    assert_eq!(messages[1], json!({ "channel": "C1", "blocks": blocks, "thread_ts": "1767322446.000001" }));
    assert_eq!(messages[2]["text"], "שלום <דנה>\n");
    let totals = stand.standin.totals();
    assert_eq!((totals.effects, totals.duplicates), (3, 0));
}

#[tokio::test]
async fn a_refusal_in_a_200_is_a_refusal() {
    let stand = Stand::start().await;
    let check = async |config: Value, code: &str| {
        let error = stand.failed(TYPE, config).await;
        assert_eq!((error.code.as_deref(), error.retryable), (Some(code), false), "{error:?}");
    };
    check(json!({ "channel": "#nowhere", "message": "x" }), "channel_not_found").await;
    check(json!({ "channel": "#ops", "message": "x", "token": "xoxb-wrong" }), "invalid_auth").await;
    assert_eq!(stand.standin.totals().effects, 0);
}

#[tokio::test]
async fn what_may_have_been_posted_is_not_posted_again() {
    let stand = Stand::start().await;
    let config = json!({ "channel": "#ops", "message": "x" });
    stand.standin.services().slack.next_error = Some("fatal_error".to_owned());
    let error = stand.ambiguous(TYPE, config.clone(), Duration::from_secs(5)).await;
    assert_eq!(error.code.as_deref(), Some("fatal_error"));
    for fault in ["reset", "cut", "garbled", "slow", "hang"] {
        stand.standin.services().fail("/slack", &[("fault", fault)], 1);
        stand.ambiguous(TYPE, config.clone(), SHORT).await;
    }
    assert_eq!(stand.standin.services().slack.messages.len(), 6, "each of them was posted");
}

#[tokio::test]
async fn what_was_not_posted_is_tried_again() {
    let stand = Stand::start().await;
    let config = json!({ "channel": "#ops", "message": "x" });
    for fault in ["429", "throttle", "503", "html"] {
        stand.standin.services().fail("/slack", &[("fault", fault)], 1);
        let error = stand.failed(TYPE, json!({ "channel": format!("#{fault}"), "message": "x" })).await;
        assert!(error.retryable, "{fault}: {error:?}");
        assert_eq!(error.retry_after_ms.is_some(), matches!(fault, "429" | "throttle"), "{fault}");
    }
    assert!(stand.standin.services().slack.messages.is_empty());
    stand.done(TYPE, config).await;
}

#[tokio::test]
async fn a_config_that_cannot_be_taken_is_not_sent() {
    let stand = Stand::start().await;
    let check = async |config: Value, says: &str| {
        let error = stand.failed(TYPE, config).await;
        assert!(error.message.contains(says), "{}", error.message);
    };
    check(json!({ "channel": "#ops" }), "`message` is required").await;
    check(json!({ "channel": "#ops", "message": " " }), "`message` is empty").await;
    check(json!({ "channel": "#ops", "message": "x".repeat(40_001) }), "longer than 40000").await;
    check(json!({ "channel": "#ops", "blocks": {} }), "`blocks` must be a list").await;
    check(json!({ "channel": "#ops", "template": "../secret" }), "`template` must be a name").await;
    check(json!({ "channel": "#ops", "template": "nothing" }), "names no template").await;
    check(json!({ "channel": "#ops", "template": "order-received" }), "`name` does not exist").await;
    assert!(stand.standin.requests().is_empty());
}
