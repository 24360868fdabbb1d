//! What may start a run.

use std::collections::HashMap;

use super::fields::{Fields, not_yet};
use super::{Facts, Finding, Report, values};
use crate::schedule::{Schedule, ScheduleError};
use crate::source::Span;
use crate::suggest::{closest, listed};
use crate::tree::{Entry, Node, Places};
use crate::{CronTrigger, Trigger, TriggerKind, WebhookAuth, WebhookTrigger};

const TRIGGERS_MAX: usize = 20;
const ENDPOINT_MAX: usize = 200;
const ID_MAX: usize = 50;
const TYPES: [&str; 3] = ["cron", "webhook", "manual"];
const TRIGGER_FIELDS: [&str; 4] = ["id", "type", "config", "enabled"];
const LATER_TRIGGER_FIELDS: [&str; 3] = ["if", "inputs", "idempotency_key"];
const CRON_FIELDS: [&str; 2] = ["schedule", "timezone"];
const LATER_CRON_FIELDS: [&str; 6] = ["jitter", "overlap", "catch_up", "catch_up_window", "starts_at", "ends_at"];
/// `key` and `path` are how the replaced system called the endpoint.
const WEBHOOK_FIELDS: [&str; 4] = ["endpoint", "key", "path", "auth"];
const LATER_WEBHOOK_FIELDS: [&str; 6] =
    ["signature", "respond", "respond_timeout", "methods", "max_body", "verify_token"];

/// `workflow` is the id, which is the default endpoint.
pub(super) fn read(node: &Node, workflow: &str, facts: &Facts<'_>, report: &mut Report) -> Vec<Trigger> {
    let Some(items) = values::list("triggers", node, report) else { return Vec::new() };
    if let Some(extra) = items.get(TRIGGERS_MAX) {
        report.add(
            Finding::error("E115", extra.span, format!("a document has at most {TRIGGERS_MAX} triggers"))
                .label(format!("this one has {}", items.len())),
        );
    }
    let mut ids: HashMap<String, Span> = HashMap::new();
    let mut endpoints: HashMap<String, Span> = HashMap::new();
    let mut triggers = Vec::new();
    for item in items.iter().take(TRIGGERS_MAX) {
        let Some((kind, enabled)) = trigger(item, workflow, facts, report) else { continue };
        if let TriggerKind::Webhook(webhook) = &kind
            && let Some(other) = endpoints.insert(webhook.endpoint.clone(), item.span)
        {
            report.add(
                Finding::error("E104", item.span, format!("two webhooks have the endpoint `{}`", webhook.endpoint))
                    .label("a call could start either")
                    .related(other, "the other one"),
            );
        }
        let id = id(item, &kind, &mut ids, report);
        triggers.push(Trigger { id, kind, enabled });
    }
    triggers
}

fn trigger(node: &Node, workflow: &str, facts: &Facts<'_>, report: &mut Report) -> Option<(TriggerKind, bool)> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("triggers", node, "a list of maps, one for each trigger"));
        return None;
    };
    let Some(type_node) = node.field("type") else {
        report.add(
            Finding::error(
                "E103",
                entries.first().map_or(node.span, |entry| entry.key_span),
                "a trigger has no `type`",
            )
            .label(format!("it is {}", listed(TYPES))),
        );
        return None;
    };
    let trigger_type = values::text("type", type_node, report)?;
    if trigger_type == "event" {
        report.add(not_yet("event", type_node.span));
        return None;
    }
    let (known, later): (&[&str], &[&str]) = match trigger_type {
        "cron" => (&CRON_FIELDS, &LATER_CRON_FIELDS),
        "webhook" => (&WEBHOOK_FIELDS, &LATER_WEBHOOK_FIELDS),
        "manual" => (&[], &[]),
        _ => {
            report.add(unknown_type(trigger_type, type_node));
            return None;
        }
    };
    let place = format!("in a `{trigger_type}` trigger");
    Fields { place: &place, known: &TRIGGER_FIELDS, later: &LATER_TRIGGER_FIELDS }.check(
        entries,
        facts,
        report,
        |entry| belongs_in_config(entry, trigger_type, known),
    );
    let enabled = node.field("enabled").and_then(|enabled| values::boolean("enabled", enabled, report)).unwrap_or(true);
    let config = node.field("config");
    let settings = match config.map(Node::as_map) {
        None => &[],
        Some(Some(settings)) => settings,
        Some(None) => {
            report.findings.extend(config.map(|config| values::wrong_kind("config", config, "a map")));
            return None;
        }
    };
    let place = format!("in `config` of a `{trigger_type}` trigger");
    Fields { place: &place, known, later }.check(settings, facts, report, belongs_beside);
    let kind = match trigger_type {
        "cron" => TriggerKind::Cron(cron(config, type_node, facts, report)?),
        "webhook" => TriggerKind::Webhook(webhook(config, workflow, report)?),
        _ => TriggerKind::Manual,
    };
    Some((kind, enabled))
}

fn unknown_type(name: &str, node: &Node) -> Finding {
    let finding = Finding::error("E114", node.span, format!("unknown trigger type `{name}`"));
    match closest(name, TYPES) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(node.span, format!("\"{meant}\""))],
        ),
        None => finding.label(format!("the types are {}", listed(TYPES))),
    }
}

fn belongs_in_config(entry: &Entry, trigger_type: &str, known: &[&str]) -> Option<Finding> {
    known.contains(&entry.key.as_str()).then(|| {
        Finding::error("E102", entry.key_span, format!("`{}` belongs inside `config`", entry.key))
            .label(format!("`{trigger_type}` reads it from `config.{}`", entry.key))
    })
}

