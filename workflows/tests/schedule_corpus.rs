//! 1,800 schedules around clock changes and elsewhere, against the times that croniter gives (`data/make_fire_times.py`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use onward_workflows::Schedule;

/// Where we differ on purpose.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// croniter fires a named time in both halves of an hour that comes twice. Vixie's cron, and we, fire it once: a
    /// nightly job must not run twice in that night.
    NamedTimeTwice,
    /// croniter moves a repeating schedule whose times a gap swallows to the end of the gap. Vixie's cron, and we, let it
    /// follow real time: those minutes did not pass, so there is nothing to make up for.
    RepeatedTimeInGap,
}

struct Case<'a> {
    zone: &'a str,
    schedule: &'a str,
    start: DateTime<Utc>,
    /// Seconds from each time to the next.
    steps: Vec<i64>,
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    include_str!("data/fire_times.tsv").lines().map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("a line has three fields and the steps");
        let (zone, schedule) = (field(), field());
        let start = DateTime::from_timestamp(field().parse().expect("seconds"), 0).expect("an instant");
        Case { zone, schedule, start, steps: fields.map(|step| step.parse().expect("seconds")).collect() }
    })
}

fn difference(case: &Case<'_>, zone: &TimeZone, theirs: DateTime<Utc>) -> Option<Difference> {
    let stamp = Timestamp::from_second(theirs.timestamp()).expect("an instant");
    let repeats = case.schedule.split(' ').take(2).any(|field| field.starts_with('*'));
    let is_second = match zone.to_ambiguous_timestamp(zone.to_datetime(stamp)).offset() {
        AmbiguousOffset::Fold { after, .. } => zone.to_offset(stamp) == after,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => false,
    };
    let moment_before = Timestamp::from_second(theirs.timestamp() - 1).expect("an instant");
    let ends_a_gap = zone.to_offset(moment_before) < zone.to_offset(stamp);
    match (repeats, is_second, ends_a_gap) {
        (false, true, _) => Some(Difference::NamedTimeTwice),
        (true, _, true) => Some(Difference::RepeatedTimeInGap),
        _ => None,
    }
}

#[test]
fn an_independent_implementation_gives_the_same_times_but_for_two_documented_differences() {
    let zones = TimeZoneDatabase::bundled();
    let (mut compared, mut names) = (0, BTreeSet::new());
    let mut differences: BTreeMap<Difference, usize> = BTreeMap::new();
    for case in cases() {
        let zone = zones.get(case.zone).expect("a zone");
        names.insert(case.zone);
        let schedule = Schedule::parse(case.schedule, case.zone).expect("a schedule");
        let mut at = case.start;
        for step in &case.steps {
            let theirs = at + TimeDelta::seconds(*step);
            let ours = schedule.next_after(at).expect("there is a next time");
            assert!(ours > at, "{} in {}: {ours} after {at}", case.schedule, case.zone);
            if ours != theirs {
                let told = format!("{} in {} after {at}: {ours}, theirs {theirs}", case.schedule, case.zone);
                assert!(ours > theirs, "{told}");
                let difference = difference(&case, &zone, theirs).unwrap_or_else(|| panic!("{told}"));
                *differences.entry(difference).or_default() += 1;
            }
            at = theirs;
            compared += 1;
        }
    }
    assert!(names.len() == 20 && compared > 8_000, "{compared} times in {} zones", names.len());
    // A number that moves is a behaviour that moved.
    assert_eq!(differences, BTreeMap::from([(Difference::NamedTimeTwice, 46), (Difference::RepeatedTimeInGap, 23)]));
}
