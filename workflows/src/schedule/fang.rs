//! Schedules of the tasks of Rust programs: six or seven fields, seconds first, in the reading of the `cron` crate.
//!
//! They are not crontab: `1` is Sunday, a day of the month and a day of the week must both fit, and there is no zone but
//! UTC. Programs have them already, so they are read as they always were, by the same crate.

use std::str::FromStr;

use super::{ScheduleError, whole};

pub(super) fn parse(schedule: &str, pattern: &str) -> Result<cron::Schedule, ScheduleError> {
    cron::Schedule::from_str(pattern.trim()).map_err(|error| {
        let help = "`@fang` is for the schedules of tasks: second, minute, hour, day, month, day of the week, year";
        whole(schedule, format!("this is not a schedule: {error}"), "cannot be read", help)
    })
}
