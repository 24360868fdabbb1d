//! What falls on one instant, or is known late: a flow that is resumed comes to the same as the one that wrote.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{at, block, definition, event, fail, parallel, value, work};
use drive::{Drive, definite, drive, nothing};
use onward_workflows::StepStatus;
use serde_json::json;

fn flying(run: &Drive) -> Vec<&str> {
    run.in_flight.iter().map(|step| step.path.as_str()).collect()
}

#[test]
fn a_block_that_fails_is_over_when_everything_given_up_in_it_is() {
    let steps = vec![
        parallel(
            "p",
            None,
            vec![
                block("slow", vec![work("x", nothing())]).finally(vec![work("tidy", nothing())]),
                fail("no", "at once", None),
            ],
        )
        .needs(&[]),
        work("q", nothing()).needs(&[]),
        block("r", vec![value("v", json!(1))]).finally(vec![work("last", nothing())]).needs(&["q"]),
    ];
    let mut run = drive(definition(steps), nothing());
    assert_eq!(flying(&run), ["tidy", "q"]);
    run.now = at(5);
    run.done("q", json!(1));
    assert_eq!(flying(&run), ["tidy", "last"]);
    run.now = at(8);
    run.done("tidy", json!(1));
    assert_eq!(flying(&run), ["last"], "`r` had its turn before anybody could know of the failure");
    assert_eq!(flying(&run.again()), ["last"]);
}

#[test]
fn a_deadline_counts_before_what_is_recorded_at_its_instant() {
    let steps = vec![
        event("e", "never", None, 5).needs(&[]),
        block("b", vec![work("x", nothing()).undone(), event("f", "never", None, 60)]).timeout(5).needs(&[]),
    ];
    let mut run = drive(definition(steps), nothing());
    run.done("x", json!(1)).time(5);
    assert_eq!((flying(&run), run.status("b")), (vec!["x~undo"], StepStatus::Running));
    let again = run.again();
    assert_eq!((flying(&again), again.status("b")), (vec!["x~undo"], StepStatus::Running));
}

#[test]
fn what_is_stored_late_counts_before_a_deadline_that_came_after_it() {
    let steps =
        vec![block("b", vec![event("e", "never", None, 60)]).timeout(5).needs(&[]), work("c", nothing()).needs(&[])];
    let mut run = drive(definition(steps), nothing());
    run.held = Some(Vec::new());
    run.now = at(4);
    run.finish("c", definite("no"));
    let checkpoint = run.held.take().expect("it is held up").remove(0);
    run.now = at(5);
    run.store(checkpoint);
    assert_eq!(run.status("b"), StepStatus::Canceled, "`c` had failed before the block's time was up");
    assert_eq!(run.again().status("b"), StepStatus::Canceled);
}
