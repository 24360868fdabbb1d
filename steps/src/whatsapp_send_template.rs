//! `whatsapp.send_template`: an approved template to one person, through the chatbot service or Meta's Cloud API.

pub(crate) mod cloud;
mod message;

use std::time::Duration;

use onward_workflows::{ConfigField, ErrorKind, FieldKind, Outcome, StepError, StepType};
use serde_json::{Value, json};

use crate::backing::{Bound, Sent};
use crate::cbb::{Account, Content, send_text};
use crate::config::{Fields, Problem};
use crate::phone::digits;
use crate::services::{Services, Via};
use crate::step::{Attempt, BuiltIn, Outside};

use message::Message;

const CBB_TOKEN: &str = "CBB_TOKEN";
const CLOUD_TOKEN: &str = "WHATSAPP_TOKEN";
const VIA: &[&str] = &["cbb", "cloud"];
/// Of one number, to everybody.
const NUMBER_PER_SECOND: u32 = 80;
/// To one person Meta takes about ten messages a minute.
const PAIR_EVERY: Duration = Duration::from_secs(6);

pub(super) const TYPE: StepType = StepType {
    name: "whatsapp.send_template",
    summary: "Sends an approved WhatsApp template: {message_id, correlation_key, contact_id}.",
    fields: &[
        required("to", "The phone number, with the country code."),
        required("template", "Its name."),
        field("language", FieldKind::Text, "Exactly as it was approved, such as he or en_US."),
        field("params", FieldKind::Any, "A list of texts for {{1}}, {{2}} …, or {name: text} for named places."),
        field("document", FieldKind::Text, "The address of a file for the template's header."),
        field("filename", FieldKind::Text, "What the file is called; the last part of its address unless written."),
        field("buttons", FieldKind::Any, "What completes the addresses of the template's buttons, in their order."),
        field(
            "via",
            FieldKind::OneOf(VIA),
            "cbb (the chatbot service) or cloud (Meta directly), instead of the configured one.",
        ),
        field("token", FieldKind::Text, "Instead of the secret CBB_TOKEN or WHATSAPP_TOKEN."),
    ],
    secrets: &[CBB_TOKEN, CLOUD_TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // Neither of the two has idempotency keys.
    safe_to_repeat: |_, _| false,
    bounds,
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

/// The replaced system's name, with the fields it had.
const OLD_TYPE: StepType = StepType {
    name: "whatsapp.send",
    summary: "The replaced system's name for whatsapp.send_template and cbb.send_text.",
    fields: &[
        field("contact", FieldKind::Text, "The phone number."),
        field("to", FieldKind::Text, "Another name for `contact`."),
        field("message", FieldKind::Text, "Plain text, which arrives only within 24 hours of their last message."),
        field("template", FieldKind::Text, "Its name."),
        field("language", FieldKind::Text, "Exactly as it was approved."),
        field("variables", FieldKind::Any, "Values for its places."),
        field("fileUrl", FieldKind::Text, "The address of a file for the template's header."),
        field("fileType", FieldKind::OneOf(&["image", "document", "video", "audio"]), "What the file is."),
    ],
    secrets: &[CBB_TOKEN, CLOUD_TOKEN],
    built_in: true,
};

pub(crate) const OLD: BuiltIn = BuiltIn {
    step_type: OLD_TYPE,
    safe_to_repeat: |_, _| false,
    bounds,
    run: |outside, attempt| Box::pin(run_old(outside, attempt)),
};

const fn required(name: &'static str, summary: &'static str) -> ConfigField {
    ConfigField { name, kind: FieldKind::Text, required: true, summary }
}

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

fn bounds(_: &Services, config: &Value) -> Vec<Bound> {
    let to = config["to"].as_str().or(config["contact"].as_str());
    let pair = to.and_then(|to| digits("to", to).ok()).map(|to| pair(&to));
    pair.into_iter().chain([number()]).collect()
}

fn number() -> Bound {
    Bound { key: "whatsapp".to_owned(), limit: NUMBER_PER_SECOND, per: Duration::from_secs(1) }
}

fn pair(to: &str) -> Bound {
    Bound { key: format!("whatsapp/{to}"), limit: 1, per: PAIR_EVERY }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match send(outside, attempt, attempt.config, &TYPE).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn send(outside: &Outside, attempt: Attempt<'_>, config: &Value, step_type: &StepType) -> Result<Value, Outcome> {
    let fields = Fields::open(config, step_type)?;
    let message = Message::read(fields, &outside.services)?;
    let token = fields.text_or_none("token")?;
    let via = match fields.text_or_none("via")?.as_deref() {
        Some("cbb") => Via::Cbb,
        Some("cloud") => Via::Cloud,
        None => outside.services.whatsapp_via,
        Some(_) => return Err(Problem::new("via", "must be cbb or cloud").into()),
    };
    if let Some(problem) =
        attempt.backing.template(&message.template, &message.language).await.and_then(|known| message.misfit(&known))
    {
        return Err(problem.into());
    }
    // Known before it leaves: its status may come before the answer.
    let sent = Sent {
        correlation_key: attempt.idempotency_key.to_owned(),
        phone: message.to.clone(),
        template: message.template.clone(),
        message_id: None,
    };
    let noted = attempt.backing.note_sent(&sent).await;
    noted.map_err(|error| Outcome::Failed(StepError::new(ErrorKind::Internal, error.to_string()).retryable()))?;
    let answered = carry(outside, attempt, via, token.as_deref(), &message).await;
    let message_id = match answered {
        Ok(id) => id,
        Err(outcome) => {
            if matches!(outcome, Outcome::Failed(_)) {
                attempt.backing.forget_sent(attempt.idempotency_key).await;
            }
            return Err(outcome);
        }
    };
    if message_id.is_some() {
        // If this is lost, the report finds the step by its callback data all the same.
        let _ = attempt.backing.note_sent(&Sent { message_id: message_id.clone(), ..sent }).await;
    }
    Ok(json!({
        "message_id": message_id,
        "correlation_key": attempt.idempotency_key,
        "contact_id": message.to,
    }))
}

/// The message's id, where the way tells it.
async fn carry(
    outside: &Outside,
    attempt: Attempt<'_>,
    via: Via,
    token: Option<&str>,
    message: &Message,
) -> Result<Option<String>, Outcome> {
    if via == Via::Cloud {
        return cloud::send(outside, &attempt, token, message).await.map(Some);
    }
    let account = Account::open(outside, attempt, token)?;
    let message_body = message.body(message.link().as_ref(), attempt.idempotency_key);
    let body = json!({ "messages": [message_body], "actions": [], "channel": "whatsapp" });
    let answer = account.send(&["contacts", &message.to, "send_content"], Content::Json(&body)).await?;
    let id = answer["message_id"].as_str();
    Ok(id.filter(|id| id.starts_with("wamid.")).map(str::to_owned))
}

async fn run_old(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match send_old(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn send_old(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let fields = Fields::open(attempt.config, &OLD_TYPE)?;
    let to = fields.text(fields.one_of(&["contact", "to"])?)?;
    if fields.one_of(&["template", "message"])? == "message" {
        let config = json!({ "to": to, "text": fields.text("message")? });
        return send_text(outside, attempt, &config).await;
    }
    let config = json!({
        "to": to,
        "template": fields.value("template"),
        "language": fields.value("language"),
        "params": fields.value("variables"),
        "document": fields.value("fileUrl"),
    });
    send(outside, attempt, &config, &TYPE).await
}
