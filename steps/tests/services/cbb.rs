//! `cbb.sync_contact`, `cbb.send_flow`, `cbb.send_text`.

use std::time::Duration;

use onward_testkit::standin::Contact;
use serde_json::{Value, json};

use crate::stand::Stand;

const SYNC: &str = "cbb.sync_contact";
const PHONE: &str = "+972 50-000-0001";

fn config(fields: &Value) -> Value {
    json!({ "phone": PHONE, "name": "Dana Example", "email": "dana@mail.test", "fields": fields })
}

fn contact(stand: &Stand, id: &str) -> Contact {
    stand.standin.services().cbb.contacts.get(id).cloned().unwrap_or_default()
}

#[tokio::test]
async fn somebody_new_is_created_with_every_field() {
    let stand = Stand::start().await;
    let fields =
        json!({ "OrderNumber": "IL7", "order_urgent": true, "order_date": "2026-01-31", "visa_country": null });
    let output = stand.done(SYNC, config(&fields)).await;
    assert_eq!(output, json!({ "id": "972500000001", "created": true, "whatsapp_available": true }));
    let contact = contact(&stand, "972500000001");
    assert_eq!((contact.first_name.as_str(), contact.email.as_str()), ("Dana Example", "dana@mail.test"));
    let expected = [("OrderNumber", "IL7"), ("order_date", "1769817600"), ("order_urgent", "1")];
    assert_eq!(contact.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn somebody_known_gets_every_field_as_well() {
    let stand = Stand::start().await;
    stand.done(SYNC, config(&json!({ "OrderNumber": "IL7" }))).await;
    let output = stand
        .done(SYNC, config(&json!({ "OrderNumber": "IL8", "visa_country": "הודו & \"x\"", "visa_quantity": 2 })))
        .await;
    assert_eq!(output["created"], false);
    let expected = [("OrderNumber", "IL8"), ("visa_country", "הודו & \"x\""), ("visa_quantity", "2")];
    assert_eq!(
        contact(&stand, "972500000001").fields,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    );
}

#[tokio::test]
async fn a_stray_zero_does_not_make_a_second_contact() {
    let stand = Stand::start().await;
    stand.standin.services().cbb.contacts.insert("9720500000001".to_owned(), Contact::default());
    let output = stand.done(SYNC, json!({ "phone": "972 050 000 0001", "fields": { "source": "web" } })).await;
    assert_eq!(output["id"], "9720500000001");
    assert_eq!(stand.standin.services().cbb.contacts.len(), 1);
}

#[tokio::test]
async fn one_refused_field_does_not_stop_the_others() {
    let stand = Stand::start().await;
    stand.done(SYNC, config(&json!({ "source": "web" }))).await;
    stand.standin.services().fail("/cbb/api/contacts/972500000001/custom_fields/459752", &[("fault", "404")], 1);
    let error = stand.failed(SYNC, config(&json!({ "OrderNumber": "IL9", "source": "shop", "country": "הודו" }))).await;
    assert!(!error.retryable && error.message.contains("1 of 3 fields were not taken (OrderNumber)"), "{error:?}");
    let contact = contact(&stand, "972500000001");
    assert_eq!((contact.fields["source"].as_str(), contact.fields["country"].as_str()), ("shop", "הודו"));
}

#[tokio::test]
async fn an_error_in_a_200_is_seen() {
    let stand = Stand::start().await;
    for answer in [
        json!({ "success": false, "error": "invented" }),
        json!({ "success": false, "message": "invented" }),
        json!({ "error": { "code": 400, "message": "invented" } }),
        json!({ "errors": { "phone": ["invented"] } }),
    ] {
        stand.standin.services().cbb.next_answer = Some(answer.clone());
        let error = stand.failed("cbb.send_text", json!({ "to": PHONE, "text": "hello" })).await;
        assert!(!error.retryable && error.message.contains("invented"), "{answer}: {error:?}");
    }
    let error = stand.failed(SYNC, json!({ "phone": PHONE, "token": "wrong" })).await;
    assert_eq!((error.status, error.retryable), (Some(401), false), "{error:?}");
    let error = stand.failed(SYNC, config(&json!({ "colour": "red" }))).await;
    assert!(error.message.contains("`fields.colour` is not a custom field of the account; there are"), "{error:?}");
}

#[tokio::test]
async fn a_flow_is_started_by_its_id_or_its_only_name() {
    let stand = Stand::start().await;
    let output = stand.done("cbb.send_flow", json!({ "to": PHONE, "flow": 1_690_000_000_002_i64 })).await;
    assert_eq!(output, json!({ "contact_id": "972500000001", "flow_id": "1690000000002" }));
    stand.done("cbb.send_flow", json!({ "to": PHONE, "flow": "welcome" })).await;
    for (flow, says) in [("twice", "several flows"), ("nothing", "not the name of a flow")] {
        let error = stand.failed("cbb.send_flow", json!({ "to": PHONE, "flow": flow })).await;
        assert!(error.message.contains(says), "{error:?}");
    }
    assert_eq!(stand.standin.services().cbb.started.len(), 2);
}

#[tokio::test]
async fn a_message_that_may_have_left_is_not_sent_again() {
    let stand = Stand::start().await;
    for fault in ["reset", "cut", "garbled"] {
        stand.standin.services().fail("/cbb", &[("fault", fault)], 1);
        stand.ambiguous("cbb.send_text", json!({ "to": PHONE, "text": "hello" }), Duration::from_secs(5)).await;
        stand.standin.services().fail("/cbb", &[("fault", fault)], 1);
        let error = stand.failed(SYNC, json!({ "phone": PHONE })).await;
        assert!(error.retryable, "an upsert may be repeated: {error:?}");
    }
    stand.standin.services().fail("/cbb", &[("fault", "html")], 1);
    assert!(stand.failed("cbb.send_text", json!({ "to": PHONE, "text": "hello" })).await.retryable);
}
