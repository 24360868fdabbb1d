//! Blocks, parallel blocks and `switch`: their order, output, repetition and time.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{at, block, definition, fail, parallel, ret, switch, value, work};
use drive::{definite, drive, nothing, retryable};
use onward_workflows::{ErrorKind, StepStatus, WaitKind};
use serde_json::json;

#[test]
fn a_block_runs_its_steps_in_order_and_gives_the_last_output() {
    let steps =
        vec![block("b", vec![work("x", nothing()), work("y", nothing())]), work("z", json!("{{ steps.b.output }}"))];
    let mut run = drive(definition(steps), nothing());
    run.expect(&["run x#1"]);
    run.done("x", json!(1)).expect(&["record x#1 succeeded", "run y#1"]);
    run.done("y", json!(2)).expect(&["record y#1 succeeded", "run z#1"]);
    assert_eq!(run.config("z"), &json!(2));
}

#[test]
fn a_block_can_shape_its_output() {
    let b = block("b", vec![value("x", json!({"n": 1}))])
        .gives(json!({"out": "{{ output.n }}", "x": "{{ steps.x.output }}"}));
    assert_eq!(drive(definition(vec![b]), nothing()).output(), json!({"out": 1, "x": {"n": 1}}));
}

#[test]
fn the_steps_of_a_parallel_block_start_together_and_give_a_map() {
    let mut run =
        drive(definition(vec![parallel("p", None, vec![work("x", nothing()), work("y", nothing())])]), nothing());
    run.expect(&["run x#1", "run y#1"]);
    run.all_done(&["y", "x"]);
    assert_eq!(run.output(), json!({"x": "x", "y": "y"}));
}

#[test]
fn a_parallel_block_with_a_number_runs_so_many_at_once_in_its_order() {
    let steps = ["a", "b", "c", "d"].map(|id| work(id, json!("{{ now() }}"))).into_iter().collect();
    let mut run = drive(definition(vec![parallel("p", Some(2), steps)]), nothing());
    run.expect(&["run a#1", "run b#1"]);
    run.now = at(2);
    run.done("b", json!(1)).expect(&["record b#1 succeeded", "run c#1"]);
    run.now = at(3);
    run.done("a", json!(1)).expect(&["record a#1 succeeded", "run d#1"]);
    assert_eq!(run.config("c"), &json!("2026-05-28T20:26:42.000Z"));
    assert_eq!(run.again().config("d"), run.config("d"));
}

#[test]
fn the_first_arm_whose_condition_holds_runs() {
    let arms = |n: i64| {
        let arms = vec![
            (Some("inputs.n > 5"), vec![value("big", json!("big"))]),
            (Some("inputs.n > 0"), vec![value("small", json!("small"))]),
        ];
        drive(
            definition(vec![
                switch("s", arms),
                value("v", json!({"s": "{{ steps.s.status }}", "o": "{{ steps.s.output }}"})),
            ]),
            json!({"n": n}),
        )
        .output()
    };
    assert_eq!(arms(9), json!({"s": "succeeded", "o": "big"}));
    assert_eq!(arms(3), json!({"s": "succeeded", "o": "small"}));
    assert_eq!(arms(0), json!({"s": "skipped", "o": null}));
}

#[test]
fn a_skipped_block_skips_what_is_inside() {
    let steps = vec![block("b", vec![work("x", nothing())]).when("false"), value("v", json!("{{ steps.x.output }}"))];
    assert_eq!(drive(definition(steps), nothing()).output(), json!(null));
}

#[test]
fn a_return_inside_blocks_ends_the_run() {
    let steps = vec![
        work("slow", nothing()).needs(&[]),
        block(
            "b",
            vec![switch("s", vec![(None, vec![work("x", nothing()), ret("r", json!("{{ steps.x.output }}"))])])],
        )
        .needs(&[]),
        work("never", nothing()),
    ];
    let mut run = drive(definition(steps), nothing());
    run.done("x", json!(5)).expect(&[
        "run slow#1",
        "run x#1",
        "record x#1 succeeded",
        "abandon slow#1",
        "end succeeded",
    ]);
    assert_eq!(run.output(), json!(5));
    assert_eq!(run.again().output(), json!(5));
}

