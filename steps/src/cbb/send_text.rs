//! `cbb.send_text`: plain text to somebody who has written within the last day.

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use serde_json::{Value, json};

use super::account::Content;
use super::{Account, TOKEN, bound};
use crate::config::{Fields, Problem};
use crate::phone::digits;
use crate::step::{Attempt, BuiltIn, Outside};

const TEXT_MAX: usize = 4_096;

const TYPE: StepType = StepType {
    name: "cbb.send_text",
    summary: "Sends a contact plain text, which arrives only within 24 hours of their last message: {contact_id, message_id}.",
    fields: &[
        ConfigField { name: "to", kind: FieldKind::Text, required: true, summary: "The contact's phone number." },
        ConfigField { name: "text", kind: FieldKind::Text, required: true, summary: "At most 4,096 characters." },
        ConfigField {
            name: "token",
            kind: FieldKind::Text,
            required: false,
            summary: "Instead of the secret CBB_TOKEN.",
        },
    ],
    secrets: &[TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    safe_to_repeat: |_, _| false,
    bounds: |_, _| vec![bound()],
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match send(outside, attempt, attempt.config).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

pub(crate) async fn send(outside: &Outside, attempt: Attempt<'_>, config: &Value) -> Result<Value, Outcome> {
    let config = Fields::open(config, &TYPE)?;
    let contact = digits("to", &config.text("to")?)?;
    let text = config.text("text")?;
    if text.chars().count() > TEXT_MAX {
        return Err(Problem::new("text", format!("is longer than {TEXT_MAX} characters")).into());
    }
    let account = Account::open(outside, attempt, config.text_or_none("token")?.as_deref())?;
    let body = json!({ "text": text, "channel": "whatsapp" });
    let answer = account.send(&["contacts", &contact, "send", "text"], Content::Json(&body)).await?;
    Ok(json!({ "contact_id": contact, "message_id": answer["message_id"] }))
}
