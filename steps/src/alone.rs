//! Steps without a server around them: limits and files of one process, in memory.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::backing::{Backing, BackingError, Bound, BoxFuture, File, Kept, ListedTemplate, Sent, WhatsappTemplate};

/// For programs that run single steps, and for tests of steps.
#[derive(Debug, Default)]
pub struct Alone {
    // Held for a few map operations.
    next: Mutex<HashMap<String, Instant>>,
    files: Mutex<Vec<File>>,
    sent: Mutex<Vec<Sent>>,
    templates: Mutex<HashMap<(String, String), WhatsappTemplate>>,
}

const BASE: &str = "memory://files/";
/// Nothing is ever forgotten here.
const NEVER: &str = "9999-12-31T23:59:59Z";

impl Alone {
    /// Makes a WhatsApp template known.
    pub fn know(&self, name: &str, language: &str, template: WhatsappTemplate) {
        let mut templates = self.templates.lock().expect("no code panics while it holds this lock");
        templates.insert((name.to_owned(), language.to_owned()), template);
    }

    /// The WhatsApp messages that were noted.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("no code panics while it holds this lock").clone()
    }

    fn place(&self, bound: &Bound) -> Duration {
        let now = Instant::now();
        let step = bound.per / bound.limit.max(1);
        let burst = bound.per.saturating_sub(step);
        let mut next = self.next.lock().expect("no code panics while it holds this lock");
        let earliest = now.checked_sub(burst).unwrap_or(now);
        let at = next.get(&bound.key).copied().unwrap_or(earliest).max(earliest);
        next.insert(bound.key.clone(), at + step);
        at.saturating_duration_since(now)
    }
}

impl Backing for Alone {
    fn reserve<'a>(&'a self, bound: &'a Bound) -> BoxFuture<'a, Result<Duration, BackingError>> {
        Box::pin(async move { Ok(self.place(bound)) })
    }

    fn pause<'a>(&'a self, key: &'a str, time: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let until = Instant::now() + time;
            let mut next = self.next.lock().expect("no code panics while it holds this lock");
            let at = next.entry(key.to_owned()).or_insert(until);
            *at = (*at).max(until);
        })
    }

    fn keep(&self, file: File) -> BoxFuture<'_, Result<Kept, BackingError>> {
        Box::pin(async move {
            let mut files = self.files.lock().expect("no code panics while it holds this lock");
            let place = files.iter().position(|known| *known == file).unwrap_or(files.len());
            let url = format!("{BASE}{place}/{}", file.name);
            if place == files.len() {
                files.push(file);
            }
            Ok(Kept { url, expires_at: NEVER.to_owned() })
        })
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<File>, BackingError>> {
        Box::pin(async move {
            let Some((place, _)) = url.strip_prefix(BASE).and_then(|rest| rest.split_once('/')) else {
                return Ok(None);
            };
            let files = self.files.lock().expect("no code panics while it holds this lock");
            let file = place.parse().ok().and_then(|place: usize| files.get(place)).cloned();
            file.map(Some).ok_or_else(|| BackingError("there is no such file".to_owned()))
        })
    }

    fn note_sent<'a>(&'a self, sent: &'a Sent) -> BoxFuture<'a, Result<(), BackingError>> {
        Box::pin(async move {
            let mut messages = self.sent.lock().expect("no code panics while it holds this lock");
            messages.retain(|known| known.correlation_key != sent.correlation_key);
            messages.push(sent.clone());
            Ok(())
        })
    }

    fn forget_sent<'a>(&'a self, correlation_key: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut messages = self.sent.lock().expect("no code panics while it holds this lock");
            messages.retain(|known| known.correlation_key != correlation_key);
        })
    }

    fn template<'a>(&'a self, name: &'a str, language: &'a str) -> BoxFuture<'a, Option<WhatsappTemplate>> {
        Box::pin(async move {
            let templates = self.templates.lock().expect("no code panics while it holds this lock");
            templates.get(&(name.to_owned(), language.to_owned())).cloned()
        })
    }

    fn keep_templates<'a>(&'a self, templates: &'a [ListedTemplate]) -> BoxFuture<'a, Result<(), BackingError>> {
        Box::pin(async move {
            let mut known = self.templates.lock().expect("no code panics while it holds this lock");
            let named = |template: &ListedTemplate| (template.name.clone(), template.language.clone());
            *known = templates.iter().map(|template| (named(template), template.known.clone())).collect();
            Ok(())
        })
    }
}
