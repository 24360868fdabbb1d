//! Jitter, bounds, what has been missed, and what changes of the clock do to named times.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{ClockChangeKind, CronRules, CronTrigger, Earlier, Schedule, Timetable};
use proptest::prelude::*;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's instant is RFC 3339")
}

fn timetable(schedule: &str, rules: CronRules) -> Timetable {
    let trigger = CronTrigger { schedule: schedule.to_owned(), timezone: "UTC".to_owned(), rules };
    Timetable::new("reports", "cron", &trigger).expect("the schedule is right")
}

fn with_jitter(jitter: Duration) -> CronRules {
    CronRules { jitter, ..CronRules::default() }
}

#[test]
fn a_delay_is_fixed_by_trigger_and_instant_and_shorter_than_the_jitter() {
    let (max, at) = (Duration::from_mins(5), instant("2026-11-24T18:00:00Z"));
    let table = timetable("0 18 * * *", with_jitter(max));
    let planned = table.plan(at);
    assert_eq!((planned.nominal_at, table.plan(at)), (at, planned));
    // The very delay, because all processes and all later versions must agree on it.
    assert_eq!(planned.due_at, instant("2026-11-24T18:00:00Z") + TimeDelta::milliseconds(15_337));

    let delays: HashSet<TimeDelta> = (0..200)
        .map(|day| table.plan(at + TimeDelta::days(day)))
        .map(|planned| planned.due_at - planned.nominal_at)
        .collect();
    assert!(delays.iter().all(|delay| (TimeDelta::zero()..TimeDelta::minutes(5)).contains(delay)));
    assert!(delays.len() > 190, "{} delays", delays.len());
    let (least, most) = (delays.iter().min(), delays.iter().max());
    assert!(least < Some(&TimeDelta::seconds(15)) && most > Some(&TimeDelta::seconds(285)), "{least:?} {most:?}");

    let trigger =
        CronTrigger { schedule: "0 18 * * *".to_owned(), timezone: "UTC".to_owned(), rules: with_jitter(max) };
    let other = Timetable::new("reports", "cron-2", &trigger).expect("the schedule is right");
    assert_ne!(other.plan(at), planned);
    assert_eq!(timetable("0 18 * * *", CronRules::default()).plan(at).due_at, at);
}

#[test]
fn a_schedule_counts_from_its_start_and_before_its_end() {
    let schedule = Schedule::parse("0 * * * *", "UTC").expect("the schedule is right");
    let bounded = schedule.between(Some(instant("2026-11-24T10:00:00Z")), Some(instant("2026-11-24T12:00:00Z")));
    let next = |after: &str| bounded.next_after(instant(after));
    assert_eq!(next("2020-01-01T00:00:00Z"), Some(instant("2026-11-24T10:00:00Z")));
    assert_eq!(next("2026-11-24T10:00:00Z"), Some(instant("2026-11-24T11:00:00Z")));
    assert_eq!(next("2026-11-24T11:00:00Z"), None);
    assert_eq!(next("2027-01-01T00:00:00Z"), None);
    let every = Schedule::parse("@every 90s", "UTC").expect("the schedule is right");
    let bounded = every.between(Some(instant("1970-01-01T01:00:01Z")), None);
    assert_eq!(bounded.next_after(instant("1970-01-01T00:00:00Z")), Some(instant("1970-01-01T01:01:30Z")));
}

#[test]
fn lists_and_ranges_of_hours_are_named_times_too() {
    let next = |schedule: &str, after: &str| {
        Schedule::parse(schedule, "America/New_York").expect("it is right").next_after(instant(after))
    };
    // 01:05 comes at 05:05 and again at 06:05.
    assert_eq!(next("5 1-3 * * *", "2026-11-01T05:05:00Z"), Some(instant("2026-11-01T07:05:00Z")));
    assert_eq!(next("5 1-3 * * *", "2026-11-01T05:30:00Z"), Some(instant("2026-11-01T07:05:00Z")));
    // 02:05 and 02:35 do not come.
    assert_eq!(next("5,35 1-3 * * *", "2026-03-08T06:35:00Z"), Some(instant("2026-03-08T07:00:00Z")));
    assert_eq!(next("5,35 1-3 * * *", "2026-03-08T07:00:00Z"), Some(instant("2026-03-08T07:05:00Z")));
    // A whole day that an island left out when it changed sides.
    let apia = Schedule::parse("0 9 * * *", "Pacific/Apia").expect("it is right");
    assert_eq!(apia.next_after(instant("2011-12-29T19:00:00Z")), Some(instant("2011-12-30T10:00:00Z")));
    assert_eq!(apia.next_after(instant("2011-12-30T10:00:00Z")), Some(instant("2011-12-30T19:00:00Z")));
}

