//! What becomes of the instants of a trigger that are due.

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{CatchUp, CronRules, Due, Overlap, Planned};

/// Instants that are caught up, and that are recorded one by one; of what was before there is one row.
pub(super) const INSTANTS_MAX: usize = 100;
/// What is later than this was missed; what is not was fired as fast as it could be.
const LATE: TimeDelta = TimeDelta::seconds(60);

const PAUSED: &str = "paused: the trigger was paused at this time";
const NEWER: &str = "missed: a newer instant was due as well";
const NOT_CAUGHT_UP: &str = "missed: nobody fired in time, and the trigger catches nothing up";
const TOO_OLD: &str = "missed: it was due longer ago than the catch-up window";
const TOO_MANY: &str = "missed: no more than 100 instants are caught up";
const ACTIVE: &str = "overlap: the previous run of this trigger is still active";
const QUEUED: &str = "overlap: another instant already waits for the end of the previous run";
const LINE_FULL: &str = "overlap: 100 instants already wait for the end of the previous run";
pub(super) const REPLACED: &str = "overlap: a newer instant took its place";

/// The last pause of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub until: Option<DateTime<Utc>>,
}

/// What is known of a trigger whose time has come.
#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub rules: &'a CronRules,
    pub now: DateTime<Utc>,
    pub pause: Option<Pause>,
    /// Its last run goes on.
    pub active: bool,
    /// Its fires that wait for the end of that run.
    pub waiting: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait,
    Skip(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub fires: Vec<(Planned, Verdict)>,
    /// Of all the instants before those.
    pub earlier: Option<(DateTime<Utc>, u64, String)>,
    /// The last run is cancelled, and what waited for its end does not run.
    pub replaces: bool,
}

pub(super) fn decide(situation: &Situation<'_>, due: &Due) -> Decision {
    let mut fires: Vec<(Planned, Verdict)> = missed(situation, &due.newest);
    let chosen = fires.iter().filter(|(_, verdict)| *verdict == Verdict::Start).count();
    let replaces = situation.rules.overlap == Overlap::Replace && chosen > 0;
    let (mut busy, mut waiting) = (situation.active || (situation.waiting > 0 && !replaces), situation.waiting);
    let mut left = chosen;
    for (planned, verdict) in fires.iter_mut().filter(|(_, verdict)| *verdict == Verdict::Start) {
        left -= 1;
        *verdict =
            match situation.rules.overlap {
                Overlap::Allow => Verdict::Start,
                Overlap::Replace if left > 0 => Verdict::Skip(REPLACED),
                Overlap::Replace if busy => Verdict::Wait,
                _ if !busy => Verdict::Start,
                // One that is caught up has nobody to hurry for: it takes its turn.
                _ if situation.rules.catch_up == CatchUp::All && is_late(situation, planned) => {
                    if waiting < INSTANTS_MAX { Verdict::Wait } else { Verdict::Skip(LINE_FULL) }
                }
                Overlap::Queue if waiting == 0 => Verdict::Wait,
                Overlap::Queue => Verdict::Skip(QUEUED),
                Overlap::Skip | Overlap::Replace => Verdict::Skip(ACTIVE),
            };
        busy |= *verdict == Verdict::Start;
        waiting += usize::from(*verdict == Verdict::Wait);
    }
    Decision { fires, earlier: earlier(situation, due), replaces }
}

fn is_late(situation: &Situation<'_>, planned: &Planned) -> bool {
    planned.due_at < situation.now - LATE
}

fn is_paused(situation: &Situation<'_>, due_at: DateTime<Utc>) -> bool {
    situation.pause.is_some_and(|pause| pause.until.is_none_or(|until| due_at < until))
}

/// Pause and catch-up; whatever is left would start.
fn missed(situation: &Situation<'_>, newest: &[Planned]) -> Vec<(Planned, Verdict)> {
    let window = TimeDelta::from_std(situation.rules.catch_up_window).unwrap_or(TimeDelta::MAX);
    let oldest = situation.now.checked_sub_signed(window).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let verdict = |planned: &Planned, is_newest: bool| {
        if is_paused(situation, planned.due_at) {
            return Verdict::Skip(PAUSED);
        }
        match situation.rules.catch_up {
            CatchUp::None if is_late(situation, planned) => Verdict::Skip(NOT_CAUGHT_UP),
            CatchUp::None | CatchUp::Latest if !is_newest => Verdict::Skip(NEWER),
            CatchUp::Latest | CatchUp::All if planned.due_at < oldest => Verdict::Skip(TOO_OLD),
            CatchUp::Latest | CatchUp::All | CatchUp::None => Verdict::Start,
        }
    };
    newest.iter().enumerate().map(|(place, planned)| (*planned, verdict(planned, place + 1 == newest.len()))).collect()
}

fn earlier(situation: &Situation<'_>, due: &Due) -> Option<(DateTime<Utc>, u64, String)> {
    let earlier = due.earlier?;
    let reason = if is_paused(situation, earlier.first) {
        PAUSED
    } else {
        match situation.rules.catch_up {
            CatchUp::None => NOT_CAUGHT_UP,
            CatchUp::Latest => NEWER,
            CatchUp::All => TOO_MANY,
        }
    };
    let at_least = if earlier.is_exact { "" } else { "at least " };
    Some((earlier.first, earlier.count, format!("{reason}; {at_least}{} instants in a row", earlier.count)))
}

#[cfg(test)]
mod tests;
