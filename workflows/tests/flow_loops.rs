//! `foreach`: items one after the other or several at once, each with everything that a step can have.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use std::time::Instant;

use build::{block, definition, emit, ret, value, work};
use drive::{definite, drive, nothing, retryable};
use onward_workflows::{ErrorKind, LoopCounts, StepStatus};
use serde_json::{Value, json};

#[test]
fn items_run_one_after_the_other_and_give_a_list() {
    let config = json!({"item": "{{ item.n }}", "at": "{{ index }}"});
    let mut run = drive(definition(vec![work("each", config).each(json!([{"n": 7}, {"n": 8}]))]), nothing());
    assert_eq!(run.config("each[0]"), &json!({"item": 7, "at": 0}));
    run.expect(&["run each[0]#1"]);
    run.done("each[0]", json!("a")).expect(&["record each[0]#1 succeeded", "run each[1]#1"]);
    assert_eq!(run.config("each[1]"), &json!({"item": 8, "at": 1}));
    run.done("each[1]", json!("b"));
    assert_eq!(run.output(), json!(["a", "b"]));
}

#[test]
fn some_at_once_and_the_next_when_one_has_ended() {
    let each = work("e", json!("{{ now() }}")).foreach(json!([1, 2, 3, 4]), 2, None);
    let mut run = drive(definition(vec![each]), nothing());
    run.expect(&["run e[0]#1", "run e[1]#1"]);
    run.now = build::at(3);
    run.done("e[1]", json!(1)).expect(&["record e[1]#1 succeeded", "run e[2]#1"]);
    assert_eq!(run.config("e[2]"), &json!("2026-05-28T20:26:43.000Z"));
    run.now = build::at(5);
    run.done("e[0]", json!(0)).expect(&["record e[0]#1 succeeded", "run e[3]#1"]);
    let counts = run.step("e").items.unwrap();
    assert_eq!(counts, LoopCounts { total: 4, running: 2, succeeded: 2, ..LoopCounts::default() });
    assert_eq!(run.again().config("e[3]"), run.config("e[3]"));
    run.all_done(&["e[3]", "e[2]"]);
    assert_eq!(run.output(), json!([0, 1, "e[2]", "e[3]"]));
}

#[test]
fn a_batch_is_an_item() {
    let each = value("e", json!({"all": "{{ item }}", "at": "{{ index }}"})).foreach(json!([1, 2, 3]), 1, Some(2));
    let run = drive(definition(vec![each]), nothing());
    assert_eq!(run.output(), json!([{"all": [1, 2], "at": 0}, {"all": [3], "at": 1}]));
}

#[test]
fn an_empty_list_has_succeeded() {
    let steps = vec![work("e", nothing()).each(json!([])), value("v", json!("{{ steps.e }}"))];
    let run = drive(definition(steps), nothing());
    assert_eq!((run.status("e"), run.step("e").output), (StepStatus::Succeeded, Some(json!([]))));
    assert_eq!(run.output()["items"], json!([]));
}

#[test]
fn what_is_no_list_or_too_long_fails() {
    for (items, kind) in [
        (json!("{{ inputs.text }}"), ErrorKind::Config),
        (json!("{{ inputs.absent }}"), ErrorKind::Expression),
        (json!("{{ range(10001) | list }}"), ErrorKind::Limit),
    ] {
        let run = drive(definition(vec![work("e", nothing()).each(items)]), json!({"text": "x"}));
        assert_eq!(run.error().kind, kind);
    }
}

#[test]
fn every_field_is_the_items() {
    let each = work("e", nothing())
        .each(json!([1, 2, 3, 4]))
        .when("item != 2")
        .repeats(1)
        .gives(json!({"item": "{{ item }}", "got": "{{ output }}"}))
        .handled_by(vec![value("mend", json!("{{ item }}: {{ error.message }}"))])
        .finally(vec![work("last", json!("{{ item }}"))]);
    let steps = vec![each, value("seen", json!("{{ steps.e.items }}"))];
    let mut run = drive(definition(steps), nothing());
    run.done("e[0]", json!("x")).done("e[0].last", json!(1));
    run.expect(&[
        "run e[0]#1",
        "record e[0]#1 succeeded",
        "run e[0].last#1",
        "record e[0].last#1 succeeded",
        "run e[2]#1",
    ]);
    run.finish("e[2]", retryable("busy")).time(1).expect(&["record e[2]#1 retrying", "run e[2]#2"]);
    run.done("e[2]", json!("y")).done("e[2].last", json!(1));
    run.finish("e[3]", definite("no")).done("e[3].last", json!(1));
    let outputs = json!([{"item": 1, "got": "x"}, null, {"item": 3, "got": "y"}, "4: no"]);
    assert_eq!(run.step("e").output, Some(outputs));
    let seen = run.output();
    let words: Vec<_> = seen.as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(words, ["succeeded", "skipped", "succeeded", "failed"]);
    assert_eq!(
        (&seen[3]["error"]["message"], &seen[3]["output"], &seen[0]["error"]),
        (&json!("no"), &json!("4: no"), &Value::Null)
    );
    let counts = LoopCounts { total: 4, succeeded: 2, handled: 1, skipped: 1, ..LoopCounts::default() };
    assert_eq!(run.step("e").items, Some(counts));
    assert_eq!(run.again().end, run.end);
}

