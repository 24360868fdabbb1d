//! Blocks, arms, loops: their own fields, and what cannot stand in them.

#[path = "kit/checking.rs"]
mod checking;

use std::time::Duration;

use checking::{check_marked, checked};
use onward_workflows::{Body, Definition, OnError, Step, Template};

/// Steps as YAML from line 4, with marks around what is wrong.
#[track_caller]
fn check(steps: &str, codes: &[&str]) -> Vec<String> {
    let found = check_marked(&format!("version: 1\nname: a\nsteps:\n{steps}\n"), codes);
    found.into_iter().map(|found| format!("{}: {}", found.message, found.label.unwrap_or_default())).collect()
}

fn definition(text: &str) -> Definition {
    let checked = checked(text);
    checked.definition.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

#[test]
fn a_switch_is_a_list_of_arms() {
    let arm = "{ id: b, type: value }";
    check("- { id: a, switch: «text» }", &["E105"]);
    check("- { id: a, switch: «[]» }", &["E103"]);
    check("- { id: a, switch: [«text»] }", &["E105"]);
    check(&format!("- {{ id: a, switch: [{{ «if»: true, «step»: [{arm}] }}] }}"), &["E103", "E101"]);
    check("- { id: a, switch: [{ «if»: true }] }", &["E103"]);
    check("- { id: a, switch: [{ if: true, steps: «x» }] }", &["E105"]);
    check(&format!("- {{ id: a, switch: [{{ if: '«text»', steps: [{arm}] }}] }}"), &["E124"]);
    check(&format!("- {{ id: a, switch: [{{ if: 'true', steps: [{arm}] }}, {{ steps: [] }}] }}"), &[]);
    let said = check(&format!("- {{ id: a, switch: [{{ «steps»: [{arm}] }}, {{ if: true, steps: [] }}] }}"), &["E129"]);
    assert_eq!(said, ["an arm without `if` must be the last one: the arms below it would never run"]);
    let arms = vec!["{ if: true, steps: [] }"; 50].join(", ");
    check(&format!("- {{ id: a, switch: [{arms}] }}"), &[]);
    check(&format!("- {{ id: a, switch: [{arms}, «{{ if: true, steps: [] }}»] }}"), &["E115"]);
}

#[test]
fn a_block_is_a_list_of_steps() {
    check("- { id: a, steps: «text» }", &["E105"]);
    check("- { id: a, steps: [«text»] }", &["E105"]);
    check("- { id: a, steps: [{ id: b, type: value }], parallel: «0» }", &["E105"]);
    check("- { id: a, steps: [{ id: b, type: value }], parallel: «201» }", &["E105"]);
    check("- { id: a, steps: [{ id: «a», type: value }] }", &["E104"]);
    check("- { id: a, steps: [{ id: b, type: «vlue» }] }", &["E114"]);
    check("- { id: a, steps: [{ id: b, type: value, needs: [«a»] }] }", &["E107"]);
    check("- { id: a, switch: [{ steps: [] }], «config»: {} }", &["E128"]);
    check("- { id: a, type: value, «parallel»: true }", &["E128"]);
    let said = check("- { id: a, type: value, «switch»: [] }", &["E128"]);
    assert_eq!(said, ["step `a` has both `type` and `switch`: a step does one thing"]);
}

#[test]
fn an_item_has_a_name_of_its_own() {
    let named = |name: &str| format!("- {{ id: a, type: value, foreach: {{ in: [1], as: {name} }} }}");
    for name in ["order", "_x1", "item", "loops"] {
        check(&named(name), &[]);
    }
    for name in ["index", "steps", "secrets", "output", "none", "range", "in", "if"] {
        check(&named(&format!("«{name}»")), &["E104"]);
    }
    for name in ["'«»'", "«1x»", "'«a b»'", "«a-b»", "«פריט»"] {
        check(&named(name).replace("'«", "«'").replace("»'", "'»"), &["E112"]);
    }
    check(&named("«5»"), &["E105"]);
    check(&named(&format!("«{}»", "n".repeat(51))), &["E115"]);
    check(
        "- { id: a, foreach: { in: [1], as: x }, steps: [{ id: b, type: value, foreach: { in: [1], as: «x» } }] }",
        &["E104"],
    );
    check("- { id: a, foreach: [1], steps: [{ id: b, type: value, foreach: [2], config: '{{ item }}' }] }", &[]);
}

#[test]
fn a_loop_goes_over_a_list() {
    let over = |list: &str| format!("- {{ id: a, type: value, foreach: {list} }}");
    check(&over("[1, '{{ run.id }}']"), &[]);
    check(&over("'{{ variables.nothing }}'").replace("nothing", "«nothing»"), &["E108"]);
    let said = check(&over("\"«'abc'»\""), &["E122"]);
    assert_eq!(said, ["`foreach` is not a list: this is always the same value"]);
    check(&over("'«x {{ run.id }}»'"), &["E122"]);
    check(&over("«true»"), &["E105"]);
    check(&over("{ in: «5» }"), &["E105"]);
    check(&over("{ in: [1], concurrency: «1001» }"), &["E105"]);
    check(&over("{ in: [1], batch: «0» }"), &["E105"]);
    check(&over("{ in: [1], «parallel»: 3 }"), &["E101"]);
}

#[test]
fn return_and_undo_have_their_places() {
    check("- { id: a, steps: [{ id: b, type: value, on_error: [{ id: c, type: return }] }] }", &[]);
    let said = check(
        "- { id: a, foreach: [1], steps: [{ id: b, type: value, on_error: [{ id: c, type: «return» }] }] }",
        &["E129"],
    );
    assert_eq!(said, ["`return` cannot stand here: one item cannot end the run for all the others"]);
    check("- { id: a, type: value, finally: [{ id: b, steps: [{ id: c, type: «return» }] }] }", &["E129"]);
    check("- { id: a, type: value, compensate: [{ id: b, type: «return» }] }", &["E129"]);
    check("- { id: a, type: value, compensate: { type: «return» } }", &["E129"]);
    check("- { id: a, type: value, compensate: «again» }", &["E105"]);
    check("- { id: a, type: value, compensate: { type: value, «if»: true } }", &["E101"]);
    check("- { id: a, type: value, compensate: [{ id: b, type: value, «compensate»: [] }] }", &["E129"]);
    check("- { id: a, type: value, finally: [{ id: b, type: value, «compensate»: [] }] }", &["E129"]);
    let text = "version: 1\nname: a\nsteps: [{ id: a, type: value }]\n\
                on_error: [{ id: b, type: «return» }, { id: c, type: value, «compensate»: { type: value } }]\n\
                finally: [{ id: d, type: «return» }]\n";
    check_marked(text, &["E129", "E129", "E129"]);
}

#[test]
fn fields_without_an_effect_are_pointed_out() {
    check("- { id: a, type: value, «cache»: 1h }", &["W102"]);
    check(
        "- { id: a, steps: [{ id: b, type: value }], «queue»: pdf, «rate_limit»: { limit: 1, per: 1s } }",
        &["W102", "W102"],
    );
    check(
        "- { id: a, type: wait_for_event, timeout: 1h, retry: 2, «priority»: high, config: { event: x } }",
        &["W102"],
    );
}

#[test]
fn what_the_engine_does_itself_is_checked() {
    let wait = |config: &str| format!("- {{ id: a, type: wait_for_event, timeout: 1h, config: {config} }}");
    check(&wait("{ event: [a, b], key: '{{ run.id }}', where: 'event.data.ok and run.id' }"), &[]);
    check(&wait("{ event: «5» }"), &["E105"]);
    check(&wait("{ event: [«5»] }"), &["E105"]);
    check(&wait("{ event: «[]» }"), &["E105"]);
    check(&wait("{ event: x, where: '«now»() > event.time' }"), &["E126"]);
    check(&wait("{ event: x, where: '«output».ok' }"), &["E124"]);
    check(&wait("{ event: x, key: '{{ «event».key }}' }"), &["E124"]);
    check("- { id: a, type: «wait_for_event», config: { event: x } }", &["E116"]);
    check(
        "- { id: a, type: wait_for_event, config: { event: x, «timeout»: 1h } }"
            .replace("type: w", "type: «w")
            .replace("t, con", "t», con")
            .as_str(),
        &["E116", "E102"],
    );
    check("- { id: a, type: call, config: { workflow: b, input: «x» } }", &["E105"]);
    check("- { id: a, type: call, config: { workflow: b, input: '{{ run.labels }}' } }", &[]);
    check("- { id: a, type: call, config: { workflow: b, input: { x: '{{ «nothing» }}' } } }", &["E124"]);
    check("- { id: a, type: «call», config: { input: {} } }", &["E103"]);
    check("- { id: a, type: emit, config: { event: «5» } }", &["E105"]);
    check("- { id: a, type: value, on_error: [{ id: b, type: fail }] }", &[]);
    check("- { id: a, type: «fail» }", &["E103"]);
}

#[test]
fn defaults_hold_for_work_that_says_nothing() {
    let text = "version: 1
name: a
defaults: { timeout: 5s, retry: { max: 7 }, queue: slow }
steps:
  - { id: work, type: http.request, config: { url: 'https://a.test' } }
  - { id: own, type: http.request, timeout: 1s, retries: 1, queue: fast, config: { url: 'https://a.test' } }
  - { id: event, type: wait_for_event, timeout: 1h, config: { event: x } }
  - id: block
    steps: [{ id: inner, type: http.request, config: { url: 'https://a.test' } }]
    compensate: { type: http.request, config: { url: 'https://a.test' } }
";
    let definition = definition(text);
    let told = |step: &Step| {
        let queue = match &step.queue {
            Some(Template::Literal(queue)) => queue.as_str().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        (step.retry.max, step.timeout.map_or(0, |time| time.as_secs()), queue)
    };
    let steps = definition.all_steps();
    let find = |id: &str| told(steps.iter().find(|step| step.id == id).expect("the step exists"));
    assert_eq!(find("work"), (7, 5, "slow".to_owned()));
    assert_eq!(find("own"), (1, 1, "fast".to_owned()));
    assert_eq!(find("event"), (0, 3600, String::new()));
    assert_eq!(find("block"), (0, 0, String::new()));
    assert_eq!(find("inner"), (7, 5, "slow".to_owned()));
    let undo = definition.steps[3].compensate.as_ref().expect("it is written");
    assert_eq!((undo.steps[0].retry.max, undo.steps[0].timeout), (10, Some(Duration::from_secs(5))));
}

#[test]
fn mistakes_in_defaults_are_reported_once() {
    let check = |defaults: &str, codes: &[&str]| {
        let steps = "[{ id: a, type: http.request, config: { url: 'https://a.test' } }, { id: b, type: http.request, config: { url: 'https://a.test' } }]";
        check_marked(&format!("version: 1\nname: a\ndefaults: {defaults}\nsteps: {steps}\n"), codes);
    };
    check("{ «retires»: 3 }", &["E101"]);
    check("{ timeout: «'30'» }", &["E110"]);
    check("{ retry: { max: «101» } }", &["E105"]);
    check("{ retry: { if: «steps».a.output } }", &["E124"]);
    check("{ queue: «A B» }", &["E112"]);
    check("{ queue: '{{ «nothing» }}' }", &["E124"]);
}

#[test]
fn written_bodies_arrive_in_the_definition() {
    let text = "version: 1
name: a
steps:
  - { id: two, parallel: 2, steps: [{ id: a, type: value }, { id: b, type: value, on_error: continue }] }
  - { id: all, parallel: true, steps: [{ id: c, type: value }] }
  - { id: one, steps: [{ id: d, type: value }], foreach: { in: [1], as: x, concurrency: 3, batch: 50 } }
  - { id: choice, switch: [{ if: true, steps: [{ id: e, type: value }] }, { steps: [] }] }
  - { id: last, type: value, on_error: [{ id: f, type: fail }], finally: [{ id: g, type: value }] }
";
    let definition = definition(text);
    let block = |place: usize| match &definition.steps[place].body {
        Body::Block { steps, at_once, parallel } => (steps.len(), *at_once, *parallel),
        other => panic!("{other:?}"),
    };
    assert_eq!((block(0), block(1), block(2)), ((2, Some(2), true), (1, None, true), (1, None, false)));
    let foreach = definition.steps[2].foreach.as_ref().expect("it is written");
    assert_eq!((foreach.name.as_str(), foreach.concurrency, foreach.batch), ("x", 3, Some(50)));
    let Body::Switch(arms) = &definition.steps[3].body else { panic!("it is a switch") };
    assert_eq!(
        arms.iter().map(|arm| (arm.condition.is_some(), arm.steps.len())).collect::<Vec<_>>(),
        [(true, 1), (false, 0)]
    );
    assert!(
        matches!(&definition.steps[4].on_error, OnError::Steps(steps) if matches!(steps[0].body, Body::Fail(None)))
    );
    assert_eq!(definition.steps[4].finally[0].id, "g");
}
