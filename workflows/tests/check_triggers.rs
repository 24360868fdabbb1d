//! Triggers: types, schedules with the caret on the bad field, endpoints.

#[path = "kit/checking.rs"]
mod checking;

use std::time::Duration;

use checking::{checked, found};
use onward_workflows::{CatchUp, CronRules, Overlap, TriggerKind, WebhookAuth};

fn document(triggers: &str) -> String {
    format!("version: 1\nname: My Flow\ntriggers:\n{triggers}\nsteps: [{{ id: a, type: return }}]\n")
}

/// Triggers as YAML lines from line 4.
fn check(triggers: &str, expected: &[&str]) {
    assert_eq!(found(&document(triggers)), expected, "{triggers}");
}

/// One schedule, which stands on line 4 behind the quote in column 42; `expected` is the column of the caret inside the
/// schedule, the caret's length and the message.
fn check_schedule(schedule: &str, expected: Option<(u32, u32, &str)>) {
    let text = document(&format!("- {{ type: cron, config: {{ schedule: \"{schedule}\" }} }}"));
    let checked = checked(&text);
    let found = checked.diagnostics.first().map(|found| {
        let (start, end) = (found.range.start.column, found.range.end.column);
        assert_eq!(found.code, "E117", "{schedule}");
        (start - 38, end - start, found.message.as_str())
    });
    assert_eq!(found, expected, "{schedule}");
}

#[test]
fn schedules_that_are_right() {
    for schedule in [
        "* * * * *",
        "0 18 * * *",
        "*/15 * * * *",
        "0,30 8 1 * *",
        "0 9-17/2 * * 1-5",
        "0 9 * * MON-FRI",
        "0 9 1 jan,JUL *",
        "0 0 29 2 *",
        "0 0 31 1-12 *",
        "0 0 30 2 1",
        "0 0 * * 7",
        "  0   0 * * 0 ",
        "00 09 * * *",
        "@hourly",
        "@daily",
        "@weekly",
        "@monthly",
        "@yearly",
        "@every 90s",
        "@every 1h30m",
    ] {
        check_schedule(schedule, None);
    }
}

#[test]
fn the_caret_stands_on_the_bad_field() {
    check_schedule("60 * * * *", Some((0, 2, "minute 60 is out of range")));
    check_schedule("0 25 * * *", Some((2, 2, "hour 25 is out of range")));
    check_schedule("0 0 0 * *", Some((4, 1, "day-of-month 0 is out of range")));
    check_schedule("0 0 1 13 *", Some((6, 2, "month 13 is out of range")));
    check_schedule("0 0 * * 8", Some((8, 1, "day-of-week 8 is out of range")));
    check_schedule("*/0 * * * *", Some((2, 1, "the minute step 0 is out of range")));
    check_schedule("*/99 * * * *", Some((2, 2, "the minute step 99 is out of range")));
    check_schedule("5/10 * * * *", Some((0, 1, "`5/10` repeats a single minute")));
    check_schedule("0 17-9 * * *", Some((2, 4, "the hour range goes backwards")));
    check_schedule("0 0 * * MONDAY", Some((8, 6, "`MONDAY` is not a day-of-week")));
    check_schedule("0 0 * FOO *", Some((6, 3, "`FOO` is not a month")));
    check_schedule("x * * * *", Some((0, 1, "`x` is not a minute")));
    check_schedule("1, * * * *", Some((2, 0, "a minute is missing")));
    check_schedule("1-2-3 * * * *", Some((0, 5, "`1-2-3` has two `-`")));
    check_schedule("1/2/3 * * * *", Some((0, 5, "`1/2/3` has two `/`")));
    check_schedule("0 0 L * *", Some((4, 1, "`L` is not a day-of-month")));
    check_schedule("0 0 30 2 *", Some((4, 2, "day 30 never comes in this month")));
    check_schedule("0 0 31 4,6,9,11 *", Some((4, 2, "day 31 never comes in this month")));
    check_schedule("* * * *", Some((0, 7, "a schedule has 5 fields, this one has 4")));
    check_schedule("0 * * * * *", Some((0, 11, "a schedule has 5 fields, this one has 6")));
    check_schedule("@dayly", Some((0, 6, "unknown schedule `@dayly`")));
    check_schedule("@reboot", Some((0, 7, "unknown schedule `@reboot`")));
    check_schedule("@every 10", Some((7, 2, "`10` is not a duration")));
    check_schedule("@every 500ms", Some((7, 5, "`@every` is shorter than a second".trim())));
    check_schedule("@every", Some((0, 6, "`@every` needs a duration")));
    check_schedule("@every 400d", Some((7, 4, "`@every` is longer than 366 days")));
}

