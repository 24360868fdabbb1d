//! Undoing what had succeeded when a run or a block fails.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{block, definition, fail, parallel, raise, switch, value, with_on_error, work};
use drive::{Drive, ambiguous, definite, drive, nothing, retryable};
use onward_workflows::{ErrorKind, StepStatus};
use serde_json::json;

fn undone(id: &str) -> build::Draft {
    work(id, nothing()).undone()
}

/// Ends every attempt as soon as it is in flight; the paths of all that were begun.
fn succeed(run: &mut Drive) -> Vec<String> {
    let mut begun = Vec::new();
    while !run.in_flight.is_empty() {
        let path = run.in_flight[0].path.clone();
        run.now += std::time::Duration::from_secs(1);
        run.done(&path, json!(path.clone()));
        begun.push(path);
    }
    begun
}

#[test]
fn a_sequence_is_undone_in_reverse_with_the_outputs_at_hand() {
    let steps = vec![undone("a"), work("b", nothing()), undone("c"), work("d", nothing())];
    let tell = work("tell", json!({"undone": "{{ run.compensated }}", "status": "{{ run.status }}"}));
    let mut run = drive(with_on_error(steps, vec![tell]), nothing());
    run.all_done(&["a", "b", "c"]).finish("d", definite("no"));
    assert_eq!(run.asked.pop().unwrap(), "run c~undo#1");
    assert_eq!(run.config("c~undo"), &json!({"undo": "c"}));
    assert_eq!(run.step("c~undo").name, "undo c");
    run.asked.clear();
    run.done("c~undo", json!(1)).expect(&["record c~undo#1 succeeded", "run a~undo#1"]);
    run.done("a~undo", json!(1)).expect(&["record a~undo#1 succeeded", "run tell#1"]);
    assert_eq!(run.config("tell"), &json!({"undone": ["c", "a"], "status": "failed"}));
    assert_eq!(run.again().config("tell"), run.config("tell"));
    run.done("tell", json!(1));
    assert_eq!(run.error().message, "no");
    assert_eq!(run.end.unwrap().not_undone, Vec::<String>::new());
}

#[test]
fn what_ran_together_is_undone_together() {
    let both = parallel("both", None, vec![undone("a"), undone("b")]);
    let mut run = drive(definition(vec![undone("first"), both, fail("d", "no", None)]), nothing());
    run.all_done(&["first", "a", "b"]);
    let begun: Vec<_> = run.in_flight.iter().map(|run| run.path.clone()).collect();
    assert_eq!(begun, ["b~undo", "a~undo"]);
    run.done("a~undo", json!(1));
    assert_eq!(run.in_flight.len(), 1);
    run.done("b~undo", json!(1));
    assert_eq!(succeed(&mut run), ["first~undo"]);
}

#[test]
fn blocks_arms_items_and_handlers_that_are_over_are_undone_too() {
    let steps = vec![
        block("outer", vec![undone("a"), block("inner", vec![undone("b")])]),
        switch("choice", vec![(None, vec![undone("c")])]),
        undone("many").each(json!([1, 2])),
        work("broken", nothing()).handled_by(vec![undone("mend")]),
        fail("end", "no", None),
    ];
    let mut run = drive(definition(steps), nothing());
    run.all_done(&["a", "b", "c", "many[0]", "many[1]"]).finish("broken", definite("broken"));
    let begun = succeed(&mut run);
    assert_eq!(begun, ["mend", "mend~undo", "many[1]~undo", "many[0]~undo", "c~undo", "b~undo", "a~undo"]);
}

#[test]
fn a_block_undoes_before_its_handler_and_only_what_is_its_own() {
    let inner = vec![undone("b"), work("c", nothing())];
    let handler = vec![value("seen", json!("{{ run.compensated }}"))];
    let steps = vec![undone("a"), block("try", inner).handled_by(handler), work("after", nothing())];
    let mut run = drive(definition(steps), nothing());
    run.all_done(&["a", "b"]).finish("c", definite("no"));
    run.done("b~undo", json!(1));
    assert_eq!(run.asked.last().unwrap(), "run after#1");
    assert_eq!(run.step("try").output, Some(json!(["b"])));
    assert_eq!(run.again().step("try").output, Some(json!(["b"])));
    run.finish("after", definite("later"));
    assert_eq!(succeed(&mut run), ["a~undo"]);
}

