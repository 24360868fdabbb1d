//! `on_error` and `finally`.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{block, definition, fail, raise, value, with_ends, work};
use drive::{definite, drive, nothing, retryable};
use onward_workflows::{RunStatus, StepStatus};
use serde_json::json;

#[test]
fn a_handler_takes_over_and_the_step_stays_failed() {
    let handler = vec![work("mend", json!({"why": "{{ error.message }}", "step": "{{ error.step }}"}))];
    let steps = vec![
        work("a", nothing()).handled_by(handler),
        value("v", json!({"s": "{{ steps.a.status }}", "o": "{{ steps.a.output }}"})),
    ];
    let mut run = drive(definition(steps), nothing());
    run.finish("a", definite("no")).expect(&["run a#1", "record a#1 failed", "run mend#1"]);
    assert_eq!(run.config("mend"), &json!({"why": "no", "step": "a"}));
    run.again().expect(&["run mend#1"]);
    run.done("mend", json!("mended"));
    assert_eq!(run.output(), json!({"s": "failed", "o": "mended"}));
    let step = run.step("a");
    assert_eq!((step.status, step.handled, step.error.unwrap().message.as_str()), (StepStatus::Failed, true, "no"));
}

#[test]
fn continue_goes_on_with_null() {
    let mut run =
        drive(definition(vec![work("a", nothing()).goes_on(), value("v", json!("{{ steps.a.output }}"))]), nothing());
    run.finish("a", definite("no"));
    assert_eq!(run.output(), json!(null));
}

#[test]
fn a_handler_comes_after_the_last_attempt() {
    let mut run =
        drive(definition(vec![work("a", nothing()).repeats(1).handled_by(vec![value("h", json!(1))])]), nothing());
    run.finish("a", retryable("busy")).time(1).finish("a", retryable("busy"));
    run.expect(&["run a#1", "record a#1 retrying", "run a#2", "record a#2 failed", "end succeeded"]);
}

#[test]
fn a_handler_can_raise_the_same_error_or_another_one() {
    for (last, message) in [(raise("again"), "no"), (fail("other", "worse", None), "worse")] {
        let mut run =
            drive(definition(vec![work("a", nothing()).handled_by(vec![value("h", json!(1)), last])]), nothing());
        run.finish("a", definite("no"));
        assert_eq!(run.error().message, message);
        assert!(!run.step("a").handled);
    }
}

#[test]
fn an_error_climbs_through_blocks_to_the_first_handler() {
    let inner = block("inner", vec![work("a", nothing()), work("never", nothing())]);
    let outer = block("outer", vec![inner, work("neither", nothing())]).handled_by(vec![work("mend", nothing())]);
    let mut run = drive(definition(vec![outer, work("after", nothing())]), nothing());
    run.finish("a", definite("no")).done("mend", json!(1));
    run.expect(&["run a#1", "record a#1 failed", "run mend#1", "record mend#1 succeeded", "run after#1"]);
    let statuses = ["inner", "a", "never", "neither"].map(|path| run.status(path));
    assert_eq!(statuses, [StepStatus::Failed, StepStatus::Failed, StepStatus::Canceled, StepStatus::Canceled]);
}

#[test]
fn finally_runs_after_the_body_and_after_the_handler() {
    for fails in [false, true] {
        let a = work("a", nothing()).handled_by(vec![work("h", nothing())]).finally(vec![work("f", nothing())]);
        let mut run = drive(definition(vec![a, work("after", nothing())]), nothing());
        if fails {
            run.finish("a", definite("no")).done("h", json!(1));
            run.expect(&["run a#1", "record a#1 failed", "run h#1", "record h#1 succeeded", "run f#1"]);
        } else {
            run.done("a", json!(1)).expect(&["run a#1", "record a#1 succeeded", "run f#1"]);
        }
        run.again().expect(&["run f#1"]);
        run.done("f", json!(1)).expect(&["record f#1 succeeded", "run after#1"]);
    }
}

#[test]
fn finally_runs_when_the_error_climbs_and_when_what_encloses_it_gives_up() {
    let unhandled = work("a", nothing()).finally(vec![work("f", json!("{{ error.message }}"))]);
    let mut run = drive(definition(vec![unhandled]), nothing());
    run.finish("a", definite("no"));
    assert_eq!(run.config("f"), &json!("no"));
    run.done("f", json!(1));
    assert_eq!(run.error().message, "no");

    let steps =
        vec![work("a", nothing()).finally(vec![work("f", nothing())]).needs(&[]), work("b", nothing()).needs(&[])];
    let mut run = drive(definition(steps), nothing());
    run.finish("b", definite("no")).expect(&["run a#1", "run b#1", "record b#1 failed", "abandon a#1", "run f#1"]);
    run.done("f", json!(1));
    assert_eq!(run.status("a"), StepStatus::Canceled);
}

#[test]
fn a_step_that_was_skipped_has_no_finally() {
    let steps = vec![work("a", nothing()).when("false").finally(vec![work("f", nothing())])];
    drive(definition(steps), nothing()).expect(&["end succeeded"]);
}

#[test]
fn a_finally_that_fails_fails_the_step_but_hides_no_earlier_error() {
    let a = || work("a", nothing()).undone().finally(vec![fail("f", "cleaning", None)]);
    let mut run = drive(definition(vec![a()]), nothing());
    run.done("a", json!(7));
    // It has happened, so it is undone.
    assert_eq!(run.config("a~undo"), &json!({"undo": 7}));
    run.done("a~undo", json!(1));
    assert_eq!(run.error().message, "cleaning");
    let mut run = drive(definition(vec![a()]), nothing());
    run.finish("a", definite("first"));
    assert_eq!(run.error().message, "first");
}

#[test]
fn the_documents_handler_and_finally_come_last_and_in_this_order() {
    let steps = || vec![work("a", nothing()).undone(), work("b", nothing())];
    let ends = || with_ends(steps(), vec![work("h", nothing())], vec![work("f", json!("{{ run.status }}"))]);
    let mut run = drive(ends(), nothing());
    run.done("a", json!(1)).finish("b", definite("no")).all_done(&["a~undo", "h"]);
    assert_eq!(run.config("f"), &json!("failed"));
    run.again().expect(&["run f#1"]);
    run.done("f", json!(1));
    assert_eq!(run.error().message, "no");

    let mut run = drive(ends(), nothing());
    run.all_done(&["a", "b"]);
    assert_eq!(run.config("f"), &json!("succeeded"));
    run.finish("f", definite("cleaning"));
    let end = run.end.unwrap();
    assert_eq!((end.status, end.error.unwrap().message.as_str()), (RunStatus::Failed, "cleaning"));
}
