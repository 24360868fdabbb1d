//! `email.send`: a mail through an SMTP server or through Resend.

mod letter;
mod resend;
mod smtp;

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use serde_json::Value;
use tokio::time::Instant;

use crate::config::{Fields, Problem};
use crate::step::{Attempt, BuiltIn, Outside, unbounded};

use letter::Letter;

const SMTP: &str = "SMTP_URL";
const RESEND: &str = "RESEND_API_KEY";
const PROVIDERS: &[&str] = &["smtp", "resend"];

const TYPE: StepType = StepType {
    name: "email.send",
    summary: "Sends an e-mail: {message_id}.",
    fields: &[
        field("to", FieldKind::Any, "An address, or a list of up to 50."),
        field("recipient", FieldKind::Text, "The replaced system's name for `to`."),
        field("cc", FieldKind::Any, "Further addresses, seen by all."),
        field("from", FieldKind::Text, "`Name <address>`, instead of the configured one."),
        field("reply_to", FieldKind::Text, "Where answers go."),
        field("subject", FieldKind::Text, "The subject line."),
        field("text", FieldKind::Text, "The plain body; a document of its own, filled in with `data`."),
        field("html", FieldKind::Text, "The body as HTML; a document of its own, filled in with `data`."),
        field("template", FieldKind::Text, "The name of a template (.html, .txt or both), instead of a body."),
        field("data", FieldKind::Any, "What a body or template reads."),
        field("variables", FieldKind::Object, "Another name for `data`."),
        field("attachments", FieldKind::Any, "Addresses of files, 10 at most."),
        field("provider", FieldKind::OneOf(PROVIDERS), "smtp when the secret SMTP_URL is set, else resend."),
    ],
    secrets: &[SMTP, RESEND],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // Resend recognises the idempotency key; a mail server delivers twice what is sent twice.
    safe_to_repeat: |config, _| config["provider"] == "resend",
    bounds: unbounded,
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match send(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn send(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let deadline = Instant::now() + attempt.timeout;
    let fields = Fields::open(attempt.config, &TYPE)?;
    let by_smtp = match fields.text_or_none("provider")?.as_deref() {
        Some("smtp") => true,
        Some("resend") => false,
        None => attempt.secret(SMTP).is_some(),
        Some(_) => return Err(Problem::new("provider", "must be smtp or resend").into()),
    };
    let letter = Letter::read(outside, &attempt, fields, deadline).await?;
    if by_smtp {
        let url = attempt.secret(SMTP).ok_or_else(|| unset(SMTP))?;
        smtp::send(url, &letter, deadline).await
    } else {
        let key = attempt.secrets.get(RESEND).ok_or_else(|| unset(RESEND))?;
        resend::send(outside, key, &letter, attempt.idempotency_key, deadline).await
    }
}

fn unset(name: &str) -> Problem {
    Problem::new("provider", format!("cannot be reached: the secret {name} is not set: onward secrets set {name}"))
}
