//! The six documents that show the whole language, and one of the replaced system, run to their ends: the services are
//! played, and everything between the document and the wire is real.

use std::path::Path;

use onward_engine::{
    DeployOptions, Engine, Expect, NewEvent, PrepareRun, SecretsKey, SetSecret, deploy, send_event, set_secret,
};
use onward_testkit::standin::MailServer;
use onward_workflows::{RunId, Source};
use serde_json::{Value, json};

use crate::bed::{Bed, Running};

const SECRETS: [(&str, &str); 7] = [
    ("AIRTABLE_TOKEN", "patFAKE.0000"),
    ("BI_KEY", "bi-key"),
    ("CBB_TOKEN", "1000.fake"),
    ("ORDERS_WEBHOOK_SECRET", "whsec_ZGVtbw=="),
    ("PAY_KEY", "pay-key"),
    ("SHOP_KEY", "shop-key"),
    ("SLACK_BOT_TOKEN", "xoxb-fake"),
];

struct Stage {
    bed: Bed,
    engine: Engine,
    mail: MailServer,
    _worker: Running,
}

fn document(name: &str) -> Source {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    Source::from_file(name, std::fs::read_to_string(file).expect("the example is there"))
}

impl Stage {
    async fn new(documents: &[&str]) -> Self {
        let bed = Bed::new().await;
        let engine = bed.engine.clone().with_secrets_key(Some(SecretsKey::new(&[1; 32])));
        let mail = MailServer::start().await.expect("the mail server starts");
        let smtp = ("SMTP_URL", format!("smtp://{}/?tls=none", mail.address()));
        let secrets = SECRETS.map(|(name, value)| (name, value.to_owned())).into_iter().chain([smtp]);
        for (name, value) in secrets {
            let secret = SetSecret { name: name.to_owned(), value: value.into(), by: "test".to_owned() };
            set_secret(&engine, secret).await.expect("it is set");
        }
        let options = DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything };
        let sources = documents.iter().map(|name| document(name)).collect();
        deploy(&engine, sources, &options).await.expect("the examples are valid");
        let worker = bed.work_with(engine.clone(), 20);
        Self { bed, engine, mail, _worker: worker }
    }

    async fn start(&self, workflow: &str, inputs: Value, trigger: Value) -> RunId {
        let version = self.engine.versions().load(self.engine.pool(), workflow, 1).await.expect("it is deployed");
        let scheduled_at = Some(self.engine.clock().now());
        let request = PrepareRun { trigger_id: None, trigger, inputs, scheduled_at, key: None };
        let start = self.engine.prepare(version, request).expect("the inputs fit");
        self.engine.start(start).await.expect("the run starts").run
    }

    async fn ends_well(&self, workflow: &str, inputs: Value) -> Value {
        let run = self.start(workflow, inputs, json!({ "type": "manual" })).await;
        self.ended_well(run).await
    }

    async fn ended_well(&self, run: RunId) -> Value {
        let (status, output, error) = self.bed.ended(run).await;
        assert_eq!((status.as_str(), error), ("succeeded", Value::Null));
        output
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_asks_and_ends() {
    let stage = Stage::new(&["language/smallest.yaml"]).await;
    assert_eq!(stage.ends_well("ping", json!({})).await["body"], json!({ "status": "ok" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_the_replaced_system_writes_sends_and_tells() {
    let stage = Stage::new(&["language/replaced-system.yaml"]).await;
    let trigger = json!({ "type": "webhook", "body": { "applicant": { "name": "דנה" } } });
    let run = stage.start("visa-status-update", json!({}), trigger).await;
    stage.ended_well(run).await;
    let services = stage.bed.shop.services();
    assert_eq!(services.graph.messages[0].1["to"], "999501234567");
    assert_eq!(services.slack.messages[0]["text"], "Update sent to דנה via webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evening_delivery_sends_a_pdf_to_everybody() {
    let stage = Stage::new(&["language/evening-delivery.yaml"]).await;
    let run = stage.start("deliver-approved-visas", json!({}), json!({ "type": "manual" })).await;
    // What the webhook does when Meta reports.
    onward_testkit::wait_until(std::time::Duration::from_secs(20), "the evening to end", async || {
        let waiting = sqlx::query_scalar::<_, String>("select key from onward.pending where kind = 'event'")
            .fetch_all(stage.engine.pool())
            .await
            .expect("read who waits");
        for key in waiting {
            let event = NewEvent {
                id: stage.engine.new_event_id(),
                name: "whatsapp.status".to_owned(),
                key: Some(key),
                data: json!({ "status": "delivered" }),
                depth: 0,
                run: None,
            };
            send_event(&stage.engine, &event).await.expect("it is sent");
        }
        stage.bed.end_of(run).await.is_some()
    })
    .await;
    let output = stage.ended_well(run).await;
    assert_eq!(output["delivered"], 11);
    let messages = stage.bed.shop.services().graph.messages.clone();
    assert_eq!(messages.len(), 11);
    let header = &messages[0].1["template"]["components"][0]["parameters"][0]["document"];
    assert_eq!(header["filename"], "visa-approval.pdf");
    assert_eq!(stage.bed.shop.totals().duplicates, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_makes_a_contact_and_starts_its_confirmation() {
    let stage = Stage::new(&["order-confirmation.json", "language/order-webhook.yaml"]).await;
    let inputs = json!({
        "order": { "id": "100001" },
        "form": { "country": "הודו", "client": { "name": "Dana", "phone": "+999500000021", "email": "dana@mail.test" } },
    });
    let output = stage.ends_well("vizi-order", inputs).await;
    let expected = json!({ "status": "success", "orderId": "100001", "contactId": "999500000021", "confirmed": true });
    assert_eq!(output, expected);
    assert_eq!(stage.bed.shop.services().cbb.contacts["999500000021"].fields["country"], "הודו");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_report_is_mailed_with_its_pdf() {
    let stage = Stage::new(&["language/nightly-report.json"]).await;
    // The document looks at the export every thirty seconds; this one is ready at once.
    stage.bed.shop.services().exports_are_ready = true;
    stage.ends_well("nightly-report", json!({})).await;
    let mail = &stage.mail.mails()[0];
    assert_eq!(mail.to, ["bi@example.test"]);
    assert!(mail.text.contains("Content-Type: application/pdf"), "{}", mail.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_saga_reserves_asks_charges_ships_and_thanks() {
    let stage = Stage::new(&["ship-order.yaml", "language/order-saga.yaml"]).await;
    let inputs = json!({ "order_id": "IL260101A", "amount": 9_000, "phone": "+999500000022" });
    let run = stage.start("order-saga", inputs, json!({ "type": "manual" })).await;
    // An early answer counts.
    let event = NewEvent {
        id: stage.engine.new_event_id(),
        name: "order.approval".to_owned(),
        key: Some("IL260101A".to_owned()),
        data: json!({ "approved": true, "by": "test" }),
        depth: 0,
        run: None,
    };
    send_event(&stage.engine, &event).await.expect("it is sent");
    let output = stage.ended_well(run).await;
    assert_eq!(output["tracking"], "TRACK-IL260101A");
    let services = stage.bed.shop.services();
    assert_eq!(services.graph.messages[0].1["template"]["name"], "order_shipped");
    assert!(services.slack.messages[0]["text"].as_str().is_some_and(|text| text.starts_with("IL260101A: 9000 ILS")));
}
