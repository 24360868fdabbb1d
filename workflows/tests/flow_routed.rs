//! Attempts that other workers carry out.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use std::sync::Arc;

use build::{at, definition, facts, template, work};
use drive::{Drive, Manner, begin, retryable, stopped};
use onward_workflows::{Outcome, Past, StepStatus, WaitKind};
use serde_json::{Value, json};

/// Paths of an even length go elsewhere.
fn routing(steps: Vec<build::Draft>, inputs: Value) -> Drive {
    let manner = Manner { routes: true, ..Manner::default() };
    begin(Arc::new(definition(steps)), facts(inputs), Past::default(), at(0), manner)
}

#[test]
fn a_routed_attempt_is_waited_for_and_its_outcome_is_judged_by_the_run() {
    let mut run = routing(
        vec![work("ab", json!({"n": "{{ now() }}"})).repeats(1), work("c", json!("{{ steps.ab.output }}"))],
        json!({}),
    );
    run.expect(&["run ab#1"]);
    let waits = run.flow.waits();
    assert_eq!((waits.len(), &waits[0].kind), (1, &WaitKind::Routed { queue: "elsewhere".to_owned() }));
    assert_eq!(run.status("ab"), StepStatus::Waiting);

    run.now = at(3);
    run.end_routed("ab", retryable("busy"));
    run.read_again().expect(&["record ab#1 retrying"]);
    let due_at = run.flow.waits()[0].due_at;
    run.now = due_at;
    run.time((due_at - at(0)).num_seconds() + 1).expect(&["run ab#2"]);
    run.end_routed("ab", Outcome::Done(json!(7)));
    run.read_again().expect(&["record ab#2 succeeded", "run c#1"]);
    assert_eq!(run.config("c"), &json!(7));
}

#[test]
fn whoever_carries_it_out_is_told_what_its_owner_would_have_sent() {
    let steps = vec![
        work("a", json!(1)),
        work("bc", json!({"a": "{{ steps.a.output }}", "at": "{{ now() }}", "id": "{{ uuid() }}"})),
    ];
    let mut run = routing(steps, json!({}));
    run.now = at(2);
    run.done("a", json!({"id": 5})).expect(&["run a#1", "record a#1 succeeded", "run bc#1"]);
    let first = run.again().flow.routed_step("bc", 1).expect("it is waited for");
    run.now = at(500);
    let second = run.again().flow.routed_step("bc", 1).expect("it is waited for");
    assert_eq!(first, second);
    assert_eq!(first.config["a"], json!({"id": 5}));
    assert_eq!(first.idempotency_key, format!("{}/bc", run.facts.run));
    assert!(run.again().flow.routed_step("bc", 2).is_none(), "there is no second attempt yet");
}

#[test]
fn a_run_that_is_canceled_waits_for_what_has_become_of_it() {
    let mut run = routing(vec![work("ab", json!(1)), work("c", json!(1))], json!({}));
    run.now = at(1);
    run.cancel(false).expect(&["run ab#1", "abandon ab#1"]);
    assert!(run.end.is_none());
    run.end_routed("ab", stopped());
    run.read_again().expect(&["end canceled"]);

    let mut run = routing(vec![work("ab", json!(1)), work("c", json!(1))], json!({}));
    run.now = at(1);
    run.cancel(false);
    run.end_routed("ab", Outcome::Done(json!("sent")));
    run.read_again();
    assert_eq!(run.status("ab"), StepStatus::Succeeded, "it was too late to stop it");
    run.expect(&["run ab#1", "abandon ab#1", "record ab#1 succeeded", "end canceled"]);
}

#[test]
fn a_queue_or_a_priority_that_makes_no_sense_fails_the_step() {
    for (queue, priority, said) in
        [("PDF queue", "low", "`queue` is \"PDF queue\""), ("pdf", "urgent", "`priority` is \"urgent\"")]
    {
        let mut definition = definition(vec![work("a", json!(1))]);
        definition.steps[0].queue = Some(template(&json!(format!("{{{{ '{queue}' }}}}"))));
        definition.steps[0].priority = Some(template(&json!(format!("{{{{ '{priority}' }}}}"))));
        let run = begin(Arc::new(definition), facts(json!({})), Past::default(), at(0), Manner::default());
        assert!(run.error().message.contains(said), "{}", run.error().message);
    }
}
