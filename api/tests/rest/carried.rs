//! What is told of runs that a worker carries.

use std::sync::Arc;
use std::time::Duration;

use onward_api::Settings;
use onward_steps::{Mapped, Services, Steps};
use onward_testkit::standin::StandIn;
use onward_testkit::wait_until;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::redact::redacted;
use crate::server::{Answer, Server};

const DEADLINE: Duration = Duration::from_secs(20);

const CONFIRM: &str = "\
version: 1
name: confirm
triggers: [{ type: webhook, config: { endpoint: confirm } }, { type: manual }]
inputs:
  order_id: { type: string }
steps:
  - { id: note, type: log, config: { message: 'order {{ inputs.order_id }}' } }
  - id: order
    type: http.request
    config: { url: 'http://shop.test/orders/{{ inputs.order_id }}' }
    retry: { max: 3, delay: 10ms }
  - { id: total, type: value, config: { value: '{{ steps.order.output.body.total }}' } }
output: { total: '{{ steps.total.output.value }}' }
";

/// A server whose runs are carried, and the shop that they talk to.
pub struct Carried {
    pub server: Server,
    stop: CancellationToken,
    worker: JoinHandle<()>,
    pub shop: StandIn,
}

impl Carried {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        Self::start_on(Server::start_with(settings).await).await
    }

    /// The services that steps go to are the stand-in's.
    pub async fn start_on(server: Server) -> Self {
        let stand_in = StandIn::start().await.expect("the stand-in starts");
        let plain = Mapped { address: stand_in.address(), plain: true };
        let services = StandIn::sites().map(|site| (site.to_owned(), plain));
        let settings = onward_steps::Settings {
            http_hosts: services.chain([("shop.test".to_owned(), stand_in.address().into())]).collect(),
            services: Services {
                airtable_base: Some("appFAKE0000000001".to_owned()),
                whatsapp_phone_number_id: Some("2000000001".to_owned()),
                ..Services::default()
            },
            ..onward_steps::Settings::default()
        };
        let steps = Arc::new(Steps::new(settings).expect("the steps are set up"));
        let settings = onward_worker::Settings {
            seats: 4,
            queues: None,
            host: "host.test".to_owned(),
            version: "0".to_owned(),
            drain_max: Duration::from_secs(10),
        };
        let stop = CancellationToken::new();
        let work = onward_worker::run(server.engine.clone(), steps, settings, stop.clone(), CancellationToken::new());
        Self { server, stop, worker: tokio::spawn(work), shop: stand_in }
    }

    pub async fn deploy(&self, yaml: &str) {
        let headers = [("content-type", "application/yaml")];
        let made = self.server.send("POST", "/workflows", &headers, yaml.as_bytes()).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }

    /// The run, once it has this status.
    pub async fn in_status(&self, run: &str, status: &str) -> Value {
        let mut body = Value::Null;
        wait_until(DEADLINE, &format!("{run} to be {status}"), async || {
            body = self.server.get(&format!("/runs/{run}?expand=steps")).await.body;
            body["status"] == status
        })
        .await;
        body
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.worker.await.expect("the worker drains");
    }
}

pub fn run_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.header("location").and_then(|place| place.rsplit('/').next()).expect("a 202 has a Location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_run_shows_its_steps_and_its_output() {
    let bed = Carried::start().await;
    bed.deploy(CONFIRM).await;
    // The shop answers 503 to the first call for this order.
    let run = run_of(&bed.server.post("/triggers/confirm", &json!({ "order_id": "IL000007A" })).await);
    let body = bed.in_status(&run, "succeeded").await;
    let steps = bed.server.get(&format!("/runs/{run}/steps")).await;
    assert_eq!((steps.status, &steps.body["data"]), (200, &body["steps"]));
    insta::assert_json_snapshot!("finished_run", redacted(body));
    insta::assert_json_snapshot!("run_list", redacted(bed.server.get("/runs").await.body));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_says_which_step_failed_and_why() {
    let bed = Carried::start().await;
    bed.deploy(CONFIRM).await;
    let start = json!({ "inputs": { "order_id": "none" } });
    let answer = bed.server.post("/workflows/confirm/runs", &start).await;
    insta::assert_json_snapshot!("started_run", redacted(answer.body.clone()));
    let body = bed.in_status(&run_of(&answer), "failed").await;
    insta::assert_json_snapshot!("failed_run", redacted(body));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_run_says_what_it_waits_for_and_can_be_cancelled() {
    let bed = Carried::start().await;
    bed.deploy("version: 1\nname: pause\nsteps: [{ id: rest, type: wait, config: { for: 1h } }]\n").await;
    let run = run_of(&bed.server.post("/workflows/pause/runs", &json!({})).await);
    let body = bed.in_status(&run, "waiting").await;
    insta::assert_json_snapshot!("waiting_run", redacted(body));
    let cancel = bed.server.post(&format!("/runs/{run}/cancel"), &json!({ "reason": "a test" })).await;
    assert_eq!(cancel.status, 202, "{}", cancel.body);
    let body = bed.in_status(&run, "canceled").await;
    insta::assert_json_snapshot!("canceled_run", redacted(body));
    let late = bed.server.post(&format!("/runs/{run}/cancel"), &json!({})).await;
    assert_eq!((late.status, late.body["code"].as_str()), (409, Some("run_already_ended")));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_inside_a_loop_that_is_over_can_be_asked_for() {
    let bed = Carried::start().await;
    let steps = "[{ id: each, foreach: [IL5, none], type: http.request, on_error: continue, output: '{{ output.nope }}', \
                 config: { url: 'http://shop.test/orders/{{ item }}' } }]";
    bed.deploy(&format!("version: 1\nname: loops\nsteps: {steps}\n")).await;
    let run = run_of(&bed.server.post("/workflows/loops/runs", &json!({})).await);
    let body = bed.in_status(&run, "succeeded").await;
    assert_eq!(body["steps"].as_array().map(Vec::len), Some(1), "its items are not among the steps: {body}");
    let step = async |path: &str| bed.server.get(&format!("/runs/{run}/steps/{path}")).await;
    let first = step("each%5B0%5D").await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("failed")), "{}", first.body);
    assert_eq!(first.body["diagnostic"]["at"]["step"], "each[0]", "{}", first.body);
    assert_eq!(first.body["diagnostic"]["range"]["start"]["line"], 3);
    let second = step("each%5B1%5D").await;
    assert_eq!((&second.body["error"]["status"], second.body.get("diagnostic")), (&json!(404), None));
    let none = step("each%5B2%5D").await;
    assert_eq!((none.status, &none.body["steps"]), (404, &json!(["each"])));
    bed.stop().await;
}
