//! Waiting for events and for children, emitting and calling.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{call, definition, emit, event, parallel, value, work};
use drive::{definite, drive, nothing};
use onward_workflows::{CallMode, ErrorKind, RunStatus, StepStatus, WaitKind};
use serde_json::json;

#[test]
fn an_event_ends_its_wait_and_is_the_output() {
    let mut run = drive(definition(vec![event("w", "paid", None, 60)]), nothing());
    assert!(matches!(&run.flow.waits()[0].kind, WaitKind::Event(wait) if wait.names == ["paid"]));
    assert_eq!(run.status("w"), StepStatus::Waiting);
    run.deliver("other", json!(1)).expect(&[]);
    run.now = build::at(5);
    run.deliver("paid", json!({"sum": 3}));
    let output = run.output();
    assert_eq!(
        (&output["name"], &output["data"], &output["id"]),
        (&json!("paid"), &json!({"sum": 3}), &json!("evt_1"))
    );
}

#[test]
fn a_wait_looks_back_to_the_start_of_the_run_or_as_far_as_it_says() {
    let waits = |since: Option<&str>| {
        let since = since.map(|since| build::template(&json!(since)));
        event("w", "paid", None, 60).change(|step| {
            if let onward_workflows::Body::WaitForEvent(pattern) = &mut step.body {
                pattern.since = since;
            }
        })
    };
    for (since, early_counts) in [(None, true), (Some("2026-05-28T20:26:50Z"), false)] {
        let mut run = drive(definition(vec![work("a", nothing()), waits(since)]), nothing());
        run.now = build::at(1);
        run.deliver("paid", json!(1));
        run.now = build::at(20);
        run.done("a", json!(1));
        assert_eq!(run.end.is_some(), early_counts);
    }
}

#[test]
fn a_run_consumes_an_event_once() {
    for shaped in [false, true] {
        let wait = |id| {
            if shaped {
                event(id, "paid", None, 60).gives(json!("{{ output.data }}"))
            } else {
                event(id, "paid", None, 60)
            }
        };
        let mut run = drive(definition(vec![wait("first"), wait("second")]), nothing());
        run.deliver("paid", json!(1)).expect(&["record first#1 succeeded"]);
        run.again().expect(&[]);
        run.deliver("paid", json!(2)).expect(&["record second#1 succeeded", "end succeeded"]);
        let output = run.output();
        assert_eq!(if shaped { output } else { output["data"].clone() }, json!(2));
    }
}

#[test]
fn two_waits_at_once_take_two_events() {
    let steps = vec![parallel("p", None, vec![event("a", "x", None, 60), event("b", "x", None, 60)])];
    let mut run = drive(definition(steps), nothing());
    run.deliver("x", json!(1)).expect(&["record a#1 succeeded"]);
    run.deliver("x", json!(2)).expect(&["record b#1 succeeded", "end succeeded"]);
}

#[test]
fn only_an_event_that_fits_counts_and_one_that_lacks_what_is_read_is_another() {
    let mut run = drive(definition(vec![event("w", "paid", Some("event.data.sum > 5"), 60)]), nothing());
    run.deliver("paid", json!({"sum": 1})).deliver("paid", json!({})).expect(&[]);
    run.deliver("paid", json!({"sum": 9})).expect(&["record w#1 succeeded", "end succeeded"]);
}

#[test]
fn no_event_in_time_is_a_failure_and_a_later_one_does_not_count() {
    let mut run = drive(definition(vec![event("w", "paid", None, 60)]), nothing());
    run.time(59).expect(&[]);
    run.now = build::at(61);
    run.deliver("paid", json!(1)).expect(&["record w#1 failed", "end failed"]);
    assert_eq!(run.error().kind, ErrorKind::Timeout);
}

#[test]
fn an_event_that_is_not_what_is_expected_is_used_up_and_the_next_attempt_has_its_own_time() {
    let wait = event("w", "status", None, 60).expects("output.data == 'ok'").repeats(1);
    let mut run = drive(definition(vec![wait]), nothing());
    run.now = build::at(50);
    run.deliver("status", json!("bad")).expect(&["record w#1 retrying"]);
    run.time(51).expect(&[]);
    assert_eq!(run.flow.waits()[0].due_at, build::at(111));
    assert_eq!(run.again().flow.waits(), run.flow.waits());
    run.now = build::at(100);
    run.deliver("status", json!("ok")).expect(&["record w#2 succeeded", "end succeeded"]);
}

