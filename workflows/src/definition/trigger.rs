//! What may start a run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Expression, Template};

#[derive(Debug)]
pub struct Trigger {
    /// Unique in the document; the default is the type.
    pub id: String,
    pub kind: TriggerKind,
    pub enabled: bool,
    /// Over `trigger`; false: no run.
    pub condition: Option<Expression>,
    /// Over `trigger`, one template an input; what is missing counts as absent. Without it the trigger's own payload.
    pub inputs: Option<Vec<(String, Template)>>,
    /// In place of the document's.
    pub idempotency_key: Option<Template>,
}

#[derive(Debug)]
pub enum TriggerKind {
    Cron(CronTrigger),
    Webhook(WebhookTrigger),
    Event(EventTrigger),
    Manual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronTrigger {
    /// As written: five fields, an `@` name, or `@every 90s`.
    pub schedule: String,
    /// IANA name.
    pub timezone: String,
    pub rules: CronRules,
}

/// What beside the times decides about a cron trigger's runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CronRules {
    /// A fire is delayed by less than this.
    #[serde(with = "crate::duration::text")]
    pub jitter: Duration,
    pub overlap: Overlap,
    pub catch_up: CatchUp,
    /// What was due longer ago is not caught up.
    #[serde(with = "crate::duration::text")]
    pub catch_up_window: Duration,
    /// The first instant that may count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// The first that does not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
}

impl Default for CronRules {
    fn default() -> Self {
        Self {
            jitter: Duration::ZERO,
            overlap: Overlap::default(),
            catch_up: CatchUp::default(),
            catch_up_window: Duration::from_hours(24),
            starts_at: None,
            ends_at: None,
        }
    }
}

/// What happens to a fire while the trigger's previous run is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    #[default]
    Skip,
    /// It waits for the end of that run; one at a time.
    Queue,
    /// That run is canceled, then it starts.
    Replace,
    /// It starts beside it.
    Allow,
}

/// Which of the instants run that were missed while nobody fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    #[default]
    Latest,
    None,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTrigger {
    pub endpoint: String,
    pub auth: WebhookAuth,
    pub respond: Respond,
    pub methods: Vec<String>,
    /// Bytes.
    pub max_body: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WebhookAuth {
    /// A key with scope `triggers:create`.
    #[default]
    ApiKey,
    /// The sender signs its bytes.
    Signature(Signature),
    /// Anybody; has to be written down.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub scheme: SignatureScheme,
    /// Name of the secret.
    pub secret: String,
    /// In place of the scheme's own.
    pub header: Option<String>,
    pub prefix: Option<String>,
    /// How old a signed time may be.
    pub tolerance: Duration,
    /// Name of the secret that answers Meta's handshake.
    pub verify_token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureScheme {
    StandardWebhooks,
    HmacSha256,
    Meta,
    Stripe,
    Github,
    Slack,
}

impl SignatureScheme {
    pub const WORDS: [&'static str; 6] = ["standard-webhooks", "hmac-sha256", "meta", "stripe", "github", "slack"];

    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "standard-webhooks" => Self::StandardWebhooks,
            "hmac-sha256" => Self::HmacSha256,
            "meta" => Self::Meta,
            "stripe" => Self::Stripe,
            "github" => Self::Github,
            "slack" => Self::Slack,
            _ => return None,
        })
    }
}

/// What the caller of a webhook gets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Respond {
    /// 202 as soon as the run is stored.
    #[default]
    Accepted,
    /// The run's output if it ends within this time, else 202.
    Result(Duration),
    Fixed {
        status: u16,
        body: serde_json::Value,
        headers: Vec<(String, String)>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTrigger {
    /// May end in `*`.
    pub event: String,
}

impl EventTrigger {
    pub fn matches(&self, name: &str) -> bool {
        match self.event.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.event,
        }
    }
}

impl Trigger {
    pub fn new(id: impl Into<String>, kind: TriggerKind) -> Self {
        Self { id: id.into(), kind, enabled: true, condition: None, inputs: None, idempotency_key: None }
    }
}
