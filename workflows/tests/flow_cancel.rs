//! Canceling a run.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{at, block, definition, fail, value, wait_for, with_ends, work};
use drive::{definite, drive, nothing};
use onward_workflows::{RunStatus, StepStatus};
use serde_json::json;

#[test]
fn nothing_begins_and_finally_runs() {
    let steps = vec![work("a", nothing()).needs(&[]), wait_for("w", json!("1h")).needs(&[]), work("never", nothing())];
    let mut run =
        drive(with_ends(steps, vec![work("h", nothing())], vec![work("f", json!("{{ run.status }}"))]), nothing());
    run.now = at(3);
    run.cancel(false).expect(&["run a#1", "abandon a#1", "run f#1"]);
    assert_eq!(run.config("f"), &json!("canceled"));
    run.again().expect(&["run f#1"]);
    run.done("f", json!(1)).expect(&["record f#1 succeeded", "end canceled"]);
    assert_eq!(["a", "w", "never"].map(|path| run.status(path)), [StepStatus::Canceled; 3]);
}

#[test]
fn finally_has_five_minutes() {
    let mut run = drive(with_ends(vec![work("a", nothing())], vec![], vec![work("f", nothing())]), nothing());
    run.now = at(10);
    run.cancel(false);
    assert_eq!(run.flow.deadline(), at(310));
    run.time(309).expect(&["run a#1", "abandon a#1", "run f#1"]);
    run.time(310).expect(&["end canceled"]);
}

#[test]
fn the_finally_of_a_step_has_five_minutes_too() {
    let steps = vec![work("a", nothing()).finally(vec![wait_for("f", json!("2d"))])];
    let mut run = drive(definition(steps), nothing());
    run.now = at(10);
    run.cancel(false).expect(&["run a#1", "abandon a#1"]);
    assert_eq!(run.flow.waits()[0].due_at, at(310));
    run.time(309).expect(&[]);
    run.time(310).expect(&["end canceled"]);
}

#[test]
fn what_had_succeeded_is_undone_only_when_asked() {
    for undo in [false, true] {
        let steps =
            vec![work("a", nothing()).undone(), block("b", vec![work("c", nothing()).undone(), work("d", nothing())])];
        let mut run = drive(with_ends(steps, vec![work("h", nothing())], vec![work("f", nothing())]), nothing());
        run.all_done(&["a", "c"]);
        run.asked.clear();
        run.cancel(undo);
        if undo {
            run.expect(&["abandon d#1", "run c~undo#1"]);
            run.again().expect(&["run c~undo#1"]);
            run.all_done(&["c~undo", "a~undo"]);
            run.expect(&["record c~undo#1 succeeded", "run a~undo#1", "record a~undo#1 succeeded", "run f#1"]);
        } else {
            run.expect(&["abandon d#1", "run f#1"]);
        }
        run.done("f", json!(1));
        assert_eq!(run.end.unwrap().status, RunStatus::Canceled);
    }
}

#[test]
fn what_is_in_flight_is_waited_for() {
    for (outcome, undone) in [(onward_workflows::Outcome::Done(json!(1)), true), (definite("no"), false)] {
        let mut run = drive(definition(vec![work("a", nothing()).undone(), value("v", json!(1))]), nothing());
        run.finishes_abandoned = true;
        run.now = at(1);
        run.cancel(true).expect(&["run a#1", "abandon a#1"]);
        run.now = at(2);
        run.finish("a", outcome);
        if undone {
            run.done("a~undo", json!(1));
        }
        assert_eq!(run.end.as_ref().unwrap().status, RunStatus::Canceled);
        assert_eq!(run.again().end, run.end);
    }
}

#[test]
fn a_run_whose_steps_were_all_over_has_succeeded() {
    let mut run = drive(definition(vec![work("a", nothing())]), nothing());
    run.finishes_abandoned = true;
    run.cancel(false);
    run.now = at(1);
    run.done("a", json!(1)).expect(&["run a#1", "abandon a#1", "record a#1 succeeded", "end succeeded"]);
}

#[test]
fn what_ran_before_its_owner_learned_of_the_cancel_is_undone_with_what_it_had_waited_for() {
    let steps =
        vec![work("a", nothing()).undone(), value("v", json!(1)), work("b", nothing()).undone(), work("c", nothing())];
    let mut run = drive(definition(steps), nothing());
    run.now = at(2);
    run.done("a", json!(1));
    run.now = at(3);
    run.done("b", json!(1));
    run.now = at(4);
    // It had been asked for while the first step was running.
    run.cancel = Some(onward_workflows::Cancel { at: at(1), undo: true });
    run.asked.clear();
    run.apply(onward_workflows::Event::Cancel { at: at(1), undo: true });
    run.expect(&["abandon c#1", "run b~undo#1"]);
    run.again().expect(&["run b~undo#1"]);
    run.all_done(&["b~undo", "a~undo"]);
    assert_eq!(run.end.unwrap().status, RunStatus::Canceled);
}

#[test]
fn a_cancel_while_a_run_is_undone_lets_the_undo_end_but_begins_no_handler() {
    let steps = vec![work("a", nothing()).undone(), fail("x", "no", None)];
    let mut run = drive(with_ends(steps, vec![work("h", nothing())], vec![work("f", nothing())]), nothing());
    run.done("a", json!(1));
    run.now = at(1);
    run.asked.clear();
    run.cancel(false).expect(&[]);
    run.now = at(2);
    run.done("a~undo", json!(1)).expect(&["record a~undo#1 succeeded", "run f#1"]);
    run.again().expect(&["run f#1"]);
}
