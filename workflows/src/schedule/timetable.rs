//! One trigger's instants, each with the moment at which it is really due.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::jitter::jitter;
use super::{Schedule, ScheduleError};
use crate::CronTrigger;

/// Instants before the newest are counted up to here.
const COUNTED_MAX: u64 = 1_000;
/// How far back the newest instants are first looked for.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

/// A schedule together with the jitter of the trigger it belongs to.
#[derive(Debug, Clone)]
pub struct Timetable {
    schedule: Schedule,
    workflow: String,
    trigger_id: String,
    jitter: Duration,
}

/// An instant of the schedule, and when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    pub nominal_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
}

/// What has become due since a trigger was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// In the order of time.
    pub newest: Vec<Planned>,
    /// The instants before those.
    pub earlier: Option<Earlier>,
    /// The first that is not due.
    pub next: Option<Planned>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    pub first: DateTime<Utc>,
    /// At least so many; exactly, when `is_exact`.
    pub count: u64,
    pub is_exact: bool,
}

impl Timetable {
    pub fn new(workflow: &str, trigger_id: &str, trigger: &CronTrigger) -> Result<Self, ScheduleError> {
        Ok(Self {
            schedule: Schedule::try_from(trigger)?,
            workflow: workflow.to_owned(),
            trigger_id: trigger_id.to_owned(),
            jitter: trigger.rules.jitter,
        })
    }

    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub fn plan(&self, nominal_at: DateTime<Utc>) -> Planned {
        let delay = TimeDelta::from_std(self.jitter(nominal_at)).unwrap_or_default();
        Planned { nominal_at, due_at: nominal_at + delay }
    }

    fn jitter(&self, nominal_at: DateTime<Utc>) -> Duration {
        jitter(&self.workflow, &self.trigger_id, nominal_at, self.jitter)
    }

    /// The first instant strictly after `after`, which is an instant and not when it was due.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<Planned> {
        self.schedule.next_after(after).map(|nominal_at| self.plan(nominal_at))
    }

    /// The first instant from `first` on that is due at `from` or later.
    pub fn first_due(&self, first: DateTime<Utc>, from: DateTime<Utc>) -> Option<Planned> {
        let jitter = TimeDelta::from_std(self.jitter).ok()?;
        let earliest = from.checked_sub_signed(jitter)?.max(first);
        let mut planned = self.next_after(earliest - TimeDelta::milliseconds(1))?;
        while planned.due_at < from {
            planned = self.next_after(planned.nominal_at)?;
        }
        Some(planned)
    }

    /// The instants from `first` on that are due at `now`: the newest `keep` of them, and how many there were before.
    pub fn due(&self, first: DateTime<Utc>, now: DateTime<Utc>, keep: usize) -> Due {
        let before_first = first - TimeDelta::milliseconds(1);
        // The newest are found from behind, so that a trigger that was forgotten for years costs what others cost. What is
        // older than the jitter is due in any case.
        let mut span = LOOK_BACK.max(TimeDelta::from_std(self.jitter).unwrap_or(LOOK_BACK));
        loop {
            let from = now.checked_sub_signed(span).map_or(before_first, |from| from.max(before_first));
            let (newest, next) = self.walk(from, now, keep);
            if newest.len() >= keep || from == before_first {
                let oldest = newest.first().map(|planned| planned.nominal_at);
                let earlier =
                    oldest.filter(|oldest| *oldest > first).and_then(|oldest| self.count(before_first, oldest));
                return Due { newest, earlier, next };
            }
            span = span.checked_mul(4).unwrap_or(TimeDelta::MAX);
        }
    }

    /// The last `keep` of what follows `from` and is due at `now`.
    fn walk(&self, from: DateTime<Utc>, now: DateTime<Utc>, keep: usize) -> (Vec<Planned>, Option<Planned>) {
        let mut newest = VecDeque::new();
        let mut next = self.next_after(from);
        while let Some(planned) = next.filter(|planned| planned.due_at <= now) {
            if newest.len() == keep {
                newest.pop_front();
            }
            newest.push_back(planned);
            next = self.next_after(planned.nominal_at);
        }
        (newest.into(), next)
    }

    /// What lies after `after` and before `end`.
    fn count(&self, after: DateTime<Utc>, end: DateTime<Utc>) -> Option<Earlier> {
        let first = self.schedule.next_after(after).filter(|first| *first < end)?;
        if let Some(count) = self.schedule.count(first, end) {
            return Some(Earlier { first, count, is_exact: true });
        }
        let (mut count, mut at) = (1, first);
        while let Some(next) = self.schedule.next_after(at).filter(|next| *next < end) {
            if count == COUNTED_MAX {
                return Some(Earlier { first, count, is_exact: false });
            }
            (count, at) = (count + 1, next);
        }
        Some(Earlier { first, count, is_exact: true })
    }
}
