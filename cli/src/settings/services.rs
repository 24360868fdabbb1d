//! What an installation says once about the services that its steps use.

use std::path::PathBuf;

use onward_steps::{Services, Via};
use reqwest::Url;

use super::layers::Layers;

pub(super) fn read(layers: &mut Layers<'_>) -> Services {
    let defaults = Services::default();
    Services {
        airtable_url: url(layers, "airtable_url", defaults.airtable_url),
        airtable_base: text(layers, "airtable_base"),
        slack_url: url(layers, "slack_url", defaults.slack_url),
        resend_url: url(layers, "resend_url", defaults.resend_url),
        email_from: text(layers, "email_from"),
        cbb_url: url(layers, "cbb_url", defaults.cbb_url),
        cbb_fields: text(layers, "cbb_fields").map(PathBuf::from),
        graph_url: url(layers, "graph_url", defaults.graph_url),
        whatsapp_phone_number_id: text(layers, "whatsapp_phone_number_id"),
        whatsapp_account_id: text(layers, "whatsapp_account_id"),
        whatsapp_via: match layers.text("whatsapp_via") {
            None => defaults.whatsapp_via,
            Some((text, from)) => match text.as_str() {
                "cbb" => Via::Cbb,
                "cloud" => Via::Cloud,
                _ => {
                    layers.problems.push(format!("{from}: `{text}` is neither cbb nor cloud"));
                    defaults.whatsapp_via
                }
            },
        },
        whatsapp_language: text(layers, "whatsapp_language").unwrap_or(defaults.whatsapp_language),
        templates: text(layers, "templates").map_or(defaults.templates, PathBuf::from),
    }
}

fn text(layers: &Layers<'_>, name: &str) -> Option<String> {
    layers.text(name).map(|(text, _)| text)
}

fn url(layers: &mut Layers<'_>, name: &str, otherwise: Url) -> Url {
    let Some((text, from)) = layers.text(name) else { return otherwise };
    match text.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => {
            layers.problems.push(format!("{from}: `{text}` is not an address such as {otherwise}"));
            otherwise
        }
    }
}