#[test]
fn going_on_past_bad_items_gives_null_for_them() {
    let mut run = drive(definition(vec![work("e", nothing()).each(json!([1, 2])).goes_on()]), nothing());
    run.finish("e[0]", definite("no")).done("e[1]", json!(1));
    assert_eq!(run.output(), json!([null, 1]));
}

#[test]
fn a_failing_item_stops_new_ones_and_lets_running_ones_end() {
    let steps = vec![work("e", nothing()).foreach(json!([1, 2, 3]), 2, None)];
    let mut run = drive(definition(steps), nothing());
    run.now = build::at(1);
    run.finish("e[0]", definite("no")).expect(&["run e[0]#1", "run e[1]#1", "record e[0]#1 failed"]);
    run.again().expect(&["run e[1]#1"]);
    run.now = build::at(2);
    run.done("e[1]", json!(1)).expect(&["record e[1]#1 succeeded", "end failed"]);
    assert_eq!((run.error().message, run.error().step.as_deref()), ("no".to_owned(), Some("e[0]")));
}

#[test]
fn the_steps_of_an_item_read_each_other_and_the_loops_around_them() {
    let inner = vec![
        value("a", json!("{{ outer_list.name }}")),
        value("b", json!("{{ steps.a.output }}-{{ item }}")).each(json!("{{ outer_list.rows }}")),
    ];
    let outer = block("all", inner).each(json!([{"name": "x", "rows": [1, 2]}, {"name": "y", "rows": [3]}]));
    let outer = outer.change(|step| step.foreach.as_mut().unwrap().name = "outer_list".to_owned());
    let mut run = drive(definition(vec![outer]), nothing());
    assert_eq!(run.output(), json!([["x-1", "x-2"], ["y-3"]]));
    run.expect(&["record all[0]#1 succeeded", "record all[1]#1 succeeded", "end succeeded"]);
}

#[test]
fn a_finished_item_is_not_gone_through_again() {
    let inner = vec![work("a", nothing()), emit("b", "done", "k", json!(1))];
    let mut run = drive(definition(vec![block("e", inner).each(json!([1, 2]))]), nothing());
    run.done("e[0].a", json!(1));
    // All that is below the row of the item may be missing.
    run.checkpoints.retain(|checkpoint| checkpoint.path == "e[0]");
    run.again().expect(&["run e[1].a#1"]);
}

#[test]
fn a_return_does_not_leave_the_loop_unfinished() {
    let steps = vec![block("e", vec![ret("r", json!(1))]).each(json!([1, 2]))];
    assert!(drive(definition(steps), nothing()).end.is_some());
}

#[test]
fn ten_thousand_items_are_quick() {
    let items = json!("{{ range(10000) | list }}");
    let began = Instant::now();
    let run = drive(definition(vec![value("e", json!("{{ item + 1 }}")).each(items.clone())]), nothing());
    assert_eq!(run.output()[9_999], json!(10_000));

    let steps = vec![work("e", nothing()).foreach(items, 100, None).undone(), build::fail("end", "no", None)];
    let mut run = drive(definition(steps), nothing());
    while let Some(path) = run.in_flight.first().map(|run| run.path.clone()) {
        run.now += std::time::Duration::from_millis(1);
        // The driver's own checks look at every checkpoint each time.
        let attempt = run.in_flight.remove(0).attempt;
        let outcome = onward_workflows::Outcome::Done(json!(1));
        let (started_at, finished_at) = (run.now, run.now);
        let told = onward_workflows::Event::Outcome { path: path.clone(), attempt, outcome, started_at, finished_at };
        let actions = run.flow.apply(told, run.now);
        assert_eq!(actions.len(), 1);
        for action in run.flow.apply(onward_workflows::Event::Committed { path, attempt }, run.now) {
            match action {
                onward_workflows::Action::Run(step) => run.in_flight.push(step),
                onward_workflows::Action::End(end) => run.end = Some(end),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(run.end.is_some());
    assert!(began.elapsed().as_secs() < if cfg!(debug_assertions) { 30 } else { 1 }, "{:?}", began.elapsed());
}
