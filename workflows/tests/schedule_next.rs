//! When schedules fire, above all where clocks change.

use chrono::{DateTime, Utc};
use onward_workflows::{Schedule, ScheduleError, tzdb_version};
use proptest::prelude::*;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's instant is RFC 3339")
}

/// The times that follow `after`, which is not among them.
fn check(schedule: &str, zone: &str, after: &str, expected: &[&str]) {
    let parsed = Schedule::parse(schedule, zone).expect("a test's schedule is right");
    let mut at = instant(after);
    for next in expected {
        at = parsed.next_after(at).expect("there is a next time");
        assert_eq!(at, instant(next), "{schedule} in {zone}");
    }
}

#[test]
fn plain_schedules_fire_on_time() {
    check("0 18 * * *", "UTC", "2026-11-24T18:00:00Z", &["2026-11-25T18:00:00Z", "2026-11-26T18:00:00Z"]);
    check("0 18 * * *", "Asia/Jerusalem", "2026-11-24T00:00:00Z", &["2026-11-24T16:00:00Z"]);
    check("*/15 * * * *", "UTC", "2026-11-24T10:07:30.5Z", &["2026-11-24T10:15:00Z", "2026-11-24T10:30:00Z"]);
    check("0 9 * * MON-FRI", "UTC", "2026-11-27T09:00:00Z", &["2026-11-30T09:00:00Z"]);
    check("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    check("0 0 13 * 5", "UTC", "2026-11-12T00:00:00Z", &["2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"]);
    check("0 0 * * 7", "UTC", "2026-11-24T00:00:00Z", &["2026-11-29T00:00:00Z"]);
}

#[test]
fn named_schedules_fire_on_time() {
    check("@hourly", "UTC", "2026-11-24T10:00:00Z", &["2026-11-24T11:00:00Z"]);
    check("@daily", "UTC", "2026-11-24T10:00:00Z", &["2026-11-25T00:00:00Z"]);
    check("@weekly", "UTC", "2026-11-24T10:00:00Z", &["2026-11-29T00:00:00Z"]);
    check("@monthly", "UTC", "2026-11-24T10:00:00Z", &["2026-12-01T00:00:00Z"]);
    check("@yearly", "UTC", "2026-11-24T10:00:00Z", &["2027-01-01T00:00:00Z"]);
}

#[test]
fn every_counts_from_the_epoch() {
    check("@every 90s", "UTC", "1970-01-01T00:00:00Z", &["1970-01-01T00:01:30Z", "1970-01-01T00:03:00Z"]);
    check("@every 1h30m", "Asia/Jerusalem", "1970-01-01T01:29:59.999Z", &["1970-01-01T01:30:00Z"]);
    check("@every 1s500ms", "UTC", "1970-01-01T00:00:00.1Z", &["1970-01-01T00:00:01.5Z", "1970-01-01T00:00:03Z"]);
}

#[test]
fn patterns_of_tasks_are_read_as_their_programs_read_them() {
    check("@fang 5/20 * * * * *", "UTC", "2026-11-24T10:00:05.5Z", &["2026-11-24T10:00:25Z", "2026-11-24T10:00:45Z"]);
    // The first day of the week is Sunday, and both days must fit.
    check("@fang 0 0 9 * * 1", "UTC", "2026-11-24T00:00:00Z", &["2026-11-29T09:00:00Z"]);
    check("@fang 0 0 0 13 * 6", "UTC", "2026-11-12T00:00:00Z", &["2026-11-13T00:00:00Z", "2027-08-13T00:00:00Z"]);
    // The zone of the trigger does not count.
    check("@fang 0 0 9 * * * 2027", "Asia/Jerusalem", "2026-11-24T00:00:00Z", &["2027-01-01T09:00:00Z"]);
    let over = Schedule::parse("@fang 0 0 9 * * * 2020", "UTC").expect("it can be read");
    assert_eq!(over.next_after(instant("2026-11-24T00:00:00Z")), None);
    for wrong in ["@fang", "@fang ", "@fang 0 9 * * 1", "@fang 0 0 9 * * 0"] {
        assert!(matches!(Schedule::parse(wrong, "UTC"), Err(ScheduleError::Schedule { .. })), "{wrong}");
    }
}

#[test]
fn a_time_in_the_gap_fires_at_its_end() {
    check("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
    check("30 2 * * *", "Asia/Jerusalem", "2026-03-26T12:00:00Z", &["2026-03-27T00:00:00Z", "2026-03-27T23:30:00Z"]);
    check("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", &["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]);
}

#[test]
fn a_time_in_the_fold_fires_once() {
    check("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
    check("30 1 * * *", "Asia/Jerusalem", "2026-10-24T12:00:00Z", &["2026-10-24T22:30:00Z", "2026-10-25T23:30:00Z"]);
}

#[test]
fn repeating_schedules_follow_real_time() {
    check(
        "*/30 * * * *",
        "America/New_York",
        "2026-11-01T04:45:00Z",
        &[
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:00:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-01T07:00:00Z",
        ],
    );
    check(
        "*/30 * * * *",
        "America/New_York",
        "2026-03-08T06:15:00Z",
        &["2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"],
    );
}

#[test]
fn a_zone_that_does_not_exist_has_a_suggestion() {
    let error = Schedule::parse("@daily", "Asia/Jeruslem").expect_err("it is misspelt");
    assert_eq!(
        error,
        ScheduleError::UnknownZone { zone: "Asia/Jeruslem".to_owned(), meant: Some("Asia/Jerusalem".to_owned()) }
    );
}

#[test]
fn the_rules_of_the_zones_have_a_version() {
    assert!(tzdb_version().starts_with("20"), "{}", tzdb_version());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Around both changes of the clocks and anywhere else, each time is later than the one before, and asking from a
    /// moment in between gives the same answer.
    #[test]
    fn times_only_go_forward(
        schedule in prop::sample::select(vec![
            "* * * * *", "*/7 * * * *", "30 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 0 * * *", "0 0 1 * *", "45 1-3 * * 0", "@every 7m", "@hourly",
        ]),
        zone in prop::sample::select(vec![
            "UTC", "Asia/Jerusalem", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
        ]),
        start in prop::sample::select(vec![
            "2026-03-08T05:00:00Z", "2026-03-26T22:00:00Z", "2026-03-29T00:00:00Z", "2026-04-04T13:00:00Z", "2026-10-03T13:00:00Z",
            "2026-10-24T20:00:00Z", "2026-10-25T00:00:00Z", "2026-11-01T04:00:00Z", "2018-11-04T00:00:00Z", "2026-06-15T12:00:00Z",
        ]),
        offset in 0_i64..7200,
    ) {
        let parsed = Schedule::parse(schedule, zone).expect("the schedule is right");
        let mut at = instant(start) + chrono::TimeDelta::seconds(offset);
        for _ in 0..40 {
            let next = parsed.next_after(at).expect("there is a next time");
            prop_assert!(next > at, "{schedule} in {zone}: {next} after {at}");
            let between = at + (next - at) / 2;
            if between < next {
                prop_assert_eq!(parsed.next_after(between), Some(next), "{} in {} from {}", schedule, zone, between);
            }
            at = next;
        }
    }
}