#[test]
fn the_handler_of_an_undone_block_is_undone_by_what_encloses_it() {
    let try_it = block("try", vec![undone("a"), work("b", nothing())]).handled_by(vec![undone("mend")]);
    let mut run = drive(definition(vec![try_it, work("after", nothing())]), nothing());
    run.all_done(&["a"]).finish("b", definite("no")).all_done(&["a~undo", "mend"]);
    run.finish("after", definite("no"));
    assert_eq!(succeed(&mut run), ["mend~undo"]);
    assert_eq!(run.step("try").status, StepStatus::Failed);
}

#[test]
fn a_step_with_its_own_undo_and_steps_inside_is_undone_from_the_outside_in() {
    let steps = vec![block("all", vec![undone("a")]).undone(), fail("end", "no", None)];
    let mut run = drive(definition(steps), nothing());
    assert_eq!(succeed(&mut run), ["a", "all~undo", "a~undo"]);
}

#[test]
fn an_undo_is_tried_again_and_one_that_fails_for_good_is_told_while_the_rest_is_undone() {
    let steps = vec![undone("a"), undone("b"), fail("end", "no", None)];
    let mut run = drive(definition(steps), nothing());
    run.all_done(&["a", "b"]);
    run.asked.clear();
    run.finish("b~undo", retryable("busy")).expect(&["record b~undo#1 retrying"]);
    assert_eq!(run.status("b~undo"), StepStatus::Retrying);
    run.time(1).expect(&["run b~undo#2"]);
    run.finish("b~undo", definite("never")).expect(&["record b~undo#2 failed", "run a~undo#1"]);
    run.done("a~undo", json!(1));
    assert_eq!(run.end.as_ref().unwrap().not_undone, ["b"]);
    assert_eq!(run.again().end, run.end);
}

#[test]
fn an_undo_of_several_steps_runs_them_in_order() {
    let steps = vec![
        work("a", nothing()).undone_by(vec![work("x", json!("{{ output }}")), work("y", nothing())]),
        fail("end", "no", None),
    ];
    let mut run = drive(definition(steps), nothing());
    run.all_done(&["a"]);
    assert_eq!(run.config("x"), &json!("a"));
    assert_eq!(succeed(&mut run), ["x", "y"]);
}

#[test]
fn a_sibling_in_flight_is_waited_for_and_undone_if_it_succeeded() {
    for succeeds in [true, false] {
        let mut run = drive(definition(vec![parallel("p", None, vec![undone("a"), work("b", nothing())])]), nothing());
        run.finishes_abandoned = true;
        run.finish("b", definite("no")).expect(&["run a#1", "run b#1", "record b#1 failed", "abandon a#1"]);
        run.now = build::at(1);
        run.finish("a", if succeeds { onward_workflows::Outcome::Done(json!(7)) } else { definite("also") });
        if succeeds {
            assert_eq!(run.config("a~undo"), &json!({"undo": 7}));
            run.done("a~undo", json!(1));
        }
        assert_eq!(run.error().message, "no");
    }
}

#[test]
fn a_sibling_of_which_nobody_knows_is_undone() {
    let steps = || definition(vec![parallel("p", None, vec![undone("a"), work("b", nothing())])]);
    let mut run = drive(steps(), nothing());
    run.finish("a", ambiguous("no answer")).finish("b", definite("no"));
    assert_eq!(run.config("a~undo"), &json!({"undo": null}));
    assert_eq!(run.status("a"), StepStatus::Canceled);
    run.done("a~undo", json!(1));
    assert_eq!(run.error().message, "no");

    // Its worker was lost, and so was the answer.
    let mut run = drive(steps(), nothing());
    run.finishes_abandoned = true;
    run.finish("b", definite("no"));
    let mut later = run.crashed();
    later.expect(&["run a~undo#1"]);
    later.done("a~undo", json!(1));
    assert_eq!(later.error().message, "no");
}

