//! Five fields in a zone whose clock changes.
//!
//! As Vixie's cron has it, a schedule whose minute or hour begins with `*` repeats, and follows real time. Any other
//! one names times of the day: each of them comes once a day, whatever the clock does.

use croner::Cron;
use jiff::civil::DateTime as Civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Names of times are tried until one lies ahead; those of a repeated hour may not.
const TRIES_MAX: usize = 4_000;

#[derive(Debug, Clone)]
pub(super) struct Local {
    cron: Box<Cron>,
    repeats: bool,
}

/// A local time that the schedule names and that does not come, or comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Oddity {
    pub at: Timestamp,
    pub local: Civil,
    pub repeated: bool,
}

impl Local {
    /// `pattern` is what `cron` was parsed from.
    pub fn new(cron: Cron, pattern: &str) -> Self {
        let repeats = pattern.split_whitespace().take(2).any(|field| field.starts_with('*'));
        Self { cron: Box::new(cron), repeats }
    }

    /// The first instant strictly after `after`, which is a whole second.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.repeats { self.next_repeated(after, zone) } else { self.next_named(after, zone) }
    }

    fn next_repeated(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&after.to_zoned(zone.clone()), false).ok()?;
        Some(found.timestamp())
    }

    fn next_named(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut local = zone.to_datetime(after);
        for _ in 0..TRIES_MAX {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let at = resolve(local, zone)?;
            if at > after {
                return Some(at);
            }
        }
        None
    }

    /// The first time between `after` and `until` at which a change of the clock moves or repeats a named time.
    pub fn next_oddity(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Oddity> {
        if self.repeats {
            return None;
        }
        zone.following(after).take_while(|change| change.timestamp() <= until).find_map(|change| {
            let before = zone.to_offset(change.timestamp().checked_sub(SignedDuration::from_secs(1)).ok()?);
            let (left, right) =
                (before.to_datetime(change.timestamp()), change.offset().to_datetime(change.timestamp()));
            let (first, end) = (left.min(right), left.max(right));
            let local = self.cron.find_next_occurrence(&first, true).ok()?;
            if local >= end {
                return None;
            }
            Some(Oddity { at: resolve(local, zone)?, local, repeated: right < left })
        })
    }
}

/// When a local time is: the first moment after the gap that swallows it, or the first of the two times it comes.
fn resolve(local: Civil, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset the time lies before the change, however long the gap is.
            let below = after.to_timestamp(local).ok()?;
            zone.following(below).next().map(|change| change.timestamp())
        }
    }
}