#[test]
fn changes_of_the_clock_are_told_where_they_touch_a_named_time() {
    let change = |schedule: &str, after: &str| {
        let schedule = Schedule::parse(schedule, "Asia/Jerusalem").expect("it is right");
        let found = schedule.next_clock_change(instant(after), instant(after) + TimeDelta::days(366))?;
        Some((found.at.to_rfc3339(), found.local, found.kind))
    };
    let skipped = ("2027-03-26T00:00:00+00:00".to_owned(), "2027-03-26T02:30:00".to_owned(), ClockChangeKind::Skipped);
    assert_eq!(change("30 2 * * 1-5", "2026-11-24T10:00:00Z"), Some(skipped));
    let repeated =
        ("2026-10-24T22:30:00+00:00".to_owned(), "2026-10-25T01:30:00".to_owned(), ClockChangeKind::Repeated);
    assert_eq!(change("30 1 * * *", "2026-06-01T00:00:00Z"), Some(repeated));
    assert_eq!(change("30 4 * * *", "2026-06-01T00:00:00Z"), None);
    assert_eq!(change("*/30 * * * *", "2026-06-01T00:00:00Z"), None, "it follows real time");
    assert_eq!(change("@every 1h", "2026-06-01T00:00:00Z"), None);
}

#[test]
fn the_newest_instants_are_kept_and_the_ones_before_are_counted() {
    let (first, now) = (instant("2026-11-24T00:00:00Z"), instant("2026-11-24T03:59:59Z"));
    let due = timetable("*/5 * * * *", CronRules::default()).due(first, now, 3);
    let nominals: Vec<String> =
        due.newest.iter().map(|planned| planned.nominal_at.format("%H:%M").to_string()).collect();
    assert_eq!(nominals, ["03:45", "03:50", "03:55"]);
    assert_eq!(due.earlier, Some(Earlier { first, count: 45, is_exact: true }));
    assert_eq!(due.next.map(|next| next.nominal_at), Some(instant("2026-11-24T04:00:00Z")));

    // Three years of seconds are not walked through, and three years of minutes not counted to the end.
    let first = instant("2024-01-01T00:00:00Z");
    let due = timetable("@every 1s", CronRules::default()).due(first, instant("2026-11-24T00:00:00Z"), 2);
    let seconds = u64::try_from((instant("2026-11-24T00:00:00Z") - first).num_seconds()).expect("it is later");
    assert_eq!(due.earlier, Some(Earlier { first, count: seconds - 1, is_exact: true }));
    let due = timetable("* * * * *", CronRules::default()).due(first, now, 2);
    assert_eq!(due.newest.last().map(|newest| newest.nominal_at), Some(instant("2026-11-24T03:59:00Z")));
    assert_eq!(due.earlier, Some(Earlier { first, count: 1_000, is_exact: false }));
    // A rare one is found, however long ago it was.
    let due = timetable("0 0 29 2 *", CronRules::default()).due(instant("2020-02-29T00:00:00Z"), now, 9);
    assert_eq!((due.newest.len(), due.earlier), (2, None));
}

#[test]
fn what_jitter_still_holds_back_is_not_due() {
    let table = timetable("0 * * * *", with_jitter(Duration::from_mins(30)));
    let planned = table.plan(instant("2026-11-24T10:00:00Z"));
    let due = table.due(planned.nominal_at, planned.due_at - TimeDelta::milliseconds(1), 9);
    assert_eq!((due.newest, due.next), (vec![], Some(planned)));
    let due = table.due(planned.nominal_at, planned.due_at, 9);
    assert_eq!(due.newest, [planned]);
    assert_eq!(due.next, Some(table.plan(instant("2026-11-24T11:00:00Z"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost and nothing comes twice, however often somebody looks.
    #[test]
    fn looking_often_and_looking_once_find_the_same_instants(
        schedule in prop::sample::select(vec!["*/10 * * * *", "7 * * * *", "30 2 * * *", "@every 7m", "5 1-3 * * *"]),
        jitter in 0_u64..300,
        looks in prop::collection::vec(1_i64..20_000, 1..8),
    ) {
        let table = timetable(schedule, with_jitter(Duration::from_secs(jitter)));
        let start = instant("2026-03-07T12:00:00Z");
        let (mut now, mut first) = (start, table.next_after(start).expect("there is a next").nominal_at);
        let mut found = Vec::new();
        for look in looks {
            now += TimeDelta::seconds(look);
            let due = table.due(first, now, 10_000);
            prop_assert_eq!(due.earlier, None);
            found.extend(due.newest);
            first = due.next.expect("there is a next").nominal_at;
        }
        let once = table.due(table.next_after(start).expect("there is a next").nominal_at, now, 10_000);
        prop_assert!(once.newest.is_sorted());
        prop_assert_eq!(found, once.newest);
    }
}
