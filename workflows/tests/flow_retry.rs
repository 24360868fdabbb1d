//! Repeated attempts, waits, and attempts of which nobody knows whether they happened.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use std::time::Duration;

use build::{at, definition, expression, log, no_retry, value, wait_for, wait_until, work};
use drive::{ambiguous, definite, drive, nothing, resume, retryable, settled};
use onward_workflows::{Backoff, CheckpointStatus, ErrorKind, Outcome, Retry, StepError, StepStatus, Wait, WaitKind};
use serde_json::json;

/// Seconds between the attempts of a step that always fails retryably.
fn pauses(retry: Retry) -> Vec<i64> {
    let mut run = drive(definition(vec![work("a", nothing()).retry(retry)]), nothing());
    let mut pauses = Vec::new();
    loop {
        run.finish("a", retryable("busy"));
        let Some(wait) = run.flow.waits().first().cloned() else { return pauses };
        assert_eq!(wait.kind, WaitKind::Retry);
        pauses.push((wait.due_at - run.now).num_seconds());
        run.now = wait.due_at;
        run.apply(onward_workflows::Event::Time);
    }
}

#[test]
fn pauses_grow_as_asked() {
    let retry = |backoff| Retry { max: 5, backoff, max_delay: Duration::from_secs(10), ..no_retry() };
    assert_eq!(pauses(retry(Backoff::Exponential)), [1, 2, 4, 8, 10]);
    assert_eq!(pauses(retry(Backoff::Linear)), [1, 2, 3, 4, 5]);
    assert_eq!(pauses(retry(Backoff::Constant)), [1, 1, 1, 1, 1]);
    assert_eq!(pauses(Retry { within: Some(Duration::from_secs(8)), ..retry(Backoff::Exponential) }), [1, 2, 4]);
    assert_eq!(pauses(Retry { max: 40, ..retry(Backoff::Exponential) }).len(), 40);
}

#[test]
fn an_attempt_is_repeated_after_its_pause_and_not_before() {
    let mut run = drive(definition(vec![work("a", nothing()).repeats(2)]), nothing());
    run.finish("a", retryable("busy")).expect(&["run a#1", "record a#1 retrying"]);
    assert_eq!(run.status("a"), StepStatus::Retrying);
    run.now = at(0);
    run.apply(onward_workflows::Event::Time);
    run.expect(&[]);
    run.time(1).expect(&["run a#2"]);
    run.finish("a", retryable("busy")).time(3).expect(&["record a#2 retrying", "run a#3"]);
    run.finish("a", retryable("busy")).expect(&["record a#3 failed", "end failed"]);
    assert_eq!(run.error().attempt, Some(3));
}

#[test]
fn an_error_that_is_not_retryable_is_not_repeated() {
    let mut run = drive(definition(vec![work("a", nothing()).repeats(2)]), nothing());
    run.finish("a", definite("bad request")).expect(&["run a#1", "record a#1 failed", "end failed"]);
}

#[test]
fn a_condition_decides_over_the_error() {
    let retry = || Retry { max: 3, condition: Some(expression("error.status == 404")), ..no_retry() };
    let outcome = |status| Outcome::Failed(StepError { status, ..StepError::new(ErrorKind::Http, "x") });
    let mut run = drive(definition(vec![work("a", nothing()).retry(retry())]), nothing());
    run.finish("a", outcome(Some(404))).time(1).expect(&["run a#1", "record a#1 retrying", "run a#2"]);
    run.finish("a", outcome(None)).expect(&["record a#2 failed", "end failed"]);

    let broken = Retry { condition: Some(expression("error.details.x == 1")), ..retry() };
    let mut run = drive(definition(vec![work("a", nothing()).retry(broken)]), nothing());
    run.finish("a", outcome(Some(404)));
    let error = run.error();
    assert_eq!(error.kind, ErrorKind::Expression);
    assert!(error.message.ends_with("the attempt had failed with: x"), "{}", error.message);
}

