//! The names that documents can read.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use build::{definition, facts, template, value, work};
use drive::{drive, nothing};
use onward_workflows::{RunFacts, evaluate_variables};
use serde_json::{Value, json};

/// The value of `source` in a step after a step `send-update` that yields `{"id": 7}`.
fn read(source: &str) -> Value {
    let steps = vec![work("send-update", nothing()), value("result", json!(format!("{{{{ {source} }}}}")))];
    let mut run = drive(definition(steps), json!({"name": "Noa", "list": [1, 2]}));
    run.now = build::at(3);
    run.done("send-update", json!({"id": 7}));
    assert!(run.end.as_ref().is_some_and(|end| end.error.is_none()), "{source}: {:?}", run.end);
    run.output()
}

#[test]
fn what_the_run_was_given() {
    assert_eq!(read("inputs.name"), json!("Noa"));
    assert_eq!(read("inputs"), json!({"name": "Noa", "list": [1, 2]}));
    assert_eq!(read("variables.language"), json!("he"));
    assert_eq!(read("env.ONWARD_PUBLIC_URL"), json!("https://onward.test/"));
    assert_eq!(read("trigger.type"), json!("manual"));
    assert_eq!(read("workflow"), json!({"id": "sample", "name": "Sample", "version": 3}));
}

#[test]
fn the_run_itself() {
    let id = facts(json!({})).run.to_string();
    assert_eq!(read("run.id"), json!(id));
    assert_eq!(read("run.url"), json!(format!("https://onward.test/runs/{id}")));
    assert_eq!(read("run.status"), json!("running"));
    assert_eq!(read("run.started_at"), json!("2026-05-28T20:26:40.000Z"));
    assert_eq!(read("run.scheduled_at"), json!(null));
    assert_eq!(read("run.error | default(null)"), json!(null));
}

#[test]
fn steps_by_their_id_and_by_their_alias() {
    assert_eq!(read("steps['send-update'].output.id"), json!(7));
    assert_eq!(read("steps.send_update.output.id"), json!(7));
    assert_eq!(
        read("steps.send_update"),
        json!({
            "output": {"id": 7}, "status": "succeeded", "error": null, "attempts": 1,
            "started_at": "2026-05-28T20:26:43.000Z", "finished_at": "2026-05-28T20:26:43.000Z"
        })
    );
    assert_eq!(read("now()"), json!("2026-05-28T20:26:43.000Z"));
}

#[test]
fn a_missing_name_lists_what_is_there() {
    let message = |source: &str| {
        let steps = vec![value("a", json!(1)), value("b-c", json!(format!("{{{{ {source} }}}}")))];
        drive(definition(steps), json!({})).error().message
    };
    assert!(message("steps.d").ends_with("`steps.d` does not exist; found: a, \"b-c\""));
    assert!(message("nope").ends_with("found: steps, run, inputs, variables, env, trigger, workflow"));
    assert!(
        message("run.nope")
            .ends_with("found: id, url, status, error, attempt, started_at, scheduled_at, labels, compensated")
    );
    assert!(message("steps.a.nope").ends_with("found: output, status, error, attempts, started_at, finished_at"));
}

#[test]
fn variables_are_evaluated_over_inputs_env_and_run() {
    let facts = facts(json!({"name": "Noa"}));
    let mut definition = definition(vec![value("a", json!(1))]);
    definition.variables = template(&json!({
        "hello": "Hi {{ inputs.name }}", "plain": [1], "base": "{{ env.ONWARD_PUBLIC_URL }}", "id": "{{ run.id }}",
        "at": "{{ now() }}"
    }));
    let expected = json!({
        "hello": "Hi Noa", "plain": [1], "base": "https://onward.test/", "id": facts.run.to_string(),
        "at": "2026-05-28T20:26:40.000Z"
    });
    assert_eq!(evaluate_variables(&definition, &facts), Ok(expected));
    definition.variables = template(&json!({"x": "{{ variables.y }}"}));
    assert!(evaluate_variables(&definition, &facts).is_err());
    definition.variables = template(&json!({"x": 1}));
    assert_eq!(evaluate_variables(&definition, &RunFacts::clone(&facts)), Ok(json!({"x": 1})));
}
