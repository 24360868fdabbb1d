//! What one webhook of Meta holds, taken apart. Everything in it may be missing, and more may come than we know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onward_workflows::RunId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One thing that was reported.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    /// The same however often it comes.
    pub dedup_key: String,
    pub what: What,
    /// The event's data.
    pub data: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Of a message that we sent.
    Status {
        message_id: String,
        status: String,
        phone: Option<String>,
        callback: Option<String>,
    },
    /// Somebody has written.
    Message {
        message_id: String,
        phone: Option<String>,
    },
    Template {
        name: String,
        language: String,
        status: String,
        reason: Option<String>,
    },
    /// Stored, and nobody is told.
    Other,
}

/// Every report of every change of every entry.
pub(super) fn reports(body: &Value) -> Vec<Report> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut reports = Vec::new();
    for entry in list(&body["entry"]) {
        for change in list(&entry["changes"]) {
            let value = &change["value"];
            match change["field"].as_str() {
                Some("messages") => {
                    let number = &value["metadata"]["phone_number_id"];
                    reports.extend(list(&value["statuses"]).iter().filter_map(|status| status_of(status, number)));
                    reports.extend(list(&value["messages"]).iter().filter_map(|message| message_of(message, value)));
                }
                Some("message_template_status_update") => reports.extend(template_of(value, &entry)),
                _ => reports.push(Report {
                    dedup_key: format!("other:{}", hash(&format!("{change}{}", entry["time"]))),
                    what: What::Other,
                    data: change.clone(),
                }),
            }
        }
    }
    reports
}

fn status_of(status: &Value, number: &Value) -> Option<Report> {
    let message_id = text(&status["id"])?;
    let word = text(&status["status"])?;
    let phone = text(&status["recipient_id"]);
    let callback = text(&status["biz_opaque_callback_data"]);
    let data = json!({
        "status": word, "message_id": message_id, "recipient": phone, "user_id": status["recipient_user_id"],
        "timestamp": super::instant(&status["timestamp"]), "errors": status["errors"], "pricing": status["pricing"],
        "conversation": status["conversation"], "phone_number_id": number,
    });
    let dedup_key = format!("status:{message_id}:{word}");
    Some(Report {
        dedup_key,
        what: What::Status { message_id, status: word, phone, callback },
        data: without_nulls(data),
    })
}

fn message_of(message: &Value, value: &Value) -> Option<Report> {
    let message_id = text(&message["id"])?;
    let phone = text(&message["from"]);
    let name = &value["contacts"][0]["profile"]["name"];
    let data = json!({
        "message_id": message_id, "from": phone, "name": name, "type": message["type"], "text": message["text"]["body"],
        "timestamp": super::instant(&message["timestamp"]), "phone_number_id": value["metadata"]["phone_number_id"],
        "message": message,
    });
    Some(Report {
        dedup_key: format!("message:{message_id}"),
        what: What::Message { message_id, phone },
        data: without_nulls(data),
    })
}

fn template_of(value: &Value, entry: &Value) -> Option<Report> {
    let name = text(&value["message_template_name"])?;
    let language = text(&value["message_template_language"])?;
    let status = text(&value["event"])?;
    let reason = text(&value["reason"]).filter(|reason| reason != "NONE");
    let data = json!({
        "name": name, "language": language, "status": status, "reason": reason,
        "category": value["message_template_category"], "details": value,
    });
    let dedup_key = format!("template:{name}:{language}:{status}:{}", hash(&format!("{value}{}", entry["time"])));
    Some(Report { dedup_key, what: What::Template { name, language, status, reason }, data: without_nulls(data) })
}

impl Report {
    /// How the event is called that runs wait for.
    pub(super) fn event(&self) -> Option<&'static str> {
        match self.what {
            What::Status { .. } => Some("whatsapp.status"),
            What::Message { .. } => Some("whatsapp.message"),
            What::Template { .. } => Some("whatsapp.template"),
            What::Other => None,
        }
    }

    pub(super) fn message_id(&self) -> Option<&str> {
        match &self.what {
            What::Status { message_id, .. } | What::Message { message_id, .. } => Some(message_id),
            What::Template { .. } | What::Other => None,
        }
    }

    pub(super) fn phone(&self) -> Option<&str> {
        match &self.what {
            What::Status { phone, .. } | What::Message { phone, .. } => phone.as_deref(),
            What::Template { .. } | What::Other => None,
        }
    }
}

/// The run and the path that a correlation key names, when it is the one that a step has by itself.
pub(super) fn step_of(correlation_key: &str) -> Option<(RunId, &str)> {
    let (run, path) = correlation_key.split_once('/')?;
    Some((run.parse().ok()?, path))
}

/// The chatbot service writes the contact's number in place of what we called the message.
pub(super) fn contact_of(callback: &str) -> Option<String> {
    let parsed: Value = serde_json::from_str(callback).ok()?;
    text(&parsed["c"]).map(|phone| phone.trim_start_matches('+').to_owned())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_a_batch_is_found() {
        let status = |id: &str, word: &str| json!({ "id": id, "status": word, "timestamp": "1767322450" });
        let change = |statuses: Value| json!({ "field": "messages", "value": { "statuses": statuses } });
        let body = json!({ "entry": [
            { "changes": [
                change(json!([status("wamid.1", "sent"), status("wamid.2", "sent")])),
                change(json!([status("wamid.1", "delivered")])),
            ] },
            { "changes": [
                { "field": "messages", "value": { "messages": [{ "id": "wamid.IN", "from": "999", "type": "text", "text": { "body": "hi" } }] } },
                { "field": "message_template_status_update", "value": {
                    "event": "REJECTED", "message_template_name": "t", "message_template_language": "he", "reason": "SCAM" } },
                { "field": "account_update", "value": { "event": "DISABLED_UPDATE" } },
            ] },
        ] });
        let found = reports(&body);
        let keys: Vec<&str> = found.iter().map(|report| report.dedup_key.split(':').next().unwrap()).collect();
        assert_eq!(keys, ["status", "status", "status", "message", "template", "other"]);
        assert_eq!(found[0].data["timestamp"], "2026-01-02T02:54:10Z");
        assert_eq!(found[3].data["text"], "hi");
        assert_eq!(found, reports(&body), "the same bytes have the same keys");
    }

    #[test]
    fn what_is_missing_or_new_stops_nothing() {
        for body in [
            json!(null),
            json!([]),
            json!({ "entry": {} }),
            json!({ "entry": [{ "changes": [{}] }] }),
            json!({ "entry": [{ "changes": [{ "field": "messages", "value": { "statuses": [{}, { "id": 7 }], "errors": [] } }] }] }),
        ] {
            assert!(reports(&body).iter().all(|report| report.what == What::Other), "{body}");
        }
    }

    #[test]
    fn a_callback_names_a_step_or_a_contact() {
        assert_eq!(contact_of(r#"{"c":"999500000001"}"#).as_deref(), Some("999500000001"));
        assert_eq!(contact_of(r#"{"c":999500000001}"#).as_deref(), Some("999500000001"));
        assert_eq!(contact_of("run/step"), None);
        assert_eq!(step_of("charge:7"), None);
    }
}
