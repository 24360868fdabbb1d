//! `cbb.sync_contact`: a contact that has these values, whether it was there or not.

use std::time::Duration;

use onward_workflows::{ConfigField, ErrorKind, FieldKind, Outcome, StepError, StepType};
use serde_json::{Map, Value, json};

use super::account::Content;
use super::contact::{find, id_of};
use super::fields::{Entry, entries};
use super::{Account, TOKEN, bound};
use crate::config::Fields;
use crate::phone::digits;
use crate::step::{Attempt, BuiltIn, Outside};

/// Values are written behind the service's back: a flow that starts at once may still read the old ones.
const SETTLES_IN: Duration = Duration::from_secs(1);

const TYPE: StepType = StepType {
    name: "cbb.sync_contact",
    summary: "Creates or updates a contact of the chatbot: {id, created, whatsapp_available}.",
    fields: &[
        ConfigField { name: "phone", kind: FieldKind::Text, required: true, summary: "With the country code." },
        field("name", FieldKind::Text, "Taken when the contact is created; the service cannot change it later."),
        field("email", FieldKind::Text, "Taken when the contact is created, as the name."),
        field("gender", FieldKind::OneOf(&["male", "female"]), "Taken when the contact is created, as the name."),
        field("language", FieldKind::Text, "Taken when the contact is created, as the name."),
        field("fields", FieldKind::Object, "Custom fields by name; null leaves one as it is."),
        field("token", FieldKind::Text, "Instead of the secret CBB_TOKEN."),
    ],
    secrets: &[TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // The same values twice are the same values.
    safe_to_repeat: |_, _| true,
    bounds: |_, _| vec![bound()],
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match sync(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn sync(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let config = Fields::open(attempt.config, &TYPE)?;
    let phone = digits("phone", &config.text("phone")?)?;
    let account = Account::open(outside, attempt, config.text_or_none("token")?.as_deref())?;
    let none = Map::new();
    let entries = entries(&account, config.object("fields")?.unwrap_or(&none)).await?;
    let known = find(&account, &phone).await?;
    let created = known.is_none();
    let id = match known {
        Some(id) => {
            update(&account, &id, &entries).await?;
            id
        }
        None => create(&account, &phone, config, &entries).await?,
    };
    if !entries.is_empty() {
        tokio::time::sleep(SETTLES_IN).await;
    }
    // The service cannot tell whether a number has WhatsApp; a message that cannot be delivered says so itself.
    Ok(json!({ "id": id, "created": created, "whatsapp_available": true }))
}

/// An upsert by phone number, with everything in one request.
async fn create(account: &Account<'_>, phone: &str, config: Fields<'_>, entries: &[Entry]) -> Result<String, Outcome> {
    let mut body = Map::from_iter([("phone".to_owned(), json!(phone)), ("last_name".to_owned(), json!(""))]);
    for (theirs, ours) in [("first_name", "name"), ("email", "email"), ("gender", "gender"), ("language", "language")] {
        if let Some(text) = config.text_or_none(ours)? {
            body.insert(theirs.to_owned(), text.into());
        }
    }
    let actions = entries
        .iter()
        .map(|entry| json!({ "action": "set_field_value", "field_name": entry.name, "value": entry.value }));
    body.insert("actions".to_owned(), actions.collect());
    let answer = account.write(&["contacts"], Content::Json(&Value::Object(body))).await?;
    Ok(id_of(&answer["data"]).or_else(|| id_of(&answer)).unwrap_or_else(|| phone.to_owned()))
}

/// One request for each field; one that is refused does not keep the others from being written.
async fn update(account: &Account<'_>, id: &str, entries: &[Entry]) -> Result<(), Outcome> {
    let mut refused: Vec<(&str, StepError)> = Vec::new();
    for entry in entries {
        let field = entry.id.to_string();
        let path = ["contacts", id, "custom_fields", &field];
        match account.write(&path, Content::Value(&entry.value)).await {
            Ok(_) => {}
            Err(Outcome::Failed(error)) if error.kind == ErrorKind::Http => refused.push((&entry.name, error)),
            Err(outcome) => return Err(outcome),
        }
    }
    let Some((_, first)) = refused.first() else { return Ok(()) };
    let names: Vec<&str> = refused.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "{} of {} fields were not taken ({}): {}",
        refused.len(),
        entries.len(),
        names.join(", "),
        first.message
    );
    let retryable = refused.iter().any(|(_, error)| error.retryable);
    let details = Some(json!({ "fields": names }));
    Err(Outcome::Failed(StepError { message, retryable, details, ..first.clone() }))
}
