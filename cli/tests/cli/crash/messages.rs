//! Messages that must not be sent twice, while the workers that send them are killed again and again.

use onward_testkit::standin::{Hook, StandIn, Statuses};
use onward_testkit::{TestDatabase, wait_until};
use serde_json::json;

use super::count;
use crate::place::{DEADLINE, Place};

const MESSAGES: i64 = 200;
/// A worker is killed whenever so many more messages have left.
const KILL_AFTER: u64 = 60;
const KILLS: u64 = 2;

const DOCUMENT: &str = "version: 1
name: tell-all
inputs: { people: { type: array } }
steps:
  - id: each
    foreach: { in: '{{ inputs.people }}', as: person, concurrency: 40 }
    on_error: continue
    steps:
      - id: send
        type: whatsapp.send_template
        config: { via: cloud, to: '{{ person }}', template: visa_status_update, language: he, params: [דנה] }
";

const SENT: &str = "select count(*) from onward.checkpoint where path like 'each[%].send' and status = 'succeeded'";
/// Announced, and never answered or reported: those that a person has to look at.
const UNKNOWN: &str = "select count(*) from onward.pending where kind = 'person'";

async fn place_of(database: &TestDatabase, standin: &StandIn) -> Place {
    let hosts = format!("graph.facebook.com=http://{}", standin.address());
    let variables = [
        ("DATABASE_URL", database.url()),
        ("ONWARD_HTTP_HOSTS", hosts),
        ("ONWARD_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned()),
        ("ONWARD_ALLOW_HTTP_HOSTS", "1".to_owned()),
        ("ONWARD_WHATSAPP_PHONE_NUMBER_ID", "2000000001".to_owned()),
    ];
    let mut place = Place::new(variables.into());
    place.make_key().await;
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_lost_or_doubled_while_workers_are_killed() {
    let (database, standin) = (TestDatabase::new().await, StandIn::start().await.expect("it starts"));
    let place = place_of(&database, &standin).await;
    let pool = database.pool().await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    for (name, value) in [("WHATSAPP_TOKEN", "EAAFAKE"), ("WHATSAPP_APP_SECRET", "demo-app-secret")] {
        place.write("value", value);
        place.ask(&["secrets", "set", name, "--file", "value"]).await;
    }
    {
        let mut services = standin.services();
        let address = place.listen.parse().expect("it is an address");
        let (path, app_secret) = ("/api/v1/webhooks/whatsapp".to_owned(), "demo-app-secret".to_owned());
        services.graph.hook = Some(Hook { address, path, app_secret });
        services.graph.statuses = Statuses { words: vec!["sent"], ..Statuses::default() };
    }
    place.write("tell-all.yaml", DOCUMENT);
    place.ask(&["deploy", "--yes", "tell-all.yaml"]).await;
    let people: Vec<String> = (0..MESSAGES).map(|number| format!("+99951{number:07}")).collect();
    place.write("inputs.json", &json!({ "people": people }).to_string());

    let mut victim = place.serve(&["worker"]).await;
    place.ask(&["run", "tell-all", "--input", "inputs.json", "--detach"]).await;
    for kill in 1..=KILLS {
        let left = kill * KILL_AFTER;
        wait_until(DEADLINE, "more messages to leave", async || standin.totals().effects >= left).await;
        victim.kill9();
        victim = place.serve(&["worker"]).await;
    }
    wait_until(DEADLINE, "every message to be sent or looked at", async || {
        count(&pool, SENT).await + count(&pool, UNKNOWN).await == MESSAGES
    })
    .await;
    // What has left is settled by its report; the rest was announced by a worker that died before it sent.
    wait_until(DEADLINE, "the books to balance", async || {
        count(&pool, SENT).await == standin.totals().effects.cast_signed()
    })
    .await;
    let totals = standin.totals();
    let unknown = count(&pool, UNKNOWN).await;
    assert_eq!(totals.duplicates, 0, "{totals:?}");
    assert_eq!(totals.effects.cast_signed() + unknown, MESSAGES, "{totals:?}, {unknown} for a person");
}