#[test]
fn trigger_fields_are_checked() {
    check("- { type: manual }", &[]);
    check("- { type: hook }", &["E114 4:11"]);
    check("- { id: x }", &["E103 4:5"]);
    check("- manual", &["E105 4:3"]);
    check("- { type: event, config: { event: a } }", &[]);
    check("- { type: event }", &["E103 4:11"]);
    check("- { type: event, config: { event: 'a*b' } }", &["E112 4:35"]);
    check("- { type: cron }", &["E103 4:11"]);
    check("- { type: cron, schedule: '@daily' }", &["E103 4:11", "E102 4:17"]);
    check("- { type: cron, config: { schedule: '@daily', timezone: Asia/Jeruslem } }", &["E118 4:57"]);
    check("- { type: cron, config: { schedule: '@daily', timezone: '' } }", &["E118 4:57"]);
    check("- { type: cron, config: { schedule: '@daily', enabled: false } }", &["E102 4:47"]);
    check("- { type: webhook, if: 'trigger.body.a == 1', inputs: { b: '{{ trigger.body.b }}' } }", &["E108 4:57"]);
    check("- { type: webhook, if: 'inputs.a == 1' }", &["E124 4:25"]);
    check("- { type: webhook, config: { auth: signature } }", &["E103 4:36"]);
    check("- { type: webhook, config: { signature: { scheme: stripe, secret: abc } } }", &["E105 4:67"]);
    check("- { type: webhook, config: { respond: result, respond_timeout: 2m } }", &["E115 4:64"]);
    check("- { type: webhook, config: { respond: later } }", &["E105 4:39"]);
    check("- { type: webhook, config: { methods: [FETCH] } }", &["E105 4:40"]);
    check("- { type: webhook, config: { auth: password } }", &["E105 4:36"]);
    check("- { type: webhook, config: { endpoint: a b } }", &["E112 4:40"]);
    check("- { type: webhook, config: { endpoint: ../x } }", &["E112 4:40"]);
    check("- { type: webhook, config: { endpoint: a, key: b } }", &["W202 4:43"]);
    check("- { type: webhook }\n- { type: webhook }", &["E104 5:3"]);
    check("- { id: x, type: manual }\n- { id: x, type: manual }", &["E104 5:9"]);
    check("- { type: manual, config: { any: thing } }", &["E101 4:29"]);
}

