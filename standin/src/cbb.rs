//! The chatbot service: errors in a 200, somebody unknown as an empty contact, fields by form only, and messages that it
//! hands on to WhatsApp under a name of its own.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Shared;

#[derive(Debug)]
pub struct Cbb {
    pub token: String,
    pub contacts: BTreeMap<String, Contact>,
    /// Id, name and type as the service numbers them.
    pub fields: Vec<(i64, &'static str, u8)>,
    pub flows: Vec<(i64, &'static str)>,
    /// Flows that were started: contact and flow.
    pub started: Vec<(String, String)>,
    /// The next request is answered so, with a 200.
    pub next_answer: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    pub first_name: String,
    pub email: String,
    /// By name.
    pub fields: BTreeMap<String, String>,
}

impl Default for Cbb {
    fn default() -> Self {
        Self {
            token: "1000.fake".to_owned(),
            contacts: BTreeMap::new(),
            fields: vec![
                (459_752, "OrderNumber", 0),
                (877_737, "visa_country", 0),
                (763_048, "order_urgent", 4),
                (661_549, "order_date", 2),
                (949_873, "visa_quantity", 1),
                (100_001, "source", 0),
                (100_002, "order_number", 0),
                (100_003, "country", 0),
            ],
            flows: vec![(1_690_000_000_001, "welcome"), (1_690_000_000_002, "twice"), (1_690_000_000_003, "twice")],
            started: Vec::new(),
            next_answer: None,
        }
    }
}

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/accounts/me", get(|| async { Json(json!({ "id": 1000, "name": "stand-in" })) }))
        .route("/api/accounts/custom_fields", get(custom_fields))
        .route("/api/accounts/flows", get(flows))
        .route("/api/contacts", post(upsert))
        .route("/api/contacts/{id}", get(show))
        .route("/api/contacts/{id}/custom_fields/{field}", post(set_field))
        .route("/api/contacts/{id}/send_content", post(send_content))
        .route("/api/contacts/{id}/send/text", post(send_text))
        .route("/api/contacts/{id}/send/{flow}", post(start_flow))
}

/// The answer in place of the work, if there is one.
fn turned_away(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let mut services = shared.services();
    let cbb = &mut services.cbb;
    if headers.get("x-access-token").is_none_or(|token| token.as_bytes() != cbb.token.as_bytes()) {
        let body = json!({ "success": false, "error": "Invalid access token" });
        return Some((StatusCode::UNAUTHORIZED, Json(body)).into_response());
    }
    cbb.next_answer.take().map(|answer| Json(answer).into_response())
}

async fn custom_fields(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let services = shared.services();
    let list = services.cbb.fields.iter().map(|(id, name, kind)| json!({ "id": id, "name": name, "type": kind }));
    Json(list.collect::<Vec<_>>()).into_response()
}

async fn flows(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let services = shared.services();
    let list = services.cbb.flows.iter().map(|(id, name)| json!({ "id": id, "name": name }));
    Json(list.collect::<Vec<_>>()).into_response()
}

async fn show(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let services = shared.services();
    let Some(contact) = services.cbb.contacts.get(&id) else {
        return Json(json!({ "id": "", "phone": "", "first_name": "", "custom_fields": [] })).into_response();
    };
    let fields = contact.fields.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    Json(json!({
        "id": id, "phone": format!("+{id}"), "first_name": contact.first_name, "email": contact.email, "channel": 5,
        "custom_fields": fields.collect::<Vec<_>>(),
    }))
    .into_response()
}

/// Name and e-mail are taken from the first post only.
async fn upsert(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return wrong("Invalid JSON") };
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let id: String = text("phone").chars().filter(char::is_ascii_digit).collect();
    if id.len() < 8 {
        return Json(json!({ "errors": { "phone": ["The phone is invalid."] } })).into_response();
    }
    let mut services = shared.services();
    let names: Vec<&str> = services.cbb.fields.iter().map(|(_, name, _)| *name).collect();
    let mut values = Vec::new();
    for action in body["actions"].as_array().into_iter().flatten() {
        let (name, value) = (action["field_name"].as_str().unwrap_or_default(), action["value"].as_str());
        match value {
            Some(value) if names.contains(&name) => values.push((name.to_owned(), value.to_owned())),
            _ => return wrong(&format!("Unknown field {name}")),
        }
    }
    let new = Contact { first_name: text("first_name"), email: text("email"), ..Contact::default() };
    let contact = services.cbb.contacts.entry(id.clone()).or_insert(new);
    contact.fields.extend(values);
    let body = json!({ "success": true, "data": { "id": id, "first_name": contact.first_name } });
    Json(body).into_response()
}

/// Everything but a form is refused, in a 200.
async fn set_field(
    State(shared): State<Shared>,
    Path((id, field)): Path<(String, i64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let is_form = headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let value = crate::form::pairs(&body).filter(|_| is_form);
    let value = value.and_then(|pairs| pairs.into_iter().find(|(name, _)| name == "value"));
    let Some((_, value)) = value else { return wrong("value is required") };
    let mut services = shared.services();
    let Some((_, name, _)) = services.cbb.fields.iter().find(|(known, ..)| *known == field).copied() else {
        return wrong("Custom field not found");
    };
    let Some(contact) = services.cbb.contacts.get_mut(&id) else { return wrong("Contact not found") };
    contact.fields.insert(name.to_owned(), value);
    Json(json!({ "success": true })).into_response()
}

/// Hands the message on to WhatsApp: what the sender calls it is replaced by the contact's number, and its id is kept back.
async fn send_content(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return wrong("Invalid JSON") };
    let mut message = body["messages"][0].clone();
    if message["messaging_product"].is_null() {
        message["messaging_product"] = json!("whatsapp");
        message["to"] = json!(id);
    }
    match crate::graph::take(&shared, &message, Some(&json!({ "c": id }).to_string())) {
        Ok(_) => Json(json!({ "success": true })).into_response(),
        Err((_, code)) => wrong(&format!("(#{code}) refused by WhatsApp")),
    }
}

/// Outside the 24 hours it is taken and never arrives.
async fn send_text(State(shared): State<Shared>, Path(_): Path<String>, headers: HeaderMap) -> Response {
    turned_away(&shared, &headers).unwrap_or_else(|| Json(json!({ "success": true })).into_response())
}

async fn start_flow(
    State(shared): State<Shared>,
    Path((id, flow)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(answer) = turned_away(&shared, &headers) {
        return answer;
    }
    let mut services = shared.services();
    if !services.cbb.flows.iter().any(|(known, _)| known.to_string() == flow) {
        return wrong("Flow not found");
    }
    services.cbb.started.push((id, flow));
    Json(json!({ "success": true })).into_response()
}

fn wrong(text: &str) -> Response {
    Json(json!({ "success": false, "error": text })).into_response()
}
