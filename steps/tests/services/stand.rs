//! A stand-in that answers under the services' own names.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use onward_steps::{Alone, Attempt, Backing, Mapped, Services, Settings, Steps};
use onward_testkit::standin::StandIn;
use onward_workflows::{Outcome, StepError};
use secrecy::SecretString;
use serde_json::Value;

/// For attempts that are answered; none of them waits for it.
pub const LONG: Duration = Duration::from_secs(30);

pub struct Stand {
    pub standin: StandIn,
    pub steps: Steps,
    pub alone: Alone,
    pub secrets: BTreeMap<String, SecretString>,
}

impl Stand {
    pub async fn start() -> Self {
        Self::start_with(Services {
            airtable_base: Some("appFAKE0000000001".to_owned()),
            email_from: Some("דוח <no-reply@mail.test>".to_owned()),
            whatsapp_phone_number_id: Some("2000000001".to_owned()),
            whatsapp_account_id: Some("1000000001".to_owned()),
            templates: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/templates"),
            ..Services::default()
        })
        .await
    }

    pub async fn start_with(services: Services) -> Self {
        let standin = StandIn::start().await.unwrap();
        let mapped = Mapped { address: standin.address(), plain: true };
        let http_hosts = StandIn::sites().chain(["files.test"]).map(|site| (site.to_owned(), mapped)).collect();
        let steps = Steps::new(Settings { http_hosts, services, ..Settings::default() }).unwrap();
        let secrets = [
            ("AIRTABLE_TOKEN", "patFAKE.0000"),
            ("CBB_TOKEN", "1000.fake"),
            ("RESEND_API_KEY", "re_fake"),
            ("SLACK_BOT_TOKEN", "xoxb-fake"),
            ("WHATSAPP_TOKEN", "EAAFAKE"),
        ];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), SecretString::from(value))).into();
        Self { standin, steps, alone: Alone::default(), secrets }
    }

    pub async fn run(&self, step_type: &str, config: &Value, key: &str, timeout: Duration) -> Outcome {
        let attempt = Attempt {
            step_type,
            config,
            idempotency_key: key,
            timeout,
            trace_parent: None,
            secrets: &self.secrets,
            backing: &self.alone,
        };
        // As a worker does.
        for bound in self.steps.bounds(step_type, config) {
            tokio::time::sleep(self.alone.reserve(&bound).await.unwrap()).await;
        }
        self.steps.run(attempt).await
    }

    pub async fn done(&self, step_type: &str, config: Value) -> Value {
        match self.run(step_type, &config, "run/step", LONG).await {
            Outcome::Done(output) => output,
            other => panic!("{config} came to {other:?}"),
        }
    }

    pub async fn failed(&self, step_type: &str, config: Value) -> StepError {
        match self.run(step_type, &config, "run/step", LONG).await {
            Outcome::Failed(error) => error,
            other => panic!("{config} came to {other:?}"),
        }
    }

    pub async fn ambiguous(&self, step_type: &str, config: Value, timeout: Duration) -> StepError {
        match self.run(step_type, &config, "run/step", timeout).await {
            Outcome::Ambiguous(error) => error,
            other => panic!("{config} came to {other:?}"),
        }
    }
}
