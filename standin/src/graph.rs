//! Meta's Graph API as far as WhatsApp needs it: sending, files, templates.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Shared;
use crate::hook::{Hook, Statuses};

/// A template, and how many places its body has.
#[derive(Debug, Clone)]
pub struct Template {
    pub name: String,
    pub language: String,
    pub status: String,
    pub params: usize,
    pub document: bool,
}

#[derive(Debug)]
pub struct Graph {
    pub token: String,
    pub phone_number_id: String,
    pub account_id: String,
    pub templates: Vec<Template>,
    /// Every message that was taken, with the id it got.
    pub messages: Vec<(String, Value)>,
    /// Templates on one page of the list.
    pub page: usize,
    /// The code of the error with which the next sends are refused.
    pub refuse: Vec<i64>,
    /// Where the statuses of messages are reported to.
    pub hook: Option<Hook>,
    pub statuses: Statuses,
}

impl Default for Graph {
    fn default() -> Self {
        let template = |name: &str, params, document| Template {
            name: name.to_owned(),
            language: "he".to_owned(),
            status: "APPROVED".to_owned(),
            params,
            document,
        };
        Self {
            token: "EAAFAKE".to_owned(),
            phone_number_id: "2000000001".to_owned(),
            account_id: "1000000001".to_owned(),
            templates: vec![
                template("order_confirmation_global", 8, false),
                template("visa_approval_file_phone", 1, true),
                template("visa_approval_file_multi_he", 1, true),
                template("fix_mistake_global_hebrew", 4, false),
                template("order_shipped", 2, false),
                template("visa_status_update", 1, false),
                Template { language: "en".to_owned(), ..template("visa_status_update", 1, false) },
                template("visa_status_changed", 2, false),
                Template { language: "en".to_owned(), ..template("visa_status_changed", 2, false) },
            ],
            messages: Vec::new(),
            page: 100,
            refuse: Vec::new(),
            hook: None,
            statuses: Statuses::default(),
        }
    }
}

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/{version}/{id}/messages", post(send))
        .route("/{version}/{id}/message_templates", get(list_templates))
        .route("/{version}/{id}/media", post(upload))
}

async fn send(
    State(shared): State<Shared>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return refused(400, 100) };
    let number = {
        let services = shared.services();
        if !is_let_in(&services.graph.token, &headers) {
            return refused(401, 190);
        }
        services.graph.phone_number_id.clone()
    };
    if id != number {
        return refused(400, 33);
    }
    match take(&shared, &message, message["biz_opaque_callback_data"].as_str()) {
        Ok(wamid) => {
            let to = message["to"].as_str().unwrap_or_default();
            Json(json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": to, "wa_id": to }],
                "messages": [{ "id": wamid, "message_status": "accepted" }],
            }))
            .into_response()
        }
        Err((status, code)) => refused(status, code),
    }
}

/// Checks a message as Meta does and takes it; the answer is its id.
pub(crate) fn take(shared: &Shared, message: &Value, callback: Option<&str>) -> Result<String, (u16, i64)> {
    let to = message["to"].as_str().unwrap_or_default().to_owned();
    if message["messaging_product"] != "whatsapp" || to.is_empty() {
        return Err((400, 100));
    }
    let wamid = {
        let mut services = shared.services();
        let graph = &mut services.graph;
        if !graph.refuse.is_empty() {
            return Err((400, graph.refuse.remove(0)));
        }
        if message["type"] == "template" {
            check(&graph.templates, &message["template"])?;
        }
        let wamid = format!("wamid.FAKE{:08}", graph.messages.len() + 1);
        graph.messages.push((wamid.clone(), message.clone()));
        wamid
    };
    // What was sent by one step is one effect, under the name that the step gives it.
    let name = callback.map_or_else(|| crate::ledger::fingerprint(&message.to_string()), str::to_owned);
    let identity = format!("/whatsapp/{to}/{}", name.replace('/', ":"));
    let _ = shared.ledger().write(&identity, None, &identity, message.clone());
    crate::hook::report(shared, &wamid, &to, callback);
    Ok(wamid)
}

fn check(templates: &[Template], sent: &Value) -> Result<(), (u16, i64)> {
    let (name, language) = (sent["name"].as_str(), sent["language"]["code"].as_str());
    let known =
        templates.iter().find(|known| Some(known.name.as_str()) == name && Some(known.language.as_str()) == language);
    let known = known.ok_or((404, 132_001))?;
    if known.status != "APPROVED" {
        return Err((400, 132_015));
    }
    let component = |kind: &str| {
        let mut components = sent["components"].as_array().into_iter().flatten();
        components.find(|component| component["type"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(kind)))
    };
    let params = component("body").and_then(|body| body["parameters"].as_array()).map_or(&[][..], Vec::as_slice);
    if params.len() != known.params {
        return Err((400, 132_000));
    }
    let wrong = |text: &str| text.is_empty() || text.contains(['\n', '\t']) || text.contains("     ");
    if params.iter().any(|param| param["text"].as_str().is_none_or(wrong)) {
        return Err((400, 131_008));
    }
    if known.document != component("header").is_some() {
        return Err((400, 132_012));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Page {
    after: Option<usize>,
    limit: Option<usize>,
}

async fn list_templates(
    State(shared): State<Shared>,
    Path((version, id)): Path<(String, String)>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    let services = shared.services();
    let graph = &services.graph;
    if !is_let_in(&graph.token, &headers) {
        return refused(401, 190);
    }
    // The templates belong to the account, not to the number.
    if id != graph.account_id {
        return refused(400, 100);
    }
    let begin = page.after.unwrap_or(0).min(graph.templates.len());
    let end = (begin + page.limit.unwrap_or(25).min(graph.page)).min(graph.templates.len());
    let data: Vec<Value> = graph.templates[begin..end].iter().map(described).collect();
    let mut paging = json!({ "cursors": { "before": begin.to_string(), "after": end.to_string() } });
    if end < graph.templates.len() {
        paging["next"] = json!(format!("https://graph.facebook.com/{version}/{id}/message_templates?after={end}"));
    }
    Json(json!({ "data": data, "paging": paging })).into_response()
}

fn described(template: &Template) -> Value {
    let places: Vec<String> = (1..=template.params).map(|place| format!("{{{{{place}}}}}")).collect();
    let mut components = vec![json!({ "type": "BODY", "text": format!("שלום {} תודה.", places.join(" - ")) })];
    if template.document {
        components.insert(0, json!({ "type": "HEADER", "format": "DOCUMENT" }));
    }
    json!({
        "id": format!("90000000000{:05}", template.name.len()), "name": template.name, "language": template.language,
        "status": template.status, "category": "UTILITY", "parameter_format": "POSITIONAL",
        "components": components, "quality_score": { "score": "GREEN" }, "rejected_reason": "NONE",
    })
}

async fn upload(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_let_in(&shared.services().graph.token, &headers) {
        return refused(401, 190);
    }
    if body.is_empty() {
        return refused(400, 131_053);
    }
    Json(json!({ "id": format!("90000000{:07}", body.len()) })).into_response()
}

fn is_let_in(token: &str, headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value.as_bytes() == format!("Bearer {token}").as_bytes())
}

fn refused(status: u16, code: i64) -> Response {
    let message = format!("(#{code}) the stand-in refuses this");
    let error = json!({
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AFake_trace-1",
        "error_data": { "messaging_product": "whatsapp", "details": "invented" },
    });
    (StatusCode::from_u16(status).expect("a status of this file"), Json(json!({ "error": error }))).into_response()
}