#[test]
fn an_event_is_sent_under_an_id_that_is_the_same_for_every_attempt() {
    let mut run =
        drive(definition(vec![emit("e", "paid", "{{ inputs.who }}", json!({"n": 1}))]), json!({"who": "Noa"}));
    run.expect(&["emit e#1", "record e#1 succeeded", "end succeeded"]);
    let event = run.emitted[0].clone();
    assert_eq!((event.name.as_str(), event.key.as_deref(), &event.data), ("paid", Some("Noa"), &json!({"n": 1})));
    assert_eq!(run.output()["event_id"], json!(event.id));
    run.checkpoints.clear();
    assert_eq!(run.again().emitted[0].id, event.id);
}

#[test]
fn a_call_waits_for_its_child_and_gives_its_output() {
    let mut run = drive(definition(vec![call("c", "other", CallMode::Wait)]), nothing());
    run.expect(&["call c#1"]);
    assert_eq!((run.called[0].workflow.as_str(), run.called[0].depth), ("other", 1));
    assert!(matches!(run.flow.waits()[0].kind, WaitKind::Child(_)));
    run.again().expect(&[]);
    run.child_ends("c", RunStatus::Succeeded, Some(json!(7))).expect(&["record c#1 succeeded", "end succeeded"]);
    assert_eq!(run.output(), json!(7));
}

#[test]
fn a_call_that_only_starts_gives_the_childs_id() {
    let mut run = drive(definition(vec![call("c", "other", CallMode::Start)]), nothing());
    run.expect(&["call c#1", "record c#1 succeeded", "end succeeded"]);
    assert_eq!(run.output()["run_id"], json!(run.called[0].child.to_string()));
}

#[test]
fn a_child_that_fails_or_is_canceled_fails_its_step() {
    for (status, message) in [(RunStatus::Failed, "the child failed"), (RunStatus::Canceled, "was canceled")] {
        let mut run = drive(definition(vec![call("c", "other", CallMode::Wait)]), nothing());
        run.child_ends("c", status, None);
        assert!(run.error().message.ends_with(message), "{}", run.error().message);
    }
}

#[test]
fn a_child_that_takes_too_long_is_canceled_and_the_next_attempt_starts_another_with_its_own_time() {
    let mut run = drive(definition(vec![call("c", "other", CallMode::Wait).timeout(10).repeats(1)]), nothing());
    run.time(10).expect(&["call c#1", "cancel child", "record c#1 retrying"]);
    run.time(11).expect(&["call c#2"]);
    assert_ne!(run.called[0].child, run.called[1].child);
    assert_eq!(run.flow.waits()[0].due_at, build::at(21));
    assert_eq!(run.again().flow.waits(), run.flow.waits());
    run.time(21);
    assert_eq!(run.error().kind, ErrorKind::Timeout);
}

#[test]
fn a_cancel_goes_down_to_a_child_that_is_waited_for() {
    let mut run = drive(definition(vec![call("c", "other", CallMode::Wait)]), nothing());
    run.cancel(false).expect(&["call c#1", "cancel child", "end canceled"]);
}

#[test]
fn a_child_whose_step_can_be_undone_is_waited_for_when_it_is_given_up() {
    let steps = || vec![parallel("p", None, vec![call("c", "other", CallMode::Wait).undone(), work("b", nothing())])];
    let mut run = drive(definition(steps()), nothing());
    run.finish("b", definite("no")).expect(&["call c#1", "run b#1", "record b#1 failed", "cancel child"]);
    run.child_ends("c", RunStatus::Succeeded, Some(json!(1)));
    assert_eq!(run.config("c~undo"), &json!({"undo": 1}));

    let mut run = drive(definition(steps()), nothing());
    run.finish("b", definite("no"));
    run.now = build::at(1);
    run.child_ends("c", RunStatus::Canceled, None);
    assert_eq!(run.error().message, "no");
}

#[test]
fn polling_is_an_expectation_that_is_tried_again() {
    let poll = work("poll", nothing()).expects("output.state == 'ready'").repeats(3).gives(json!("{{ output.url }}"));
    let mut run = drive(definition(vec![poll, value("v", json!("{{ steps.poll.output }}"))]), nothing());
    run.done("poll", json!({"state": "busy"})).expect(&["run poll#1", "record poll#1 retrying"]);
    assert_eq!(run.step("poll").error.unwrap().kind, ErrorKind::Expectation);
    run.time(1).done("poll", json!({"state": "ready", "url": "u"}));
    assert_eq!(run.output(), json!("u"));
    assert_eq!(run.step("poll").attempts, 2);
}
