//! What steps need of the server around them: limits that all workers share, and a place for files.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// So many requests per time of one provider, for all workers together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Names the provider and whose share it is, never a credential.
    pub key: String,
    pub limit: u32,
    pub per: Duration,
}

/// A file that a step has made or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// Where a file that is kept can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub url: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// A WhatsApp message that is about to leave, or has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Under which its status will come as an event.
    pub correlation_key: String,
    /// Digits.
    pub phone: String,
    pub template: String,
    /// Meta's own id, once it is known.
    pub message_id: Option<String>,
}

/// A WhatsApp template as Meta knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatsappTemplate {
    pub status: String,
    /// Places in its body.
    pub params: usize,
    /// `DOCUMENT`, `IMAGE`, `TEXT` …
    pub header: Option<String>,
}

/// A WhatsApp template as it was read from Meta.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTemplate {
    pub name: String,
    pub language: String,
    pub category: String,
    pub components: Value,
    pub quality: Option<String>,
    pub rejected_reason: Option<String>,
    pub correct_category: Option<String>,
    pub known: WhatsappTemplate,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackingError(pub String);

pub trait Backing: fmt::Debug + Send + Sync {
    /// How long to wait before the next request; the place is taken.
    fn reserve<'a>(&'a self, bound: &'a Bound) -> BoxFuture<'a, Result<Duration, BackingError>>;

    /// The provider wants nothing from anybody for so long.
    fn pause<'a>(&'a self, key: &'a str, time: Duration) -> BoxFuture<'a, ()>;

    /// Keeps a file for some time. The same bytes and name twice are one file.
    fn keep(&self, file: File) -> BoxFuture<'_, Result<Kept, BackingError>>;

    /// A file of [`Backing::keep`] by its address; `None` for the addresses of others.
    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<File>, BackingError>>;

    /// Remembers a message, so that its status finds the step that sent it.
    fn note_sent<'a>(&'a self, sent: &'a Sent) -> BoxFuture<'a, Result<(), BackingError>>;

    /// It did not leave after all.
    fn forget_sent<'a>(&'a self, correlation_key: &'a str) -> BoxFuture<'a, ()>;

    /// What is known of a template; `None` when nothing is, and Meta has to say it.
    fn template<'a>(&'a self, name: &'a str, language: &'a str) -> BoxFuture<'a, Option<WhatsappTemplate>>;

    /// Keeps the templates of the account in place of those that are known.
    fn keep_templates<'a>(&'a self, templates: &'a [ListedTemplate]) -> BoxFuture<'a, Result<(), BackingError>>;
}
