//! What the engine gives to steps: limits that all workers share, and a place for files.

use std::time::Duration;

use chrono::SecondsFormat;
use onward_engine::{
    Engine, RateRequest, TemplateRow, file_url, find_file, find_whatsapp_template, forget_whatsapp, keep_file,
    keep_whatsapp_templates, note_whatsapp, parse_file_url, pause_rate, reserve_rate,
};
use onward_steps::{Backing, BackingError, Bound, BoxFuture, File, Kept, ListedTemplate, Sent, WhatsappTemplate};

#[derive(Debug, Clone)]
pub(crate) struct EngineBacking {
    engine: Engine,
}

impl EngineBacking {
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

pub(crate) fn rate(bound: &Bound) -> RateRequest {
    RateRequest { key: format!("provider:{}", bound.key), limit: bound.limit, per: bound.per }
}

impl Backing for EngineBacking {
    fn reserve<'a>(&'a self, bound: &'a Bound) -> BoxFuture<'a, Result<Duration, BackingError>> {
        Box::pin(async move {
            let at = reserve_rate(&self.engine, &rate(bound)).await.map_err(|error| BackingError(error.to_string()))?;
            Ok((at - self.engine.clock().now()).to_std().unwrap_or_default())
        })
    }

    fn pause<'a>(&'a self, key: &'a str, time: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = pause_rate(&self.engine, &format!("provider:{key}"), time).await {
                tracing::warn!(error = %error, "a provider's pause could not be written down");
            }
        })
    }

    fn keep(&self, file: File) -> BoxFuture<'_, Result<Kept, BackingError>> {
        Box::pin(async move {
            let address = keep_file(&self.engine, &file.name, &file.media_type, &file.bytes).await;
            let address = address.map_err(|error| BackingError(error.to_string()))?;
            let expires_at = address.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            Ok(Kept { url: file_url(self.engine.public_url(), &address), expires_at })
        })
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<File>, BackingError>> {
        Box::pin(async move {
            let Some(address) = parse_file_url(self.engine.public_url(), url) else { return Ok(None) };
            let (expires, signature) = (address.expires_at.timestamp(), &address.signature);
            let found = find_file(&self.engine, &address.id, &address.name, expires, signature).await;
            let found = found.map_err(|error| BackingError(error.to_string()))?;
            let found = found.ok_or_else(|| BackingError("the file is gone, or its address has expired".to_owned()))?;
            Ok(Some(File { name: address.name, media_type: found.media_type, bytes: found.bytes }))
        })
    }

    fn note_sent<'a>(&'a self, sent: &'a Sent) -> BoxFuture<'a, Result<(), BackingError>> {
        Box::pin(async move {
            let id = sent.message_id.as_deref();
            let noted = note_whatsapp(&self.engine, &sent.correlation_key, &sent.phone, &sent.template, id).await;
            noted.map_err(|error| BackingError(error.to_string()))
        })
    }

    fn forget_sent<'a>(&'a self, correlation_key: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = forget_whatsapp(&self.engine, correlation_key).await {
                tracing::warn!(error = %error, "a message that did not leave could not be forgotten");
            }
        })
    }

    fn template<'a>(&'a self, name: &'a str, language: &'a str) -> BoxFuture<'a, Option<WhatsappTemplate>> {
        Box::pin(async move {
            let known = find_whatsapp_template(&self.engine, name, language).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error, "a WhatsApp template could not be looked up; Meta checks it");
                None
            });
            known.map(|known| WhatsappTemplate {
                status: known.status,
                params: usize::try_from(known.params).unwrap_or_default(),
                header: known.header,
            })
        })
    }

    fn keep_templates<'a>(&'a self, templates: &'a [ListedTemplate]) -> BoxFuture<'a, Result<(), BackingError>> {
        Box::pin(async move {
            let rows: Vec<TemplateRow> = templates.iter().map(row).collect();
            keep_whatsapp_templates(&self.engine, &rows).await.map_err(|error| BackingError(error.to_string()))
        })
    }
}

fn row(template: &ListedTemplate) -> TemplateRow {
    TemplateRow {
        name: template.name.clone(),
        language: template.language.clone(),
        status: template.known.status.clone(),
        category: template.category.clone(),
        params: i32::try_from(template.known.params).unwrap_or(i32::MAX),
        header: template.known.header.clone(),
        components: template.components.to_string(),
        quality: template.quality.clone(),
        rejected_reason: template.rejected_reason.clone(),
        correct_category: template.correct_category.clone(),
    }
}