#[test]
fn the_rules_of_a_cron_trigger_are_checked() {
    let check = |rules: &str, expected: &[&str]| {
        check(&format!("- {{ type: cron, config: {{ schedule: '@daily', {rules} }} }}"), expected);
    };
    check("jitter: 2m", &[]);
    check("jitter: 24h", &[]);
    check("jitter: 25h", &["E115 4:55"]);
    check("jitter: 2 minutes", &["E110 4:55"]);
    check("jitter: '90'", &["E110 4:55"]);
    check("jitter: true", &["E105 4:55"]);
    for word in ["skip", "queue", "replace", "allow"] {
        check(&format!("overlap: {word}"), &[]);
    }
    check("overlap: cancel", &["E105 4:56"]);
    for word in ["latest", "none", "all"] {
        check(&format!("catch_up: {word}"), &[]);
    }
    check("catch_up: newest", &["E105 4:57"]);
    check("catch_up: false", &["E105 4:57"]);
    check("catch_up_window: 7d", &[]);
    check("catch_up_window: 0s", &["E110 4:64"]);
    check("catch_up_window: 400d", &["E115 4:64"]);
    check("catch_up: none, catch_up_window: 1h", &["W102 4:80"]);
    check("starts_at: 2026-11-24T18:00:00Z, ends_at: '2027-01-01T00:00:00+02:00'", &[]);
    check("starts_at: 2026-11-24T18:00:00", &["E110 4:58"]);
    check("starts_at: tomorrow", &["E110 4:58"]);
    check("starts_at: 5", &["E105 4:58"]);
    check("ends_at: 2026-02-30T00:00:00Z", &["E110 4:56"]);
    check("starts_at: 2026-11-24T18:00:00Z, ends_at: 2026-11-24T18:00:00Z", &["E115 4:89"]);
    check("starts_at: 2026-11-24T18:00:00Z, ends_at: 2026-11-24T19:00:00Z", &["E115 4:89"]);
    check("starts_at: 2026-11-24T18:00:00Z, ends_at: 2026-11-25T00:00:01Z", &[]);
    check("jiter: 2m", &["E101 4:47"]);
}

#[test]
fn the_rules_of_a_cron_trigger_have_defaults_and_are_read() {
    let rules = |config: &str| {
        let text = document(&format!("- {{ type: cron, config: {{ schedule: '@daily'{config} }} }}"));
        let definition = checked(&text).definition.expect("the document is right");
        let TriggerKind::Cron(cron) = &definition.triggers[0].kind else { panic!("it is a cron") };
        cron.rules.clone()
    };
    assert_eq!(rules(""), CronRules::default());
    assert_eq!(CronRules::default().catch_up_window, Duration::from_hours(24));
    let read =
        rules(", jitter: 90s, overlap: queue, catch_up: all, catch_up_window: 2h, ends_at: 2030-01-01T00:00:00Z");
    let expected = CronRules {
        jitter: Duration::from_secs(90),
        overlap: Overlap::Queue,
        catch_up: CatchUp::All,
        catch_up_window: Duration::from_hours(2),
        starts_at: None,
        ends_at: Some("2030-01-01T00:00:00Z".parse().expect("an instant")),
    };
    assert_eq!(read, expected);
    let stored = serde_json::to_value(&read).expect("they are stored as JSON");
    assert_eq!(stored["jitter"], "90s");
    assert_eq!(serde_json::from_value::<CronRules>(stored).expect("they are read again"), read);
}

#[test]
fn triggers_get_ids_and_endpoints() {
    let text = document(
        "- { type: cron, config: { schedule: '0 18 * * *', timezone: Asia/Jerusalem } }\n\
         - { type: cron, config: { schedule: '@daily' }, enabled: false }\n\
         - { type: webhook }\n\
         - { id: other, type: webhook, config: { path: /a/b/, auth: none } }",
    );
    let definition = checked(&text).definition.expect("the document is right");
    let ids: Vec<(&str, bool)> =
        definition.triggers.iter().map(|trigger| (trigger.id.as_str(), trigger.enabled)).collect();
    assert_eq!(ids, [("cron", true), ("cron-2", false), ("webhook", true), ("other", true)]);
    let endpoints: Vec<(&str, WebhookAuth)> = definition
        .triggers
        .iter()
        .filter_map(|trigger| match &trigger.kind {
            TriggerKind::Webhook(webhook) => Some((webhook.endpoint.as_str(), webhook.auth.clone())),
            TriggerKind::Cron(_) | TriggerKind::Event(_) | TriggerKind::Manual => None,
        })
        .collect();
    assert_eq!(endpoints, [("my-flow", WebhookAuth::ApiKey), ("a/b", WebhookAuth::None)]);
    let TriggerKind::Cron(cron) = &definition.triggers[0].kind else { panic!("the first is a cron") };
    assert_eq!((cron.schedule.as_str(), cron.timezone.as_str()), ("0 18 * * *", "Asia/Jerusalem"));
}
