//! Documents of the replaced system stay valid.

#[path = "kit/checking.rs"]
mod checking;

use checking::{checked, found};
use onward_workflows::{Body, Template, TriggerKind, WaitFor};

#[test]
fn a_flat_document_is_accepted_with_three_warnings() {
    for text in [include_str!("valid/old-flat.json"), include_str!("valid/old-flat.yaml")] {
        let checked = checked(text);
        let codes: Vec<&str> = checked.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!(codes, ["W201", "W201", "W201"]);
        let definition = checked.definition.expect("warnings do not refuse a document");
        assert_eq!((definition.id.as_str(), definition.steps.len()), ("visa-status-update", 3));
        assert_eq!(definition.steps[2].retry.max, 0);
        let offered: Vec<&str> = checked.unoffered.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(offered, ["/steps/0/type", "/steps/1/type", "/steps/2/type"]);
    }
}

#[test]
fn a_wrapped_document_is_accepted() {
    let text = r##"{
      "name": "Order follow-up", "enabled": true, "variables": { "channel": "#ops" },
      "schema": {
        "triggers": [
          { "type": "webhook", "config": { "key": "orders" } },
          { "type": "cron", "config": { "schedule": "30 6 * * 1-5", "timezone": "Asia/Jerusalem" } }
        ],
        "steps": [ { "id": "tell", "type": "slack.send", "config": { "channel": "#ops", "message": "{{order.id}}" }, "retries": 2 } ]
      }
    }"##;
    let checked = checked(text);
    let definition = checked.definition.expect("the document is right");
    assert_eq!(checked.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["W201"]);
    assert_eq!(checked.diagnostics[0].path, "/schema/steps/0/config/message");
    assert!(matches!(&definition.triggers[0].kind, TriggerKind::Webhook(webhook) if webhook.endpoint == "orders"));
    assert_eq!(definition.steps.len(), 1);
}

#[test]
fn steps_inside_and_beside_the_wrapper_are_one_too_many() {
    let text = r#"{ "name": "a", "schema": { "steps": [{ "id": "a", "type": "return" }] }, "steps": [{ "id": "a", "type": "return" }] }"#;
    assert_eq!(found(text), ["E104 1:28"]);
}

/// The expression that a bare name becomes.
fn check_name(expression: &str, expected: &str) {
    let text = format!(
        "name: a\ninputs: {{ city: {{}} }}\nvariables: {{ lang: he }}\nsteps: [{{ id: a, type: value, config: \"{{{{ {expression} }}}}\" }}]\n"
    );
    let definition = checked(&text).definition.expect("old names are warnings");
    let Body::Value(Template::Hole(found)) = &definition.steps[0].body else { panic!("the value is one hole") };
    assert_eq!(found.source(), expected);
}

#[test]
fn bare_names_are_inputs_then_variables_then_the_body() {
    check_name("city", "inputs.city");
    check_name("lang ~ city", "variables.lang ~ inputs.city");
    check_name("order.items.0.id", "trigger.body.order.items.0.id");
    check_name("webhook.order", "trigger.body.order");
    check_name("workflowId", "workflow.id");
    check_name("order.a ~ order.b ~ 'order.c'", "trigger.body.order.a ~ trigger.body.order.b ~ 'order.c'");
    check_name("inputs.city ~ run.id", "inputs.city ~ run.id");
}

#[test]
fn with_a_version_bare_names_are_errors() {
    let text = "version: 1\nname: a\nsteps: [{ id: a, type: value, config: '{{ order.id }}' }]\n";
    assert_eq!(found(text), ["E124 3:43"]);
}

#[test]
fn a_misspelt_root_is_an_error_even_without_a_version() {
    let text = "name: a\nsteps: [{ id: a, type: value, config: '{{ step.x.output }}' }]\n";
    assert_eq!(found(text), ["E124 2:43"]);
}

#[test]
fn without_declared_inputs_any_input_may_be_read() {
    assert_eq!(found("name: a\nsteps: [{ id: a, type: value, config: '{{ inputs.x }}' }]\n"), [""; 0]);
    assert_eq!(
        found("name: a\ninputs: { y: {} }\nsteps: [{ id: a, type: value, config: '{{ inputs.x }}' }]\n"),
        ["E108 3:50"]
    );
}

#[test]
fn delay_is_a_wait() {
    for (config, expected) in [("{ duration: 1500 }", 1500), ("{}", 1000)] {
        let text = format!("name: a\nsteps: [{{ id: a, type: delay, config: {config} }}]\n");
        let definition = checked(&text).definition.expect("the document is right");
        let Body::Wait(WaitFor::For(Template::Literal(length))) = &definition.steps[0].body else {
            panic!("a delay waits")
        };
        assert_eq!(*length, serde_json::json!(expected));
    }
}

#[test]
fn a_name_without_latin_letters_gets_an_id_unless_versioned() {
    let id = |text: &str| checked(text).definition.map(|definition| definition.id);
    let old = "name: עדכון\nsteps: [{ id: a, type: return }]\n";
    assert!(id(old).is_some_and(|id| id.starts_with("workflow-")));
    assert_eq!(id(old), id(old));
    assert_eq!(found(&format!("version: 1\n{old}")), ["E103 2:7"]);
}
