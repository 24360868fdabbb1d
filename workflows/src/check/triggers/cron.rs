//! `cron` triggers: a schedule in a time zone.

use crate::CronTrigger;
use crate::check::{Facts, Finding, Report, values};
use crate::schedule::{Schedule, ScheduleError};
use crate::source::Span;
use crate::tree::{Node, Places};

pub(super) const FIELDS: [&str; 2] = ["schedule", "timezone"];

pub(super) fn read(
    config: Option<&Node>,
    type_node: &Node,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<CronTrigger> {
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
