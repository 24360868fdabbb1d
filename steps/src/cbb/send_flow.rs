//! `cbb.send_flow`: starts one of the account's flows for a contact.

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use serde_json::{Value, json};

use super::account::Content;
use super::{Account, TOKEN, bound};
use crate::config::{Fields, Problem};
use crate::phone::digits;
use crate::step::{Attempt, BuiltIn, Outside};

const TYPE: StepType = StepType {
    name: "cbb.send_flow",
    summary: "Starts a flow of the chatbot for a contact: {contact_id, flow_id}.",
    fields: &[
        ConfigField { name: "to", kind: FieldKind::Text, required: true, summary: "The contact's phone number." },
        ConfigField { name: "flow", kind: FieldKind::Any, required: true, summary: "The flow's id, or its name." },
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
    match send(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn send(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let config = Fields::open(attempt.config, &TYPE)?;
    let contact = digits("to", &config.text("to")?)?;
    let flow = config.text("flow")?;
    let account = Account::open(outside, attempt, config.text_or_none("token")?.as_deref())?;
    let flow = if flow.bytes().all(|byte| byte.is_ascii_digit()) { flow } else { named(&account, &flow).await? };
    account.send(&["contacts", &contact, "send", &flow], Content::Nothing).await?;
    Ok(json!({ "contact_id": contact, "flow_id": flow }))
}

async fn named(account: &Account<'_>, name: &str) -> Result<String, Outcome> {
    let answer = account.read(&["accounts", "flows"]).await?;
    let flows = answer.as_array().or_else(|| answer["data"].as_array()).map_or(&[][..], Vec::as_slice);
    let mut named = flows.iter().filter(|flow| flow["name"] == name);
    match (named.next(), named.next()) {
        (Some(flow), None) => Ok(super::contact::id_of(flow).unwrap_or_default()),
        (Some(_), Some(_)) => Err(Problem::new("flow", "is the name of several flows: write the id").into()),
        (None, _) => Err(Problem::new("flow", "is not the name of a flow of the account").into()),
    }
}
