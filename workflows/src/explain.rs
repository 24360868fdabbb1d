//! The pages of `onward explain`: one for each code, field, step type and trigger, with an example.
//!
//! A page is a text file below `workflows/explain`: its first line is the title, the rest is printed as it stands.

use std::fmt::Write as _;

use crate::suggest::closest;
use crate::{Catalog, StepType};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub topic: &'static str,
    pub title: String,
    pub text: String,
}

/// Pages that belong together, in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageGroup {
    pub name: &'static str,
    pub pages: Vec<Page>,
}

struct Folder {
    name: &'static str,
    /// The topic and the file's text.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! folder {
    ($name:expr, $folder:literal, [$($topic:literal)*]) => {
        Folder {
            name: $name,
            files: &[$(($topic, include_str!(concat!("../explain/", $folder, "/", $topic, ".txt")))),*],
        }
    };
}

const FIELDS: &str = "Fields";
const TYPES: &str = "Step types";
const CODES: &str = "Codes";

static FOLDERS: [Folder; 5] = [
    folder!("Language", "topics", [
        "expressions" "durations" "errors" "testing" "exit-codes" "agents" "environment"
    ]),
    folder!(FIELDS, "fields", [
        "version" "name" "id" "description" "enabled" "owner" "labels" "x-" "triggers" "inputs" "variables"
        "secrets" "steps" "output" "defaults" "idempotency_ttl" "type" "config" "parallel" "switch" "needs" "if"
        "foreach" "retry" "retries" "timeout" "expect" "cache" "on_error" "finally" "compensate" "idempotency_key"
        "concurrency" "rate_limit" "queue" "priority" "schedule" "jitter" "overlap" "catch_up" "starts_at"
        "endpoint" "auth" "signature" "respond" "methods"
    ]),
    folder!(TYPES, "types", [
        "log" "wait" "delay" "value" "return" "fail" "wait_for_event" "emit" "call" "http.request" "airtable.lookup"
        "cbb.sync_contact" "whatsapp.send_template" "pdf.render" "slack.send" "email.send" "whatsapp.send"
        "pdf.generate" "cbb.send_flow" "cbb.send_text" "whatsapp.sync_templates" "job.run"
    ]),
    folder!("Triggers", "triggers", ["cron" "webhook" "event" "manual"]),
    folder!(CODES, "codes", [
        "E001" "E002" "E003" "E004" "E005" "E006" "E007" "E101" "E102" "E103" "E104" "E105" "E106" "E107" "E108"
        "E109" "E110" "E111" "E112" "E113" "E114" "E115" "E116" "E117" "E118" "E119" "E120" "E121" "E122" "E123"
        "E124" "E125" "E126" "E127" "E128" "E129" "E130" "E201" "E202" "E203" "E301" "W101" "W102" "W201" "W202" "W203"
        "W204" "W205"
    ]),
];

/// Names without a page of their own, and the page that explains them; found with and without the page's name before.
const PARTS: [(&str, &[&str]); 18] = [
    ("testing", &["test", "E401", "E402", "E403", "E404", "E405", "E406"]),
    ("retry", &["max", "backoff", "max_delay", "within", "delay", "jitter", "if"]),
    ("foreach", &["in", "as", "batch", "item", "index", "items", "concurrency"]),
    ("concurrency", &["limit", "overflow", "key"]),
    ("rate_limit", &["per", "limit", "key"]),
    ("cache", &["ttl", "key"]),
    ("defaults", &["retry", "timeout", "queue"]),
    ("schedule", &["timezone"]),
    ("catch_up", &["catch_up_window"]),
    ("starts_at", &["ends_at"]),
    ("endpoint", &["path"]),
    ("signature", &["scheme", "secret", "tolerance", "header", "prefix", "verify_token"]),
    ("respond", &["respond_timeout"]),
    ("methods", &["max_body"]),
    ("wait_for_event", &["where", "since"]),
    ("x-", &["$schema"]),
    ("errors", &["error", "kind", "code", "message", "status", "retryable", "attempt", "details"]),
    ("expressions", &["env", "trigger", "run", "workflow", "now", "uuid", "attempts", "started_at", "finished_at"]),
];

