//! Messages to people, and what Meta reports of them: back to the step that sent them.

use std::time::Duration;

use onward_engine::SecretsKey;
use onward_testkit::standin::{Hook, Statuses};
use onward_testkit::wait_until;
use serde_json::json;

use crate::carried::{Carried, run_of};
use crate::server::{Answer, Server};

const DEADLINE: Duration = Duration::from_secs(20);
const HOOK: &str = "/api/v1/webhooks/whatsapp";

async fn bed(statuses: Statuses) -> Carried {
    let server = Server::start_sealing(SecretsKey::new(&[1; 32])).await;
    for (name, value) in [
        ("WHATSAPP_APP_SECRET", "demo-app-secret"),
        ("WHATSAPP_VERIFY_TOKEN", "our token"),
        ("CBB_TOKEN", "1000.fake"),
        ("WHATSAPP_TOKEN", "EAAFAKE"),
    ] {
        let body = json!({ "value": value }).to_string();
        let headers = [("content-type", "application/json")];
        assert_eq!(server.send("PUT", &format!("/secrets/{name}"), &headers, body.as_bytes()).await.status, 201);
    }
    let bed = Carried::start_on(server).await;
    let hook = Hook { address: bed.server.address, path: HOOK.to_owned(), app_secret: "demo-app-secret".to_owned() };
    let mut services = bed.shop.services();
    services.graph.hook = Some(hook);
    services.graph.statuses = statuses;
    drop(services);
    bed
}

fn document(via: &str) -> String {
    format!(
        "\
version: 1
name: tell
triggers: [{{ type: webhook, config: {{ endpoint: tell }} }}]
inputs: {{ phone: {{ type: string }} }}
steps:
  - id: send
    type: whatsapp.send_template
    timeout: 2s
    config: {{ via: {via}, to: '{{{{ inputs.phone }}}}', template: visa_status_update, language: he, params: [דנה] }}
  - id: read
    type: wait_for_event
    timeout: 1m
    config:
      event: whatsapp.status
      key: '{{{{ steps.send.output.correlation_key }}}}'
      where: event.data.status == 'read'
output: {{ status: '{{{{ steps.read.output.data.status }}}}', id: '{{{{ steps.read.output.data.message_id }}}}' }}
"
    )
}

async fn tell(bed: &Carried, phone: &str) -> String {
    run_of(&bed.server.post("/triggers/tell", &json!({ "phone": phone })).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_finds_the_step_that_sent_the_message() {
    for via in ["cloud", "cbb"] {
        // Late, twice and in the wrong order.
        let words = vec!["read", "sent", "delivered", "read"];
        let bed = bed(Statuses { after: Duration::from_millis(5), words, times: 2 }).await;
        bed.deploy(&document(via)).await;
        let mut runs = Vec::new();
        for place in 0..5 {
            runs.push(tell(&bed, &format!("+99950000000{place}")).await);
        }
        for run in runs {
            let body = bed.in_status(&run, "succeeded").await;
            assert_eq!(body["output"]["status"], "read", "{body}");
        }
        let told = "select count(*) from onward.event where name = 'whatsapp.status'";
        wait_until(DEADLINE, "every status to have come", async || bed.server.count(told).await == 15).await;
        let read = "select count(*) from onward.whatsapp_message
            where status = 'read' and message_id like 'wamid.%' and sent_at is not null and delivered_at is not null";
        assert_eq!(bed.server.count(read).await, 5, "{via}: what is known only grows");
        let totals = bed.shop.totals();
        assert_eq!(totals.duplicates, 0);
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_without_an_answer_is_settled_by_its_status() {
    // The answer is lost before the report comes, and after.
    for (via, prefix, fault) in [("cloud", "/graph", "reset"), ("cbb", "/cbb", "hang")] {
        let after = Duration::from_millis(if fault == "reset" { 700 } else { 5 });
        let bed = bed(Statuses { after, words: vec!["sent", "read"], times: 1 }).await;
        bed.deploy(&document(via)).await;
        bed.shop.services().fail(prefix, &[("fault", fault)], 1);
        let run = tell(&bed, "+999500000009").await;
        wait_until(DEADLINE, "the send to be ambiguous", async || {
            bed.server.count("select count(*) from onward.checkpoint where status = 'ambiguous'").await == 1
        })
        .await;
        // As the housekeeping of every process does.
        wait_until(DEADLINE, "the send to be settled", async || {
            onward_engine::settle_reported(&bed.server.engine).await.expect("it looks");
            bed.server.count("select count(*) from onward.pending where kind = 'person'").await == 0
        })
        .await;
        let body = bed.in_status(&run, "succeeded").await;
        assert_eq!(body["output"], json!({ "status": "read", "id": "wamid.FAKE00000001" }), "{via}");
        assert_eq!(bed.shop.services().graph.messages.len(), 1, "it was sent once");
        bed.stop().await;
    }
}

async fn post(bed: &Carried, signature: Option<&str>, body: &[u8]) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(signature.map(|signature| ("x-hub-signature-256", signature)));
    bed.server.raw("POST", HOOK, &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_metas_own_bytes_are_taken() {
    let bed = bed(Statuses::default()).await;
    let body = br#"{"object":"whatsapp_business_account","entry":[{"id":"1000000001","changes":[{"field":"messages","value":{"note":"\u05e9\u05dc\u05d5\u05dd"}}]}]}"#;
    let good = "sha256=3dfcf4a2cd929192a6051629be8b297426c7dd3c96f74607226bf7d847408a3e";
    let taken = post(&bed, Some(good), body).await;
    assert_eq!((taken.status, &taken.body["status"]), (200, &json!("success")), "{}", taken.body);
    let letters = r#"{"object":"whatsapp_business_account","entry":[{"id":"1000000001","changes":[{"field":"messages","value":{"note":"שלום"}}]}]}"#;
    for (signature, bytes) in [(None, &body[..]), (Some(good), letters.as_bytes()), (Some("sha1=00"), &body[..])] {
        assert_eq!(post(&bed, signature, bytes).await.status, 401);
    }
    let own = "sha256=f9171c83696c72446b8d14087bfd610bfed843d37e157d5d33fe7ca133dbfcd3";
    assert_eq!(post(&bed, Some(own), letters.as_bytes()).await.status, 200, "the bytes are what counts");
    let ask = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        bed.server.raw("GET", &format!("{HOOK}?{query}"), &[], b"").await
    };
    let asked = ask("our%20token").await;
    assert_eq!((asked.status, asked.body), (200, json!(1_158_201_444)));
    assert_eq!(ask("another").await.status, 403);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_writes_is_an_event_of_theirs() {
    let bed = bed(Statuses::default()).await;
    let message = json!({ "from": "999500000001", "id": "wamid.IN1", "type": "text", "text": { "body": "שלום" } });
    let body = json!({ "entry": [{ "changes": [{ "field": "messages", "value": { "messages": [message] } }] }] });
    for _ in 0..3 {
        let taken = onward_engine::receive_whatsapp(&bed.server.engine, &body).await.expect("it is taken");
        assert_eq!(taken, 1);
    }
    let said = "select count(*) from onward.event
        where name = 'whatsapp.message' and key = '999500000001' and data->>'text' = 'שלום'";
    assert_eq!(bed.server.count(said).await, 1, "once, however often it came");
    bed.stop().await;
}