#[test]
fn a_block_is_repeated_as_a_whole_under_new_paths() {
    let inner = vec![work("x", json!("{{ now() }}")).undone(), work("y", nothing())];
    let mut run = drive(definition(vec![block("b", inner).repeats(1), work("z", nothing())]), nothing());
    run.done("x", json!(1));
    run.asked.clear();
    run.finish("y", retryable("busy")).expect(&["record y#1 failed", "run x~undo#1"]);
    run.done("x~undo", json!(1)).expect(&["record x~undo#1 succeeded", "record b#1 retrying"]);
    assert_eq!((run.status("b"), &run.flow.waits()[0].kind), (StepStatus::Retrying, &WaitKind::Retry));
    run.time(1).expect(&["run b#2/x#1"]);
    assert_eq!(run.config("b#2/x"), &json!("2026-05-28T20:26:41.000Z"));
    assert_ne!(run.in_flight[0].idempotency_key, format!("{}/x", run.facts.run));
    run.again().expect(&["run b#2/x#1"]);
    run.all_done(&["b#2/x", "b#2/y"]).expect(&[
        "record b#2/x#1 succeeded",
        "run b#2/y#1",
        "record b#2/y#1 succeeded",
        "run z#1",
    ]);
    assert_eq!(run.step("b").attempts, 2);
    run.finish("z", definite("no"));
    assert_eq!(run.in_flight[0].path, "b#2/x~undo");
}

#[test]
fn an_undo_that_failed_in_an_earlier_attempt_of_a_block_is_told_at_the_end() {
    let inner = vec![work("x", nothing()).undone(), work("y", nothing())];
    let mut run =
        drive(definition(vec![block("b", inner).repeats(1), value("v", json!("{{ run.compensated }}"))]), nothing());
    run.done("x", json!(1)).finish("y", retryable("busy")).finish("x~undo", definite("never")).time(1);
    run.all_done(&["b#2/x", "b#2/y"]);
    assert_eq!(run.end.as_ref().unwrap().not_undone, ["x"]);
    assert_eq!(run.again().end, run.end);
}

#[test]
fn a_block_whose_error_is_not_to_be_repeated_or_has_used_up_its_attempts_fails() {
    let mut run = drive(definition(vec![block("b", vec![work("x", nothing())]).repeats(1)]), nothing());
    run.finish("x", definite("no")).expect(&["run x#1", "record x#1 failed", "end failed"]);
    let mut run = drive(definition(vec![block("b", vec![work("x", nothing())]).repeats(1)]), nothing());
    run.finish("x", retryable("busy")).time(1).finish("b#2/x", retryable("busy"));
    assert_eq!(run.error().step.as_deref(), Some("b#2/x"));
}

#[test]
fn a_block_that_takes_too_long_gives_up_what_is_inside() {
    let mut run = drive(
        definition(vec![block("b", vec![work("x", nothing())]).timeout(10).goes_on(), work("z", nothing())]),
        nothing(),
    );
    assert_eq!(run.flow.waits()[0].due_at, at(10));
    run.time(9).expect(&["run x#1"]);
    run.time(12).expect(&["abandon x#1", "run z#1"]);
    assert_eq!(run.step("b").error.unwrap().kind, ErrorKind::Timeout);
    run.again().expect(&["run z#1"]);
}

#[test]
fn what_was_over_in_time_counts_whenever_that_becomes_known() {
    let mut run = drive(definition(vec![block("b", vec![work("x", nothing())]).timeout(10)]), nothing());
    run.held = Some(Vec::new());
    run.now = at(9);
    run.done("x", json!(1)).time(11);
    let checkpoint = run.held.take().unwrap().remove(0);
    run.store(checkpoint);
    assert_eq!(run.output(), json!(1));
    assert_eq!(run.again().output(), json!(1));
}

#[test]
fn of_a_block_that_was_given_up_what_had_succeeded_is_shown() {
    let steps = vec![block("b", vec![value("x", json!(1)), work("y", nothing())]), work("z", nothing())];
    let steps = steps.into_iter().map(|step| step.needs(&[])).collect();
    let mut run = drive(definition(steps), nothing());
    run.finish("z", definite("no"));
    assert_eq!(
        ["b", "x", "y"].map(|path| run.status(path)),
        [StepStatus::Canceled, StepStatus::Succeeded, StepStatus::Canceled]
    );
}

#[test]
fn a_run_executes_a_hundred_thousand_steps_and_then_still_cleans_up() {
    let inner = (0..11).map(|n| value(&format!("v{n}"), json!(n))).collect();
    let many = parallel("many", None, inner).foreach(json!("{{ range(9999) | list }}"), 10_000, None);
    let steps = vec![work("first", nothing()).undone(), many];
    let mut run = drive(definition(steps), nothing());
    run.done("first", json!(1));
    assert_eq!(run.in_flight[0].path, "first~undo");
    run.done("first~undo", json!(1));
    assert_eq!(run.error().kind, ErrorKind::Limit);
}

#[test]
fn a_failure_inside_climbs_with_its_own_name() {
    let run =
        drive(definition(vec![block("outer", vec![block("inner", vec![fail("x", "no", Some("code"))])])]), nothing());
    assert_eq!((run.error().step.as_deref(), run.error().code.as_deref()), (Some("x"), Some("code")));
}