#[test]
fn the_pause_that_was_asked_for_wins_when_it_is_longer() {
    let asked = |ms| {
        Outcome::Failed(StepError { retry_after_ms: Some(ms), ..StepError::new(ErrorKind::Http, "x") }.retryable())
    };
    for (ms, due) in [(60_000, 60), (100, 1)] {
        let mut run = drive(definition(vec![work("a", nothing()).repeats(1)]), nothing());
        run.finish("a", asked(ms));
        assert_eq!(run.flow.waits()[0].due_at, at(due));
    }
}

#[test]
fn jitter_is_below_the_pause_and_the_same_everywhere() {
    let retry = || Retry {
        max: 1,
        jitter: true,
        delay: Duration::from_secs(1_000),
        max_delay: Duration::from_secs(1_000),
        ..no_retry()
    };
    let due = |id: &str| {
        let mut run = drive(definition(vec![work(id, nothing()).retry(retry())]), nothing());
        run.finish(id, retryable("busy"));
        let due_at = run.flow.waits()[0].due_at;
        assert_eq!(run.again().flow.waits()[0].due_at, due_at);
        assert!(due_at >= at(0) && due_at <= at(1_000));
        due_at
    };
    assert_ne!(due("a"), due("b"));
}

#[test]
fn every_attempt_sends_the_same_bytes_under_the_same_key() {
    let config = json!({"at": "{{ now() }}", "id": "{{ uuid() }}", "second": "{{ uuid('x') }}"});
    let steps = vec![work("first", nothing()), work("a", config).repeats(1)];
    let mut run = drive(definition(steps), nothing());
    run.now = at(5);
    run.done("first", json!(1));
    let (config, key) = (run.config("a").clone(), run.in_flight[0].idempotency_key.clone());
    assert_eq!(config["at"], json!("2026-05-28T20:26:45.000Z"));
    assert_ne!(config["id"], config["second"]);
    assert_eq!(key, format!("{}/a", run.facts.run));
    run.now = at(7);
    assert_eq!(run.again().config("a"), &config);
    run.finish("a", retryable("busy")).time(60);
    assert_eq!((run.config("a"), run.in_flight[0].attempt), (&config, 2));
    assert_eq!(run.in_flight[0].idempotency_key, key);
}

#[test]
fn a_wait_ends_at_its_time_counted_from_its_turn() {
    let mut run = drive(definition(vec![work("a", nothing()), wait_for("w", json!("1m")), log("b", "x")]), nothing());
    run.now = at(10);
    run.done("a", json!(1)).expect(&["run a#1", "record a#1 succeeded"]);
    let wait = Wait { path: "w".to_owned(), attempt: 1, kind: WaitKind::Timer, due_at: at(70) };
    assert_eq!(run.flow.waits(), std::slice::from_ref(&wait));
    assert_eq!(run.step("w").waits_until, Some(at(70)));
    run.now = at(40);
    assert_eq!(run.again().flow.waits(), [wait]);
    run.time(69).expect(&[]);
    run.time(71).expect(&["record w#1 succeeded", "record b#1 succeeded", "end succeeded"]);
    assert_eq!(run.step("w").output, Some(json!({"waited_ms": 61_000})));
}

#[test]
fn a_wait_takes_milliseconds_templates_and_instants() {
    for (step, due) in [
        (wait_for("w", json!(1_500)), at(0) + Duration::from_millis(1_500)),
        (wait_for("w", json!("{{ inputs.pause }}")), at(120)),
        (wait_until("w", "2026-05-28T22:26:45+02:00"), at(5)),
    ] {
        let run = drive(definition(vec![step]), json!({"pause": "2m"}));
        assert_eq!(run.flow.waits()[0].due_at, due);
    }
    for step in [wait_for("w", json!(0)), wait_until("w", "2020-01-01T00:00:00Z")] {
        drive(definition(vec![step]), nothing()).expect(&["record w#1 succeeded", "end succeeded"]);
    }
}

#[test]
fn a_wait_that_makes_no_sense_fails() {
    for step in [
        wait_for("w", json!("soon")),
        wait_for("w", json!(-1)),
        wait_for("w", json!("400d")),
        wait_until("w", "tomorrow"),
        wait_until("w", "2099-01-01T00:00:00Z"),
    ] {
        let mut run = drive(definition(vec![step]), nothing());
        run.expect(&["record w#1 failed", "end failed"]);
        assert_eq!(run.error().kind, ErrorKind::Config);
    }
}

