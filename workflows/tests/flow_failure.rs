//! What happens when a step has failed for good, when the run takes too long, and when it is cancelled.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use std::time::Duration;

use build::{at, definition, fail, log, ret, value, wait_for, with_on_error, work};
use drive::{definite, drive, nothing};
use onward_workflows::{Definition, ErrorKind, RunStatus, StepStatus};
use serde_json::json;

#[test]
fn the_list_stops_and_the_run_fails() {
    let steps = vec![work("a", nothing()).needs(&[]), work("b", nothing()).needs(&[]), work("c", nothing())];
    let mut run = drive(definition(steps), nothing());
    run.finish("a", definite("no")).expect(&["run a#1", "run b#1", "record a#1 failed", "abandon b#1", "end failed"]);
    let error = run.error();
    assert_eq!((error.message.as_str(), error.step.as_deref(), error.attempt), ("no", Some("a"), Some(1)));
    assert_eq!(run.status("b"), StepStatus::Canceled);
    assert_eq!(run.status("c"), StepStatus::Canceled);
}

#[test]
fn what_would_only_be_computed_after_the_end_is_shown_as_never_begun() {
    let reads = json!("{{ steps.a.output.n }}");
    let after = vec![value("first", json!(1)), work("a", nothing()), value("b", reads), ret("c", json!(2))];
    let mut run = drive(definition(after), nothing());
    run.finish("a", definite("no")).expect(&["run a#1", "record a#1 failed", "end failed"]);
    for run in [&run, &run.again()] {
        assert_eq!(run.status("first"), StepStatus::Succeeded);
        assert_eq!(run.status("a"), StepStatus::Failed);
        for step in [run.step("b"), run.step("c")] {
            assert_eq!((step.status, step.error, step.started_at), (StepStatus::Canceled, None, None), "{}", step.path);
        }
    }
    let run = drive(definition(vec![value("a", json!(1)), ret("b", json!(2)), value("c", json!(3))]), nothing());
    let statuses = ["a", "b", "c"].map(|path| run.status(path));
    assert_eq!(statuses, [StepStatus::Succeeded, StepStatus::Succeeded, StepStatus::Canceled]);
}

#[test]
fn on_error_runs_and_cannot_make_the_run_succeed() {
    let tell = json!({
        "text": "{{ error.step }}: {{ error.message }} {{ run.status }} {{ steps.b.status }} {{ steps.ok.output.n }}",
        "same": "{{ run.error.kind }}"
    });
    let steps = vec![work("ok", nothing()), work("a", nothing()), work("b", nothing())];
    let mut run = drive(with_on_error(steps, vec![work("tell", tell), ret("never_mind", json!(1))]), nothing());
    run.done("ok", json!({"n": 3}));
    run.finish("a", definite("no"));
    run.expect(&["run ok#1", "record ok#1 succeeded", "run a#1", "record a#1 failed", "run tell#1"]);
    assert_eq!(run.config("tell"), &json!({"text": "a: no failed canceled 3", "same": "http"}));
    run.done("tell", json!(null)).expect(&["record tell#1 succeeded", "end failed"]);
    assert_eq!(run.error().message, "no");
}

#[test]
fn a_handler_that_fails_leaves_the_first_error() {
    let steps = with_on_error(vec![fail("a", "first", None)], vec![fail("b", "second", None), log("c", "x")]);
    let mut run = drive(steps, nothing());
    run.expect(&["end failed"]);
    assert_eq!(run.error().message, "first");
}

#[test]
fn a_sibling_that_is_being_recorded_still_counts() {
    let steps = vec![work("a", nothing()).needs(&[]), work("b", nothing()).needs(&[])];
    let handler = vec![work("tell", json!("{{ steps.b.status }}"))];
    let mut run = drive(with_on_error(steps, handler), nothing());
    run.held = Some(Vec::new());
    run.done("b", json!(1));
    run.finish("a", definite("no"));
    run.expect(&["run a#1", "run b#1", "record b#1 succeeded", "record a#1 failed"]);
    let mut held = run.held.take().unwrap();
    run.store(held.pop().unwrap());
    run.expect(&[]);
    run.store(held.pop().unwrap());
    run.expect(&["run tell#1"]);
    assert_eq!(run.config("tell"), &json!("succeeded"));
    assert_eq!(run.again().config("tell"), &json!("succeeded"));
}

#[test]
fn of_two_failures_the_earlier_one_is_the_runs_whatever_the_order_of_their_commits() {
    let steps = || definition(vec![work("a", nothing()).needs(&[]), work("b", nothing()).needs(&[])]);
    for first in ["a", "b"] {
        let mut run = drive(steps(), nothing());
        run.held = Some(Vec::new());
        run.now = at(1);
        run.finish("b", definite("b failed"));
        run.now = at(2);
        run.finish("a", definite("a failed"));
        let mut held = run.held.take().unwrap();
        held.sort_by_key(|checkpoint| checkpoint.path != first);
        for checkpoint in held {
            run.store(checkpoint);
        }
        assert_eq!(run.error().message, "b failed");
        assert_eq!(run.again().error().message, "b failed");
    }
}