fn belongs_beside(entry: &Entry) -> Option<Finding> {
    let key = entry.key.as_str();
    (TRIGGER_FIELDS.contains(&key) || LATER_TRIGGER_FIELDS.contains(&key)).then(|| {
        Finding::error("E102", entry.key_span, format!("`{key}` is in `config`, where the engine does not look"))
            .label("move it up one level, beside `config`")
    })
}

/// The written id, or the type, numbered where there are several.
fn id(node: &Node, kind: &TriggerKind, ids: &mut HashMap<String, Span>, report: &mut Report) -> String {
    if let Some(id_node) = node.field("id")
        && let Some(id) = values::text("id", id_node, report)
    {
        let is_valid = !id.is_empty()
            && id.len() <= ID_MAX
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_valid {
            report.add(
                Finding::error("E112", id_node.span, format!("`{id}` cannot be the id of a trigger"))
                    .label(format!("letters, digits, `_` and `-`, at most {ID_MAX}")),
            );
        }
        if let Some(other) = ids.insert(id.to_owned(), id_node.span) {
            report.add(
                Finding::error("E104", id_node.span, format!("two triggers are called `{id}`"))
                    .label("an id is unique in its document")
                    .related(other, "the other one"),
            );
        }
        return id.to_owned();
    }
    let base = match kind {
        TriggerKind::Cron(_) => "cron",
        TriggerKind::Webhook(_) => "webhook",
        TriggerKind::Manual => "manual",
    };
    let mut id = base.to_owned();
    let mut number = 1;
    while ids.contains_key(&id) {
        number += 1;
        id = format!("{base}-{number}");
    }
    ids.insert(id.clone(), node.span);
    id
}

fn cron(config: Option<&Node>, type_node: &Node, facts: &Facts<'_>, report: &mut Report) -> Option<CronTrigger> {
    let zone_node = config.and_then(|config| config.field("timezone"));
    let zone = match zone_node {
        Some(node) => values::text("timezone", node, report)?,
        None => "UTC",
    };
    let Some(schedule_node) = config.and_then(|config| config.field("schedule")) else {
        report.add(
            Finding::error("E103", type_node.span, "`config.schedule` is missing")
                .label("`cron` needs it")
                .help("\"0 18 * * *\" is every day at six in the evening"),
        );
        return None;
    };
    let schedule = values::text("schedule", schedule_node, report)?;
    // The zone first with a schedule that is right, so that both are reported when both are wrong.
    if let (Some(node), Err(ScheduleError::UnknownZone { meant, .. })) = (zone_node, Schedule::parse("@hourly", zone)) {
        let finding = Finding::error("E118", node.span, format!("unknown time zone `{zone}`"));
        report.add(match meant {
            Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
                format!("Change to `{meant}`"),
                false,
                vec![(node.span, format!("\"{meant}\""))],
            ),
            None => finding.label("expected an IANA name such as `Asia/Jerusalem` or `UTC`"),
        });
    }
    if let Err(ScheduleError::Schedule { message, label, help, range }) = Schedule::parse(schedule, "UTC") {
        let places = Places::of(schedule_node, &facts.source.text);
        let span = if schedule.is_empty() {
            schedule_node.span
        } else {
            Span::new(places.offset(range.start), places.offset(range.end))
        };
        let finding = Finding::error("E117", span, message).label(label);
        report.add(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
    Some(CronTrigger { schedule: schedule.trim().to_owned(), timezone: zone.to_owned() })
}

fn webhook(config: Option<&Node>, workflow: &str, report: &mut Report) -> Option<WebhookTrigger> {
    let entries = config.and_then(Node::as_map).unwrap_or_default();
    let named = |key: &str| entries.iter().find(|entry| entry.key == key);
    let mut written = ["endpoint", "key", "path"].into_iter().filter_map(named);
    let endpoint = match written.next() {
        Some(entry) => endpoint(entry, report)?,
        None => workflow.to_owned(),
    };
    for other in written {
        report.add(
            Finding::warning("W202", other.key_span, format!("`{}` is another name for `endpoint`", other.key))
                .label("only `endpoint` counts"),
        );
    }
    let auth = match named("auth") {
        Some(entry) => auth(&entry.value, report)?,
        None => WebhookAuth::ApiKey,
    };
    Some(WebhookTrigger { endpoint, auth })
}

fn auth(node: &Node, report: &mut Report) -> Option<WebhookAuth> {
    if node.as_str() == Some("signature") {
        report.add(not_yet("auth: signature", node.span));
        return None;
    }
    match values::word("auth", node, &["api_key", "none"], report)? {
        "none" => Some(WebhookAuth::None),
        _ => Some(WebhookAuth::ApiKey),
    }
}

fn endpoint(entry: &Entry, report: &mut Report) -> Option<String> {
    let written = values::short_text(&entry.key, &entry.value, ENDPOINT_MAX, report)?;
    let endpoint = written.trim_matches('/');
    let is_valid = !endpoint.is_empty()
        && endpoint.split('/').all(|part| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~'))
        });
    if !is_valid {
        report.add(
            Finding::error("E112", entry.value.span, format!("`{written}` cannot be an endpoint"))
                .label("letters, digits, `_`, `-`, `.` and `~`, with `/` between parts"),
        );
        return None;
    }
    Some(endpoint.to_owned())
}
