//! Which step follows which.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{definition, fail, log, ret, value, work};
use drive::{definite, drive, nothing};
use onward_workflows::StepStatus;
use serde_json::json;

#[test]
fn steps_run_one_after_the_other() {
    let mut run = drive(definition(vec![work("a", nothing()), work("b", nothing())]), nothing());
    run.expect(&["run a#1"]);
    run.done("a", json!(1)).expect(&["record a#1 succeeded", "run b#1"]);
    run.done("b", json!({"x": 2})).expect(&["record b#1 succeeded", "end succeeded"]);
    assert_eq!(run.output(), json!({"x": 2}));
}

#[test]
fn steps_that_need_nothing_of_each_other_run_together() {
    let steps = vec![
        work("a", nothing()).needs(&[]),
        work("b", nothing()).needs(&[]),
        work("c", nothing()).needs(&["a"]),
        work("d", nothing()),
    ];
    let mut run = drive(definition(steps), nothing());
    run.expect(&["run a#1", "run b#1"]);
    run.done("a", json!(1)).expect(&["record a#1 succeeded", "run c#1"]);
    run.done("c", json!(1)).expect(&["record c#1 succeeded"]);
    run.done("b", json!(1)).expect(&["record b#1 succeeded", "run d#1"]);
}

#[test]
fn what_follows_waits_until_the_checkpoint_is_stored() {
    let mut run = drive(definition(vec![work("a", nothing()), work("b", nothing())]), nothing());
    run.held = Some(Vec::new());
    run.done("a", json!(1)).expect(&["run a#1", "record a#1 succeeded"]);
    run.time(5).expect(&[]);
    assert_eq!(run.status("a"), StepStatus::Running);
    let checkpoint = run.held.take().unwrap().remove(0);
    run.store(checkpoint);
    run.expect(&["run b#1"]);
    assert_eq!(run.status("a"), StepStatus::Succeeded);
}

#[test]
fn a_skipped_step_leaves_no_checkpoint_and_does_not_spread() {
    let steps = vec![
        work("a", nothing()).when("inputs.go"),
        work("b", json!({"a": "{{ steps.a.output }}", "status": "{{ steps.a.status }}"})),
    ];
    let mut run = drive(definition(steps), json!({"go": false}));
    run.expect(&["run b#1"]);
    assert_eq!(run.config("b"), &json!({"a": null, "status": "skipped"}));
    assert_eq!(run.status("a"), StepStatus::Skipped);
    run.done("b", json!(1));
    assert_eq!(run.checkpoints.len(), 1);
}

#[test]
fn computed_steps_take_no_round_trip() {
    let steps = vec![
        value("double", json!({"n": "{{ inputs.n * 2 }}"})),
        value("more", json!("{{ steps.double.output.n + 1 }}")),
    ];
    let mut run = drive(definition(steps), json!({"n": 4}));
    run.expect(&["end succeeded"]);
    assert_eq!(run.output(), json!(9));
}

#[test]
fn a_line_is_logged_and_recorded() {
    let mut run = drive(definition(vec![log("hello", "Hi {{ inputs.name }}")]), json!({"name": "Noa"}));
    run.expect(&["record hello#1 succeeded", "end succeeded"]);
    assert_eq!(run.lines[0].message, "Hi Noa");
    assert_eq!(run.output(), json!(null));
}

#[test]
fn a_return_ends_the_run_and_gives_up_what_is_in_flight() {
    let steps = vec![
        work("slow", nothing()).needs(&[]),
        work("fast", nothing()).needs(&[]),
        ret("enough", json!({"was": "{{ steps.fast.output }}"})).needs(&["fast"]),
        work("never", nothing()),
    ];
    let mut run = drive(definition(steps), nothing());
    run.expect(&["run slow#1", "run fast#1"]);
    run.done("fast", json!(7)).expect(&["record fast#1 succeeded", "abandon slow#1", "end succeeded"]);
    assert_eq!(run.output(), json!({"was": 7}));
    assert_eq!(run.status("slow"), StepStatus::Canceled);
    assert_eq!(run.status("never"), StepStatus::Canceled);
    assert_eq!(run.again().output(), json!({"was": 7}));
}

#[test]
fn a_return_whose_condition_is_false_returns_nothing() {
    let steps = vec![ret("early", json!(1)).when("inputs.n > 5"), value("late", json!(2))];
    assert_eq!(drive(definition(steps), json!({"n": 1})).output(), json!(2));
}

#[test]
fn the_outcome_of_an_attempt_that_is_not_in_flight_is_not_wanted() {
    let mut run = drive(definition(vec![work("a", nothing()), work("b", nothing())]), nothing());
    let stale = |attempt| onward_workflows::Event::Outcome {
        path: "a".to_owned(),
        attempt,
        outcome: onward_workflows::Outcome::Done(json!("stale")),
        started_at: build::at(0),
        finished_at: build::at(0),
    };
    run.apply(stale(2));
    run.expect(&["run a#1"]);
    run.done("a", json!("real"));
    run.apply(stale(1));
    run.expect(&["record a#1 succeeded", "run b#1"]);
    assert_eq!(run.step("a").output, Some(json!("real")));
}

#[test]
fn a_repeated_commit_changes_nothing() {
    let mut run = drive(definition(vec![work("a", nothing()), work("b", nothing())]), nothing());
    run.done("a", json!(1)).expect(&["run a#1", "record a#1 succeeded", "run b#1"]);
    for (path, attempt) in [("a", 1), ("a", 2), ("b", 1), ("nobody", 1)] {
        run.apply(onward_workflows::Event::Committed { path: path.to_owned(), attempt });
    }
    run.expect(&[]);
}

#[test]
fn the_output_of_a_document_is_rendered_at_the_end() {
    let mut definition = definition(vec![work("a", nothing()), log("done", "done")]);
    definition.output = Some(build::template(&json!({"id": "{{ steps.a.output.id }}"})));
    let mut run = drive(definition, nothing());
    run.done("a", json!({"id": 5}));
    assert_eq!(run.output(), json!({"id": 5}));
}

#[test]
fn a_fail_step_fails_the_run_with_its_words() {
    let steps = vec![fail("no", "order {{ inputs.id }} is closed", Some("closed"))];
    let run = drive(definition(steps), json!({"id": 5}));
    let error = run.error();
    assert_eq!(error.message, "order 5 is closed");
    assert_eq!(error.code.as_deref(), Some("closed"));
    assert_eq!(error.step.as_deref(), Some("no"));
    assert!(run.checkpoints.is_empty());
}

#[test]
fn a_handled_failure_counts_as_over() {
    let steps = vec![
        work("a", nothing()).goes_on(),
        work("b", json!({"output": "{{ steps.a.output }}", "why": "{{ steps.a.error.message }}"})),
    ];
    let mut run = drive(definition(steps), nothing());
    run.finish("a", definite("no")).expect(&["run a#1", "record a#1 failed", "run b#1"]);
    assert_eq!(run.config("b"), &json!({"output": null, "why": "no"}));
    assert_eq!(run.status("a"), StepStatus::Failed);
    run.done("b", json!(1));
    assert_eq!(run.output(), json!(1));
}
