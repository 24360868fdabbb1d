//! Finding a contact. Somebody unknown is answered with a 200 and an empty phone number.

use onward_workflows::Outcome;
use serde_json::Value;

use super::Account;
use crate::phone::with_stray_zero;

/// The id under which the number is known, with or without the zero that does not belong there.
pub(super) async fn find(account: &Account<'_>, phone: &str) -> Result<Option<String>, Outcome> {
    if let Some(id) = look(account, phone).await? {
        return Ok(Some(id));
    }
    match with_stray_zero(phone) {
        Some(other) => look(account, &other).await,
        None => Ok(None),
    }
}

async fn look(account: &Account<'_>, id: &str) -> Result<Option<String>, Outcome> {
    match account.read(&["contacts", id]).await {
        Ok(found) => {
            // One host wraps its answers.
            let contact = if found["data"].is_object() { &found["data"] } else { &found };
            let known = contact["phone"].as_str().is_some_and(|phone| !phone.trim().is_empty());
            Ok(known.then(|| id_of(contact).unwrap_or_else(|| id.to_owned())))
        }
        Err(Outcome::Failed(error)) if error.status == Some(404) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

pub(super) fn id_of(contact: &Value) -> Option<String> {
    match &contact["id"] {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
