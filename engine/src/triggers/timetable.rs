//! A stored cron trigger, as the schedule understands it.

use onward_workflows::{CronRules, CronTrigger, Timetable};
use serde_json::Value;

/// `None` for what this binary cannot read: a newer one wrote it, or its zone is gone. Whoever asks goes on without.
pub(crate) fn read_timetable(
    workflow: &str,
    id: &str,
    schedule: String,
    timezone: String,
    rules: &Value,
) -> Option<(Timetable, CronRules)> {
    let rules: CronRules = serde::Deserialize::deserialize(rules).ok()?;
    let trigger = CronTrigger { schedule, timezone, rules };
    let timetable = Timetable::new(workflow, id, &trigger).ok()?;
    Some((timetable, trigger.rules))
}
