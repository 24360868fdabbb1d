//! `whatsapp.send_template` by both ways, and the replaced system's `whatsapp.send`.

use std::time::Duration;

use onward_steps::WhatsappTemplate;
use onward_workflows::{ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::stand::Stand;

const TYPE: &str = "whatsapp.send_template";

fn config(via: &str, to: &str) -> Value {
    json!({
        "via": via, "to": to, "template": "visa_approval_file_phone", "language": "he", "params": ["דנה"],
        "document": "https://files.test/v/visa_IL7_1.pdf",
    })
}

#[tokio::test]
async fn a_template_leaves_by_either_way() {
    let stand = Stand::start().await;
    let output = stand.done(TYPE, config("cloud", "+999 500000001")).await;
    assert_eq!(
        output,
        json!({ "message_id": "wamid.FAKE00000001", "correlation_key": "run/step", "contact_id": "999500000001" })
    );
    let output = stand.done(TYPE, config("cbb", "+999 500000002")).await;
    assert_eq!(output, json!({ "message_id": null, "correlation_key": "run/step", "contact_id": "999500000002" }));
    let messages = stand.standin.services().graph.messages.clone();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].1["biz_opaque_callback_data"], "run/step");
    assert_eq!(messages[0].1["template"], messages[1].1["template"], "it is the same message");
    assert_eq!(stand.alone.sent()[0].message_id.as_deref(), None, "CBB keeps the id to itself");
}

#[tokio::test]
async fn what_meta_says_about_a_template_is_final() {
    let stand = Stand::start().await;
    let check = async |field: &str, value: Value, code: &str| {
        let mut config = config("cloud", "999500000003");
        config["to"] = json!(format!("9995000{}", code.trim_start_matches("meta_")));
        config[field] = value;
        let error = stand.failed(TYPE, config).await;
        assert_eq!((error.code.as_deref(), error.retryable), (Some(code), false), "{error:?}");
    };
    check("params", json!(["one", "two"]), "meta_132000").await;
    check("language", json!("he_IL"), "meta_132001").await;
    check("document", json!(null), "meta_132012").await;
    check("token", json!("EAAWRONG"), "meta_190").await;
}

#[tokio::test]
async fn a_limit_slows_down_whom_it_is_for() {
    let stand = Stand::start().await;
    stand.standin.services().graph.refuse = vec![131_056];
    let error = stand.failed(TYPE, config("cloud", "999500000004")).await;
    assert_eq!((error.retryable, error.retry_after_ms), (true, Some(60_000)), "{error:?}");
    let wait = async |to: &str| {
        let bounds = stand.steps.bounds(TYPE, &config("cloud", to));
        let mut longest = Duration::ZERO;
        for bound in bounds {
            longest = longest.max(onward_steps::Backing::reserve(&stand.alone, &bound).await.unwrap());
        }
        longest
    };
    assert!(wait("999500000004").await > Duration::from_secs(50));
    assert!(wait("999500000005").await < Duration::from_secs(1), "others are not kept waiting");
}

#[tokio::test]
async fn a_send_without_an_answer_is_ambiguous() {
    let stand = Stand::start().await;
    for (place, fault) in ["reset", "cut", "garbled", "hang"].into_iter().enumerate() {
        for via in ["cloud", "cbb"] {
            let to = format!("99950100{}{}", place, u8::from(via == "cbb"));
            let prefix = if via == "cbb" { "/cbb" } else { "/graph" };
            stand.standin.services().fail(prefix, &[("fault", fault)], 1);
            let error = stand.ambiguous(TYPE, config(via, &to), Duration::from_millis(500)).await;
            assert_eq!(error.kind, ErrorKind::Ambiguous);
        }
    }
    assert_eq!(stand.standin.services().graph.messages.len(), 8, "all of them left");
    for (place, fault) in ["drop", "503", "429"].into_iter().enumerate() {
        stand.standin.services().fail("/graph", &[("fault", fault)], 1);
        let outcome =
            stand.run(TYPE, &config("cloud", &format!("99950200{place}0")), "k", Duration::from_secs(5)).await;
        // Where the connection closes without an answer nobody can know.
        let expected = if fault == "drop" {
            matches!(&outcome, Outcome::Ambiguous(_))
        } else {
            matches!(&outcome, Outcome::Failed(error) if error.retryable)
        };
        assert!(expected, "{fault}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_known_template_is_checked_before_anything_leaves() {
    let stand = Stand::start().await;
    let known = WhatsappTemplate { status: "APPROVED".to_owned(), params: 3, header: Some("DOCUMENT".to_owned()) };
    stand.alone.know("visa_approval_file_phone", "he", known);
    let error = stand.failed(TYPE, config("cloud", "999500000006")).await;
    assert!(
        error.message.contains("`params` are 1, and the template `visa_approval_file_phone` (he) has 3"),
        "{error:?}"
    );
    assert!(stand.standin.requests().is_empty() && stand.alone.sent().is_empty());
}

#[tokio::test]
async fn the_old_name_does_the_same() {
    let stand = Stand::start().await;
    let config = json!({
        "contact": "+999501234567", "template": "visa_status_update", "language": "he", "variables": ["דנה"],
    });
    stand.done("whatsapp.send", config).await;
    let (_, message) = stand.standin.services().graph.messages[0].clone();
    assert_eq!((&message["to"], &message["template"]["name"]), (&json!("999501234567"), &json!("visa_status_update")));
    let output = stand.done("whatsapp.send", json!({ "to": "+999501234568", "message": "hello" })).await;
    assert_eq!(output["contact_id"], "999501234568");
    let error = stand.failed("whatsapp.send", json!({ "to": "+999501234569" })).await;
    assert!(error.message.contains("`template` is required, or one of message"), "{error:?}");
}

#[tokio::test]
async fn templates_are_read_page_by_page_and_compared_from_then_on() {
    let stand = Stand::start().await;
    stand.standin.services().graph.page = 2;
    let output = stand.done("whatsapp.sync_templates", json!({})).await;
    let count = stand.standin.services().graph.templates.len();
    assert_eq!(output["count"], count, "{output}");
    let mut wrong = config("cloud", "999500000007");
    wrong["params"] = json!(["a", "b", "c"]);
    let error = stand.failed(TYPE, wrong).await;
    assert!(error.message.contains("`params` are 3"), "{error:?}");
    stand.done(TYPE, config("cloud", "999500000007")).await;
    let error = stand.failed("whatsapp.sync_templates", json!({ "account": "2000000001" })).await;
    assert_eq!((error.code.as_deref(), error.retryable), (Some("meta_100"), false), "the number is not the account");
}
