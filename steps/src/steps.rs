//! The registry: which step types there are, and the way into each of them.

use onward_workflows::{ErrorKind, Outcome, StepError, StepType};
use serde_json::Value;

use crate::airtable_lookup;
use crate::backing::Bound;
use crate::cbb;
use crate::client::Clients;
use crate::email_send;
use crate::hosts::Mapped;
use crate::http_request;
use crate::pdf_render;
use crate::services::Services;
use crate::slack_send;
use crate::step::{Attempt, BuiltIn, Outside};
use crate::whatsapp_send_template;
use crate::whatsapp_sync_templates;

/// What the steps need to know of the server's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names that lead to a fixed address, guarded or not. For development and tests; see
    /// [`parse_http_hosts`](crate::parse_http_hosts).
    pub http_hosts: Vec<(String, Mapped)>,
    /// Lets documents reach loopback and private networks, for installations whose services live there.
    pub allow_private_addresses: bool,
    pub user_agent: String,
    /// The step types to carry out here; `None` is all.
    pub step_types: Option<Vec<String>>,
    pub services: Services,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http_hosts: Vec::new(),
            allow_private_addresses: false,
            user_agent: concat!("onward/", env!("CARGO_PKG_VERSION")).to_owned(),
            step_types: None,
            services: Services::default(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StepsError {
    #[error("failed to set up the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("failed to find the step type `{name}`; there is {}", known.join(", "))]
    NoType { name: String, known: Vec<&'static str> },
}

/// The built-in step types, ready to run. Cheap to share behind an `Arc`; holds connections.
#[derive(Debug)]
pub struct Steps {
    outside: Outside,
    offered: Vec<&'static str>,
}

/// In the order in which `onward types` lists them.
const BUILT_IN: &[BuiltIn] = &[
    http_request::STEP,
    airtable_lookup::STEP,
    slack_send::STEP,
    email_send::STEP,
    pdf_render::STEP,
    pdf_render::OLD,
    cbb::SYNC_CONTACT,
    cbb::SEND_FLOW,
    cbb::SEND_TEXT,
    whatsapp_send_template::STEP,
    whatsapp_send_template::OLD,
    whatsapp_sync_templates::STEP,
];

fn find(step_type: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|known| known.step_type.name == step_type)
}

impl Steps {
    pub fn new(settings: Settings) -> Result<Self, StepsError> {
        let known: Vec<&'static str> = Self::types().iter().map(|step_type| step_type.name).collect();
        let wanted = settings.step_types.as_deref();
        if let Some(name) = wanted.into_iter().flatten().find(|name| !known.contains(&name.as_str())) {
            return Err(StepsError::NoType { name: name.clone(), known });
        }
        let is_wanted = |name: &&str| wanted.is_none_or(|wanted| wanted.iter().any(|other| other == name));
        let offered = known.into_iter().filter(is_wanted).collect();
        let services = settings.services.clone();
        let clients = Clients::new(settings).map_err(StepsError::Client)?;
        Ok(Self { outside: Outside { clients, services }, offered })
    }

    /// The types that this process carries out.
    pub fn offered(&self) -> &[&'static str] {
        &self.offered
    }

    pub fn offers(&self, step_type: &str) -> bool {
        self.offered.contains(&step_type)
    }

    /// What the checker has to know of the types that [`Steps::run`] carries out.
    pub fn types() -> Vec<StepType> {
        BUILT_IN.iter().map(|known| known.step_type.clone()).collect()
    }

    /// Whether sending this twice comes to the same as sending it once. A step for which it does not must be announced
    /// before its attempt starts, or a crash in between could send it again. `key_is_written`: the author wrote the
    /// idempotency key, and so says that the other side honours it.
    pub fn safe_to_repeat(&self, step_type: &str, config: &Value, key_is_written: bool) -> bool {
        find(step_type).is_some_and(|known| (known.safe_to_repeat)(config, key_is_written))
    }

    /// The limits of the provider that an attempt has to pass before it begins, shared by all workers.
    pub fn bounds(&self, step_type: &str, config: &Value) -> Vec<Bound> {
        find(step_type).map_or_else(Vec::new, |known| (known.bounds)(&self.outside.services, config))
    }

    /// Carries out one attempt and says what it came to, within the attempt's timeout. Dropping the future stops the
    /// attempt; a step not safe to repeat may then have had its effect.
    pub async fn run(&self, attempt: Attempt<'_>) -> Outcome {
        match find(attempt.step_type) {
            Some(known) => (known.run)(&self.outside, attempt).await,
            None => Outcome::Failed(StepError::new(
                ErrorKind::Config,
                format!("this server does not run steps of type `{}`", attempt.step_type),
            )),
        }
    }
}