/// The page about a code, a field, a step type, a trigger or a part of one (`retry.max`).
pub fn explain(topic: &str, catalog: &Catalog) -> Option<Page> {
    let groups = topics(catalog);
    let pages = || groups.iter().flat_map(|group| &group.pages);
    let named = |name: &str| pages().find(|page| page.topic.eq_ignore_ascii_case(name)).cloned();
    named(topic).or_else(|| named(parent(topic)?))
}

/// All pages in their groups. Types that only a caller's workers know have a page too, made of what they declare.
pub fn topics(catalog: &Catalog) -> Vec<PageGroup> {
    FOLDERS
        .iter()
        .map(|folder| {
            let mut pages: Vec<Page> = folder.files.iter().map(|(topic, text)| page(topic, text)).collect();
            if folder.name == TYPES {
                for step_type in catalog.types() {
                    add_type(&mut pages, step_type);
                }
            }
            PageGroup { name: folder.name, pages }
        })
        .collect()
}

/// The topic that was probably meant. Codes resemble each other too much to be suggested.
pub fn closest_topic(topic: &str, catalog: &Catalog) -> Option<&'static str> {
    let groups = topics(catalog);
    let named = groups.iter().filter(|group| group.name != CODES).flat_map(|group| &group.pages);
    let parts = PARTS.iter().flat_map(|(_, parts)| *parts).copied();
    closest(topic, named.map(|page| page.topic).chain(parts))
}

/// Title and text of the page about a field, if there is one.
pub(crate) fn field_page(name: &str) -> Option<(&'static str, &'static str)> {
    let folder = FOLDERS.iter().find(|folder| folder.name == FIELDS)?;
    folder.files.iter().find(|(topic, _)| *topic == name).map(|(_, file)| halves(file))
}

/// The same for the page that explains `name` as a part of the field `place`; of any field without a place.
pub(crate) fn part_page(place: Option<&str>, name: &str) -> Option<(&'static str, &'static str)> {
    let is_asked = |page: &str| place.is_none_or(|place| place == page);
    let (page, _) = PARTS.iter().find(|(page, parts)| is_asked(page) && parts.contains(&name))?;
    field_page(page)
}

fn halves(file: &str) -> (&str, &str) {
    file.split_once('\n').unwrap_or((file, ""))
}

fn page(topic: &'static str, file: &str) -> Page {
    let (title, text) = halves(file);
    Page { topic, title: title.to_owned(), text: text.trim_start_matches('\n').to_owned() }
}

/// The page that explains a part: `max_delay` and `retry.max_delay` both lead to `retry`.
fn parent(topic: &str) -> Option<&'static str> {
    let (prefix, name) = topic.rsplit_once('.').unwrap_or(("", topic));
    let is_name = |part: &&str| part.eq_ignore_ascii_case(name);
    PARTS
        .iter()
        .find(|(page, parts)| parts.iter().any(is_name) && (prefix.is_empty() || prefix.eq_ignore_ascii_case(page)))
        .map(|(page, _)| *page)
}

fn add_type(pages: &mut Vec<Page>, step_type: &StepType) {
    let config = config(step_type);
    if let Some(page) = pages.iter_mut().find(|page| page.topic == step_type.name) {
        page.text = with_config(&page.text, &config);
    } else {
        let title = step_type.summary.trim_end_matches('.').to_owned();
        pages.push(Page { topic: step_type.name, title, text: config });
    }
}

/// After the first paragraph, which says what the type is for.
fn with_config(text: &str, config: &str) -> String {
    match text.split_once("\n\n") {
        _ if config.is_empty() => text.to_owned(),
        Some((first, rest)) => format!("{first}\n\n{config}\n{rest}"),
        None => format!("{text}\n{config}"),
    }
}

fn config(step_type: &StepType) -> String {
    let mut text = String::new();
    if !step_type.built_in {
        text.push_str("No worker of this version offers it; one of your own may.\n");
    }
    if step_type.fields.is_empty() {
        return text;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("Config:\n\n");
    for field in step_type.fields {
        let need = if field.required { ", required" } else { "" };
        writeln!(text, "    {:17} {}{need}", field.name, field.kind).expect("a string takes everything");
        writeln!(text, "        {}", field.summary).expect("a string takes everything");
    }
    text
}