#[test]
fn a_step_that_stays_ambiguous_is_undone_even_when_its_failure_is_handled() {
    let steps = vec![undone("a").handled_by(vec![work("mend", json!("{{ error.kind }}"))]), fail("end", "no", None)];
    let mut run = drive(definition(steps), nothing());
    run.finish("a", ambiguous("no answer")).time(7 * 24 * 3_600);
    run.expect(&["run a#1", "record a#1 ambiguous", "record a#2 failed", "run a~undo#1"]);
    run.done("a~undo", json!(1)).expect(&["record a~undo#1 succeeded", "run mend#1"]);
    assert_eq!(run.config("mend"), &json!("ambiguous"));
    run.done("mend", json!(1)).expect(&["record mend#1 succeeded", "end failed"]);
    assert_eq!(run.error().message, "no");
}

#[test]
fn what_was_skipped_failed_or_succeeded_is_undone_only_if_it_succeeded() {
    let steps = vec![
        undone("skipped").when("false"),
        undone("failed").goes_on(),
        undone("good"),
        work("bad", nothing()).handled_by(vec![raise("again")]),
    ];
    let mut run = drive(definition(steps), nothing());
    run.finish("failed", definite("handled")).done("good", json!(1)).finish("bad", definite("climbs"));
    assert_eq!(succeed(&mut run), ["good~undo"]);
    assert_eq!(run.error().message, "climbs");
}

#[test]
fn a_run_that_succeeds_undoes_nothing() {
    let mut run = drive(definition(vec![undone("a"), build::ret("r", json!(1))]), nothing());
    run.done("a", json!(1)).expect(&["run a#1", "record a#1 succeeded", "end succeeded"]);
}

#[test]
fn items_at_once_are_undone_at_once_newest_first() {
    let steps = vec![undone("i").foreach(json!([1, 2, 3]), 2, None), fail("end", "no", None)];
    let mut run = drive(definition(steps), nothing());
    run.all_done(&["i[0]", "i[1]", "i[2]"]);
    let paths = |run: &Drive| run.in_flight.iter().map(|run| run.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&run), ["i[2]~undo", "i[1]~undo"]);
    run.done("i[1]~undo", json!(1));
    assert_eq!(paths(&run), ["i[2]~undo", "i[0]~undo"]);
    succeed(&mut run);
    assert!(run.end.is_some());
}

#[test]
fn an_item_that_fails_undoes_itself_before_its_handler() {
    let item = block("i", vec![undone("a"), work("b", nothing())]);
    let steps = vec![item.each(json!([1, 2])).handled_by(vec![value("v", json!("{{ run.compensated }}"))])];
    let mut run = drive(definition(steps), nothing());
    run.done("i[0].a", json!(1)).finish("i[0].b", definite("no")).done("i[0].a~undo", json!(1));
    run.all_done(&["i[1].a", "i[1].b"]);
    assert_eq!(run.output(), json!([["i[0].a"], "i[1].b"]));
    assert_eq!(run.again().end, run.end);
}

#[test]
fn a_run_that_cannot_undo_in_time_tells_what_is_left() {
    let steps = vec![undone("a"), undone("b"), fail("end", "no", None)];
    let mut run = drive(build::with_ends(steps, vec![work("tell", nothing())], vec![work("f", nothing())]), nothing());
    run.all_done(&["a", "b"]);
    run.time(8 * 24 * 3_600);
    assert_eq!(run.asked.last().unwrap(), "run tell#1");
    run.all_done(&["tell", "f"]);
    assert_eq!(run.end.as_ref().unwrap().not_undone, ["a", "b"]);
    assert_eq!(run.error().kind, ErrorKind::Fail);
}
