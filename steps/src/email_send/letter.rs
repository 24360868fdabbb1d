//! What a mail says and to whom, whoever carries it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lettre::message::Mailbox;
use onward_workflows::Outcome;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::backing::File;
use crate::config::{Fields, Problem};
use crate::documents::{Kind, document, exists, fill};
use crate::fetched::{FILE_MAX, fetched};
use crate::services::Services;
use crate::step::{Attempt, Outside};

const RECIPIENTS_MAX: usize = 50;
const SUBJECT_MAX: usize = 500;
const ATTACHMENTS_MAX: usize = 10;

#[derive(Debug)]
pub(super) struct Letter {
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<File>,
    /// The same for every attempt, so that a mail that came twice can be recognised.
    pub message_id: String,
}

impl Letter {
    pub(super) async fn read(
        outside: &Outside,
        attempt: &Attempt<'_>,
        fields: Fields<'_>,
        deadline: Instant,
    ) -> Result<Self, Outcome> {
        let services = &outside.services;
        let from = match (fields.text_or_none("from")?, &services.email_from) {
            (Some(from), _) => mailbox("from", &from)?,
            (None, Some(from)) => mailbox("from", from)?,
            (None, None) => {
                return Err(Problem::new("from", "is required: no sender is configured (ONWARD_EMAIL_FROM)").into());
            }
        };
        let to = mailboxes(fields, fields.one_of(&["to", "recipient"])?)?;
        let cc = mailboxes(fields, "cc")?;
        if to.is_empty() || to.len() + cc.len() > RECIPIENTS_MAX {
            return Err(Problem::new("to", format!("must be one to {RECIPIENTS_MAX} addresses")).into());
        }
        let reply_to = fields.text_or_none("reply_to")?.map(|address| mailbox("reply_to", &address)).transpose()?;
        let subject = subject(fields)?;
        let (text, html) = bodies(services, fields).await?;
        let digest = Sha256::digest(attempt.idempotency_key);
        let id = URL_SAFE_NO_PAD.encode(&digest[..16]);
        let message_id = format!("<{id}@{}>", from.email.domain());
        let attachments = attachments(outside, attempt, fields, deadline).await?;
        Ok(Self { from, to, cc, reply_to, subject, text, html, attachments, message_id })
    }
}

fn subject(fields: Fields<'_>) -> Result<String, Problem> {
    let subject = fields.text("subject")?;
    if subject.contains(char::is_control) {
        return Err(Problem::new("subject", "contains a line break or another control character"));
    }
    if subject.chars().count() > SUBJECT_MAX {
        return Err(Problem::new("subject", format!("is longer than {SUBJECT_MAX} characters")));
    }
    Ok(subject)
}

/// Text, HTML.
async fn bodies(services: &Services, fields: Fields<'_>) -> Result<(Option<String>, Option<String>), Problem> {
    let data = fields.value("data").or(fields.value("variables")).cloned().unwrap_or_else(|| json!({}));
    if let Some(name) = fields.text_or_none("template")? {
        if fields.value("text").or(fields.value("html")).is_some() {
            return Err(Problem::new("template", "cannot stand beside `text` or `html`"));
        }
        let (mut text, mut html) = (None, None);
        if exists(services, Kind::Text, &name).await {
            text = Some(document(services, Kind::Text, &name, &data).await?);
        }
        if text.is_none() || exists(services, Kind::Html, &name).await {
            html = Some(document(services, Kind::Html, &name, &data).await?);
        }
        return Ok((text, html));
    }
    let text = written(fields, "text", Kind::Text, &data)?;
    let html = written(fields, "html", Kind::Html, &data)?;
    // A file alone is a letter too.
    if text.is_none() && html.is_none() && fields.value("attachments").is_some() {
        return Ok((Some(String::new()), None));
    }
    if text.is_none() && html.is_none() {
        return Err(Problem::new("text", "is required, or `html`, or `template`"));
    }
    Ok((text, html))
}

fn written(fields: Fields<'_>, field: &str, kind: Kind, data: &Value) -> Result<Option<String>, Problem> {
    fields.text_or_none(field)?.map(|source| fill(kind, field, &source, data)).transpose()
}

async fn attachments(
    outside: &Outside,
    attempt: &Attempt<'_>,
    fields: Fields<'_>,
    deadline: Instant,
) -> Result<Vec<File>, Outcome> {
    let urls = fields.texts("attachments")?;
    if urls.len() > ATTACHMENTS_MAX {
        return Err(Problem::new("attachments", format!("are more than {ATTACHMENTS_MAX}")).into());
    }
    let (mut files, mut size) = (Vec::new(), 0);
    for url in urls {
        let file = fetched(&outside.clients, attempt.backing, "attachments", &url, deadline).await?;
        size += file.bytes.len();
        if size > FILE_MAX {
            return Err(Problem::new("attachments", format!("are larger than {} MiB together", FILE_MAX >> 20)).into());
        }
        files.push(file);
    }
    Ok(files)
}

fn mailboxes(fields: Fields<'_>, field: &'static str) -> Result<Vec<Mailbox>, Problem> {
    fields.texts(field)?.iter().map(|text| mailbox(field, text)).collect()
}

/// Letters beyond ASCII are fine in a name; in an address few servers take them.
fn mailbox(field: &str, text: &str) -> Result<Mailbox, Problem> {
    let mailbox: Mailbox =
        text.trim().parse().map_err(|_| Problem::new(field, "must be an address such as `name@example.test`"))?;
    let address: &str = mailbox.email.as_ref();
    if address.is_ascii() { Ok(mailbox) } else { Err(Problem::new(field, "has letters that an address cannot have")) }
}
