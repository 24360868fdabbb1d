//! What triggers give to their workflow: mapped inputs, conditions, keys.

#[path = "kit/checking.rs"]
mod checking;

use checking::{check_marked, checked};

/// Triggers as YAML lines of a workflow with one required input and one with a default.
#[track_caller]
fn check(triggers: &str, codes: &[&str]) -> Vec<String> {
    let inputs = "inputs: { id: { type: string }, tier: { type: string, default: low } }";
    let text = format!("version: 1\nname: a\n{inputs}\ntriggers:\n{triggers}\nsteps: [{{ id: a, type: value }}]\n");
    let found = check_marked(&text, codes);
    found.into_iter().map(|found| format!("{}: {}", found.message, found.label.unwrap_or_default())).collect()
}

#[test]
fn only_declared_inputs_can_be_given() {
    check("- { type: webhook, inputs: { id: '{{ trigger.body.id }}', tier: high } }", &[]);
    let said = check("- { type: webhook, inputs: { id: x, «teir»: high } }", &["E108"]);
    assert_eq!(said, ["there is no input called `teir`: did you mean `tier`?"]);
    check("- { type: event, config: { event: x }, inputs: «text» }", &["E105"]);
    check_marked(
        "version: 1\nname: a\ntriggers: [{ type: webhook, inputs: { «id»: x } }]\nsteps: [{ id: a, type: value }]\n",
        &["E108"],
    );
}

#[test]
fn every_trigger_can_supply_what_is_required() {
    let said = check("- { «type»: cron, config: { schedule: '@daily' } }", &["W205"]);
    assert_eq!(said, ["the trigger `cron` cannot supply `id`: its runs would be refused"]);
    check("- { type: cron, config: { schedule: '@daily' }, inputs: { id: x } }", &[]);
    check("- { type: cron, config: { schedule: '@daily' }, «inputs»: { tier: x } }", &["W205"]);
    check("- { type: webhook, «inputs»: { tier: x } }", &["W205"]);
    check("- { type: event, config: { event: x }, «inputs»: {} }", &["W205"]);
    // The request brings them.
    check("- { type: webhook }\n- { type: event, config: { event: x } }\n- { type: manual }", &[]);
}

#[test]
fn a_wrong_trigger_does_not_shift_the_others() {
    check("- { type: «hook» }\n- { «type»: cron, config: { schedule: '@daily' } }", &["E114", "W205"]);
}

#[test]
fn conditions_and_mappings_read_the_trigger() {
    check(
        "- { type: webhook, if: 'trigger.body.a == 1', idempotency_key: '{{ inputs.id }}{{ trigger.body.k }}' }",
        &[],
    );
    check("- { type: webhook, inputs: { id: '{{ «steps».a.output }}' } }", &["E124"]);
    check("- { type: webhook, inputs: { id: '{{ «inputs».tier }}' } }", &["E124"]);
    check("- { type: webhook, if: '«now»() > 1' }", &["E126"]);
    check("- { type: webhook, if: '«{{ trigger.body.a }} == 1»' }", &["E122"]);
    check("- { type: webhook, idempotency_key: «5» }", &["E105"]);
}

#[test]
fn mapped_inputs_arrive_in_the_definition() {
    let text = "version: 1\nname: a\ninputs: { id: {} }\n\
                triggers: [{ type: event, config: { event: 'order.*' }, if: trigger.key != '', inputs: { id: '{{ trigger.key }}' } }]\n\
                steps: [{ id: a, type: value }]\n";
    let definition = checked(text).definition.expect("the document is right");
    let trigger = &definition.triggers[0];
    assert!(trigger.condition.is_some());
    let names: Vec<&str> = trigger.inputs.iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id"]);
}