#[test]
fn an_ambiguous_step_waits_for_a_person_and_fails_in_the_end() {
    let week = 7 * 24 * 3_600;
    let mut run = drive(definition(vec![work("a", nothing()).repeats(3), log("b", "x")]), nothing());
    run.finish("a", ambiguous("no answer")).expect(&["run a#1", "record a#1 ambiguous"]);
    assert_eq!(run.status("a"), StepStatus::Ambiguous);
    assert_eq!(
        run.flow.waits()[0],
        Wait { path: "a".to_owned(), attempt: 1, kind: WaitKind::Person, due_at: at(week) }
    );
    run.time(week - 1).expect(&[]);
    run.time(week).expect(&["record a#2 failed", "end failed"]);
    assert_eq!(run.error().kind, ErrorKind::Ambiguous);
    assert!(run.error().message.ends_with(": no answer"));
}

#[test]
fn a_person_settles_an_ambiguous_step() {
    let steps = || definition(vec![work("a", nothing()), value("b", json!({"got": "{{ steps.a.output }}"}))]);
    let mut run = drive(steps(), nothing());
    run.finish("a", ambiguous("no answer"));
    for (status, output, asked) in [
        (CheckpointStatus::Succeeded, Some(json!("seen")), "end succeeded"),
        (CheckpointStatus::Skipped, None, "end succeeded"),
        (CheckpointStatus::Retrying, None, "run a#3"),
    ] {
        let mut checkpoints = run.checkpoints.clone();
        checkpoints.push(settled("a", 2, status, output.clone(), 50));
        let mut later = resume(run.definition.clone(), run.facts.clone(), checkpoints, Vec::new(), at(50));
        later.expect(&[asked]);
        if asked == "end succeeded" {
            assert_eq!(later.output(), json!({"got": output}));
        }
    }
}

#[test]
fn an_announced_attempt_without_a_checkpoint_is_ambiguous() {
    let steps = || definition(vec![work("a", nothing()), work("b", nothing())]);
    let mut run = drive(steps(), nothing());
    run.done("a", json!(1));
    let unanswered = vec![("b".to_owned(), 1), ("a".to_owned(), 1), ("gone".to_owned(), 1)];
    let mut later = resume(run.definition.clone(), run.facts.clone(), run.checkpoints.clone(), unanswered, at(20));
    later.expect(&["record b#1 ambiguous"]);
    assert_eq!(later.flow.waits()[0].kind, WaitKind::Person);
    later.again().expect(&[]);
}

#[test]
fn an_announced_repetition_is_ambiguous_too() {
    let mut run = drive(definition(vec![work("a", nothing()).repeats(2)]), nothing());
    run.finish("a", retryable("busy"));
    let unanswered = vec![("a".to_owned(), 2)];
    let mut later = resume(run.definition.clone(), run.facts.clone(), run.checkpoints.clone(), unanswered, at(20));
    later.expect(&["record a#2 ambiguous"]);
}

#[test]
fn attempts_are_counted_over_crashes() {
    let mut run = drive(definition(vec![work("a", nothing()).repeats(1)]), nothing());
    run.finish("a", retryable("busy"));
    let mut later = run.again();
    later.expect(&[]);
    later.time(1).expect(&["run a#2"]);
    later.finish("a", retryable("busy")).expect(&["record a#2 failed", "end failed"]);
}

#[test]
fn the_time_of_all_attempts_is_counted_from_the_first_one_over_crashes() {
    let retry = Retry { max: 9, backoff: Backoff::Constant, within: Some(Duration::from_secs(10)), ..no_retry() };
    let mut run = drive(definition(vec![work("a", nothing()).retry(retry)]), nothing());
    run.finish("a", retryable("busy")).time(5).finish("a", retryable("busy"));
    // Whatever order the store gives them in.
    let checkpoints = run.checkpoints.iter().rev().cloned().collect();
    let mut later = resume(run.definition.clone(), run.facts.clone(), checkpoints, Vec::new(), at(9));
    later.expect(&["run a#3"]);
    later.time(10).finish("a", retryable("busy")).expect(&["record a#3 failed", "end failed"]);
}
