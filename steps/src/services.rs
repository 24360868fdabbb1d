//! What an installation says once about the services that its steps use. Credentials are secrets and not here.

use std::path::PathBuf;

use reqwest::Url;

/// Each address can be another one: a region's, a proxy's, a stand-in's.
#[derive(Debug, Clone)]
pub struct Services {
    pub airtable_url: Url,
    /// For steps that name no base.
    pub airtable_base: Option<String>,
    pub slack_url: Url,
    pub resend_url: Url,
    /// Sender of e-mails that name none.
    pub email_from: Option<String>,
    pub cbb_url: Url,
    /// JSON: the custom fields of the account, by name.
    pub cbb_fields: Option<PathBuf>,
    /// With its version.
    pub graph_url: Url,
    /// The number that messages are sent from, as Meta names it.
    pub whatsapp_phone_number_id: Option<String>,
    /// The WhatsApp Business account, which templates belong to.
    pub whatsapp_account_id: Option<String>,
    /// Whether templates go through CBB or directly, when a step says nothing.
    pub whatsapp_via: Via,
    /// For templates whose step names none.
    pub whatsapp_language: String,
    /// Folder of document templates, named in steps without their ending.
    pub templates: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Cbb,
    Cloud,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            airtable_url: fixed("https://api.airtable.com/v0"),
            airtable_base: None,
            slack_url: fixed("https://slack.com/api"),
            resend_url: fixed("https://api.resend.com"),
            email_from: None,
            cbb_url: fixed("https://app.chatgptbuilder.io/api"),
            cbb_fields: None,
            graph_url: fixed("https://graph.facebook.com/v23.0"),
            whatsapp_phone_number_id: None,
            whatsapp_account_id: None,
            whatsapp_via: Via::Cbb,
            whatsapp_language: "en".to_owned(),
            templates: PathBuf::from("templates"),
        }
    }
}

fn fixed(url: &str) -> Url {
    Url::parse(url).expect("the addresses of this file are well-formed")
}

/// An address below a service's own; each segment may hold anything.
pub(crate) fn address(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