#[test]
fn an_expression_that_fails_in_a_config_is_recorded_with_its_place() {
    let mut run = drive(definition(vec![work("a", json!({"x": "{{ inputs.nope }}"}))]), json!({"n": 1}));
    run.expect(&["record a#1 failed", "end failed"]);
    let error = run.error();
    assert_eq!(error.kind, ErrorKind::Expression);
    assert_eq!(error.message, "line 1, column 1: `inputs.nope` does not exist; found: n");
}

#[test]
fn an_expression_that_fails_in_a_computed_step_leaves_no_checkpoint() {
    for step in [value("a", json!("{{ inputs.nope }}")), work("a", nothing()).when("inputs.nope")] {
        let mut run = drive(definition(vec![step]), json!({"n": 1}));
        run.expect(&["end failed"]);
        assert_eq!(run.error().kind, ErrorKind::Expression);
        assert_eq!(run.again().error(), run.error());
    }
}

#[test]
fn a_run_that_takes_too_long_fails_and_tells() {
    let handler = vec![work("tell", json!("{{ error.kind }} {{ now() }}"))];
    let steps = vec![work("a", nothing()).needs(&[]), wait_for("b", json!("2h")).needs(&[])];
    let definition = Definition { timeout: Duration::from_hours(1), ..with_on_error(steps, handler) };
    let mut run = drive(definition, nothing());
    assert_eq!(run.flow.deadline(), at(3_600));
    run.time(3_599).expect(&["run a#1"]);
    run.time(3_600).expect(&["abandon a#1", "run tell#1"]);
    assert_eq!(run.flow.waits(), []);
    assert_eq!(run.config("tell"), &json!("timeout 2026-05-28T21:26:40.000Z"));
    let mut again = run.again();
    again.expect(&["run tell#1"]);
    assert_eq!(again.config("tell"), run.config("tell"));
    run.done("tell", json!(1)).expect(&["record tell#1 succeeded", "end failed"]);
    assert_eq!(run.error().kind, ErrorKind::Timeout);
}

#[test]
fn a_run_whose_last_checkpoint_is_stored_has_succeeded_however_late_that_is_noticed() {
    let definition = Definition { timeout: Duration::from_secs(10), ..definition(vec![work("a", nothing())]) };
    let mut run = drive(definition, nothing());
    run.held = Some(Vec::new());
    run.now = at(9);
    run.done("a", json!(1));
    run.time(11);
    let checkpoint = run.held.take().unwrap().remove(0);
    run.store(checkpoint);
    assert_eq!(run.output(), json!(1));
    assert_eq!(run.again().output(), json!(1));
}

#[test]
fn a_cancel_ends_the_run_without_on_error() {
    let steps = vec![work("a", nothing()).needs(&[]), wait_for("b", json!("1h")).needs(&[])];
    let mut run = drive(with_on_error(steps, vec![work("tell", nothing())]), nothing());
    run.cancel(false);
    run.expect(&["run a#1", "abandon a#1", "end canceled"]);
    let end = run.end.clone().unwrap();
    assert_eq!((end.status, end.output, end.error), (RunStatus::Canceled, None, None));
    assert_eq!(run.flow.waits(), []);
    assert_eq!(run.status("b"), StepStatus::Canceled);
    run.cancel(false);
    run.time(100_000).expect(&[]);
}

#[test]
fn a_cancel_also_stops_on_error() {
    let mut run = drive(with_on_error(vec![fail("a", "no", None)], vec![work("tell", nothing())]), nothing());
    run.cancel(false);
    run.expect(&["run tell#1", "abandon tell#1", "end canceled"]);
}

#[test]
fn an_output_that_cannot_be_rendered_or_kept_fails_the_run() {
    let mut definition = with_on_error(vec![value("a", json!(1))], vec![work("tell", json!("{{ error.kind }}"))]);
    definition.output = Some(build::template(&json!("{{ steps.a.output.x }}")));
    let mut run = drive(definition, nothing());
    assert_eq!(run.config("tell"), &json!("expression"));
    run.done("tell", json!(1));
    assert_eq!(run.error().kind, ErrorKind::Expression);

    let mut run = drive(build::definition(vec![work("a", nothing())]), nothing());
    run.done("a", json!("x".repeat((1 << 20) + 1)));
    assert_eq!(run.error().kind, ErrorKind::Limit);
}

#[test]
fn an_output_that_cannot_be_stored_fails_the_step_once() {
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    for output in [json!("x".repeat((10 << 20) + 1)), json!({"a": "\0"}), deep] {
        let mut run = drive(definition(vec![work("a", nothing()).repeats(5), log("b", "never")]), nothing());
        run.done("a", output).expect(&["run a#1", "record a#1 failed", "end failed"]);
        assert_eq!(run.error().kind, ErrorKind::Limit);
    }
    let mut run = drive(definition(vec![work("a", nothing()), log("b", "fine")]), nothing());
    run.done("a", json!("x".repeat(9 << 20)));
    assert_eq!(run.output(), json!(null));
}

#[test]
fn what_cannot_be_stored_is_taken_out_of_an_error() {
    let mut run = drive(definition(vec![work("a", nothing())]), nothing());
    let mut error = onward_workflows::StepError::new(ErrorKind::Http, format!("\0{}", "é".repeat(20_000)));
    error.details = Some(json!("\0"));
    run.finish("a", onward_workflows::Outcome::Failed(error));
    let error = run.error();
    assert!(error.message.starts_with('\u{fffd}') && error.message.ends_with('…') && error.message.len() < 17_000);
    assert_eq!(error.details, None);
}
