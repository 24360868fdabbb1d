//! `whatsapp.sync_templates`: reads the account's templates, so that messages are checked before they leave.

use onward_workflows::{ConfigField, ErrorKind, FieldKind, Outcome, StepError, StepType};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::backing::{ListedTemplate, WhatsappTemplate};
use crate::config::{Fields, Problem};
use crate::service::{Answer, Call, Lost};
use crate::services::address;
use crate::step::{Attempt, BuiltIn, Outside, unbounded};
use crate::whatsapp_send_template::cloud::refusal;

const TOKEN: &str = "WHATSAPP_TOKEN";
const FIELDS: &str = "id,name,language,status,category,components,quality_score,rejected_reason,correct_category";
const PAGE: &str = "100";
/// An account has at most a few hundred; more pages than this are a mistake of somebody.
const PAGES_MAX: usize = 100;

const TYPE: StepType = StepType {
    name: "whatsapp.sync_templates",
    summary: "Reads the account's WhatsApp templates: {count, templates, violations, warnings}.",
    fields: &[
        field("account", "The id of the WhatsApp Business account, instead of the configured one."),
        field("token", "Instead of the secret WHATSAPP_TOKEN."),
    ],
    secrets: &[TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // It only reads.
    safe_to_repeat: |_, _| true,
    bounds: unbounded,
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, summary: &'static str) -> ConfigField {
    ConfigField { name, kind: FieldKind::Text, required: false, summary }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match sync(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn sync(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let deadline = Instant::now() + attempt.timeout;
    let fields = Fields::open(attempt.config, &TYPE)?;
    let account = fields.text_or_none("account")?.or_else(|| outside.services.whatsapp_account_id.clone());
    let account = account
        .ok_or_else(|| Problem::new("account", "is required: none is configured (ONWARD_WHATSAPP_ACCOUNT_ID)"))?;
    let token = attempt.credential(fields.text_or_none("token")?.as_deref(), TOKEN)?;
    let (mut templates, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let mut url = address(&outside.services.graph_url, &[&account, "message_templates"]);
        url.query_pairs_mut().append_pair("fields", FIELDS).append_pair("limit", PAGE);
        if let Some(after) = &after {
            url.query_pairs_mut().append_pair("after", after);
        }
        let call = Call::new(Method::GET, url, true).bearer(&token)?;
        let Answer { status, headers, body } = call.send(&outside.clients, deadline).await.map_err(Lost::outcome)?;
        let page: Value = serde_json::from_slice(&body).unwrap_or_default();
        let Some(data) = page["data"].as_array().filter(|_| status == 200) else {
            return Err(refusal(status, &headers, &body));
        };
        templates.extend(data.iter().filter_map(listed));
        // There is a cursor on the last page as well; only `next` tells that there is more.
        after = page["paging"]["next"].as_str().and(page["paging"]["cursors"]["after"].as_str()).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    attempt
        .backing
        .keep_templates(&templates)
        .await
        .map_err(|error| Outcome::Failed(StepError::new(ErrorKind::Internal, error.to_string()).retryable()))?;
    Ok(shown(&templates))
}

fn listed(template: &Value) -> Option<ListedTemplate> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let components = template["components"].as_array().map_or(&[][..], Vec::as_slice);
    let component = |kind: &str| {
        components.iter().find(|known| known["type"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(kind)))
    };
    let body = component("BODY").and_then(|body| body["text"].as_str()).unwrap_or_default();
    Some(ListedTemplate {
        name: text(&template["name"])?,
        language: text(&template["language"])?,
        category: text(&template["category"]).unwrap_or_else(|| "UTILITY".to_owned()),
        components: template["components"].clone(),
        quality: text(&template["quality_score"]["score"]),
        rejected_reason: text(&template["rejected_reason"]).filter(|reason| reason != "NONE"),
        correct_category: text(&template["correct_category"]),
        known: WhatsappTemplate {
            status: text(&template["status"])?,
            params: places(body),
            header: component("HEADER").and_then(|header| text(&header["format"])),
        },
    })
}

/// Distinct names or numbers between double braces.
fn places(text: &str) -> usize {
    let mut found: Vec<&str> = text
        .match_indices("{{")
        .filter_map(|(at, _)| text[at + 2..].split_once("}}").map(|(name, _)| name.trim()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.len()
}

/// With what is wrong with them: what cannot be sent, and what Meta counts otherwise or rates low.
fn shown(templates: &[ListedTemplate]) -> Value {
    let line = |template: &ListedTemplate| {
        json!({
            "name": template.name, "language": template.language, "status": template.known.status,
            "category": template.category, "quality": template.quality,
        })
    };
    let named = |template: &ListedTemplate, issue: &str| json!({ "name": template.name, "language": template.language, "issue": issue });
    let mut violations = Vec::new();
    let mut warnings = Vec::new();
    for template in templates {
        if template.known.status == "REJECTED" {
            violations.push(named(template, template.rejected_reason.as_deref().unwrap_or("rejected")));
        } else if template.correct_category.as_ref().is_some_and(|correct| *correct != template.category) {
            warnings.push(named(template, "Meta will move it to another category"));
        } else if template.quality.as_deref() == Some("RED") {
            warnings.push(named(template, "its quality is rated low"));
        }
    }
    json!({
        "count": templates.len(), "templates": templates.iter().map(line).collect::<Vec<_>>(),
        "violations": violations, "warnings": warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_once() {
        assert_eq!(places("שלום {{1}}, {{2}} {{1}}"), 2);
        assert_eq!(places("{{name}} {{ name }}"), 1);
        assert_eq!(places("{{1"), 0);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let template = |status: &str, score: &str, correct: Option<&str>| {
            listed(&json!({
                "name": "t", "language": "he", "status": status, "category": "UTILITY", "correct_category": correct,
                "quality_score": { "score": score }, "rejected_reason": "SCAM", "components": [],
            }))
            .unwrap()
        };
        let output = shown(&[
            template("APPROVED", "GREEN", None),
            template("REJECTED", "GREEN", None),
            template("APPROVED", "RED", None),
            template("APPROVED", "GREEN", Some("MARKETING")),
        ]);
        assert_eq!(output["violations"], json!([{ "name": "t", "language": "he", "issue": "SCAM" }]));
        assert_eq!(output["warnings"].as_array().map(Vec::len), Some(2));
    }
}
