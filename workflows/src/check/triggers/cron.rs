//! `config` of a cron trigger.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::super::{Facts, Finding, Report, attempts, values};
use crate::schedule::{Schedule, ScheduleError};
use crate::source::Span;
use crate::tree::{Node, Places};
use crate::{CatchUp, CronRules, CronTrigger, Overlap, format_duration};

pub(crate) const FIELDS: [&str; 8] =
    ["schedule", "timezone", "jitter", "overlap", "catch_up", "catch_up_window", "starts_at", "ends_at"];
/// Instants looked at to find two that are nearer to each other than the jitter is long.
const COMPARED: usize = 500;

pub(super) fn read(
    config: Option<&Node>,
    type_node: &Node,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<CronTrigger> {
    let field = |name: &str| config.and_then(|config| config.field(name));
    let rules = rules(config, report);
    let zone = match field("timezone") {
        Some(node) => values::text("timezone", node, report)?,
        None => "UTC",
    };
    let Some(schedule_node) = field("schedule") else {
        report.add(
            Finding::error("E103", type_node.span, "`config.schedule` is missing")
                .label("`cron` needs it")
                .help("\"0 18 * * *\" is every day at six in the evening"),
        );
        return None;
    };
    let schedule = values::text("schedule", schedule_node, report)?;
    // The zone first with a schedule that is right, so that both are reported when both are wrong.
    if let (Some(node), Err(ScheduleError::UnknownZone { meant, .. })) =
        (field("timezone"), Schedule::parse("@hourly", zone))
    {
        report.add(unknown_zone(zone, node, meant));
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
    if let Ok(parsed) = Schedule::parse(schedule, zone) {
        check_jitter(field("jitter"), rules.jitter, &parsed, report);
        check_bounds(field("ends_at"), &rules, parsed, report);
    }
    Some(CronTrigger { schedule: schedule.trim().to_owned(), timezone: zone.to_owned(), rules })
}

fn unknown_zone(zone: &str, node: &Node, meant: Option<String>) -> Finding {
    let finding = Finding::error("E118", node.span, format!("unknown time zone `{zone}`"));
    match meant {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(node.span, format!("\"{meant}\""))],
        ),
        None => finding.label("expected an IANA name such as `Asia/Jerusalem` or `UTC`"),
    }
}

/// What is wrong is reported, and its default goes on in its place.
fn rules(config: Option<&Node>, report: &mut Report) -> CronRules {
    let mut rules = CronRules::default();
    let field = |name: &str| config.and_then(|config| config.field(name));
    if let Some(jitter) = field("jitter").and_then(|node| values::duration("jitter", node, report)) {
        rules.jitter = jitter;
    }
    if let Some(word) =
        field("overlap").and_then(|node| values::word("overlap", node, &["skip", "queue", "replace", "allow"], report))
    {
        rules.overlap = match word {
            "queue" => Overlap::Queue,
            "replace" => Overlap::Replace,
            "allow" => Overlap::Allow,
            _ => Overlap::Skip,
        };
    }
    if let Some(word) =
        field("catch_up").and_then(|node| values::word("catch_up", node, &["latest", "none", "all"], report))
    {
        rules.catch_up = match word {
            "none" => CatchUp::None,
            "all" => CatchUp::All,
            _ => CatchUp::Latest,
        };
    }
    if let Some(node) = field("catch_up_window") {
        if let Some(window) = attempts::positive("catch_up_window", node, report) {
            rules.catch_up_window = window;
        }
        if rules.catch_up == CatchUp::None {
            report.add(
                Finding::warning("W102", node.span, "`catch_up_window` has no effect with `catch_up: none`")
                    .label("nothing is caught up"),
            );
        }
    }
    rules.starts_at = field("starts_at").and_then(|node| instant("starts_at", node, report));
    rules.ends_at = field("ends_at").and_then(|node| instant("ends_at", node, report));
    if let (Some(starts_at), Some(ends_at)) = (rules.starts_at, rules.ends_at)
        && ends_at <= starts_at
        && let (Some(start), Some(end)) = (field("starts_at"), field("ends_at"))
    {
        report.add(
            Finding::error("E115", end.span, "`ends_at` is not after `starts_at`")
                .label("the trigger would never fire")
                .related(start.span, "it starts here"),
        );
    }
    rules
}

fn instant(field: &str, node: &Node, report: &mut Report) -> Option<DateTime<Utc>> {
    const HELP: &str = "an instant has a date, a time and an offset: \"2026-11-24T18:00:00+02:00\", or `Z` for UTC";
    let text = values::text(field, node, report)?;
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Some(instant.to_utc()),
        Err(error) => {
            let shown = Value::String(text.to_owned());
            let finding = Finding::error("E110", node.span, format!("{shown} is not an instant"));
            let has_no_offset = DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok();
            report.add(
                finding
                    .label(if has_no_offset { "the offset is missing".to_owned() } else { error.to_string() })
                    .help(HELP),
            );
            None
        }
    }
}

/// Two instants that change places, or fall together, are no schedule any more.
fn check_jitter(node: Option<&Node>, jitter: Duration, schedule: &Schedule, report: &mut Report) {
    let Some(node) = node else { return };
    let (mut at, mut shortest) = (DateTime::UNIX_EPOCH + TimeDelta::days(365 * 56), None::<TimeDelta>);
    let mut previous = schedule.next_after(at);
    for _ in 0..COMPARED {
        let (Some(earlier), Some(later)) = (previous, previous.and_then(|earlier| schedule.next_after(earlier))) else {
            break;
        };
        at = later;
        shortest = Some(shortest.map_or(later - earlier, |shortest| shortest.min(later - earlier)));
        previous = Some(at);
    }
    if let Some(shortest) = shortest.and_then(|shortest| shortest.to_std().ok())
        && jitter > shortest
    {
        report.add(
            Finding::error("E115", node.span, "`jitter` is longer than the time between two runs")
                .label(format!("the schedule has runs {} apart", format_duration(shortest))),
        );
    }
}

fn check_bounds(node: Option<&Node>, rules: &CronRules, schedule: Schedule, report: &mut Report) {
    let (Some(node), Some(ends_at)) = (node, rules.ends_at) else { return };
    let is_ordered = rules.starts_at.is_none_or(|starts_at| starts_at < ends_at);
    let from = rules.starts_at.unwrap_or(DateTime::UNIX_EPOCH);
    if is_ordered
        && schedule.between(rules.starts_at, rules.ends_at).next_after(from - TimeDelta::milliseconds(1)).is_none()
    {
        report.add(
            Finding::error("E115", node.span, "the schedule has no time before `ends_at`")
                .label("the trigger would never fire"),
        );
    }
}
