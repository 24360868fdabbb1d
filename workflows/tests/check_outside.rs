//! What a document needs of a server: the workflows that it calls, and its secrets.

#[path = "kit/checking.rs"]
mod checking;

use checking::checked;
use onward_workflows::{Diagnostic, Source, check, inputs_by_workflow};

const SHIP: &str = "version: 1
name: Ship order
inputs:
  order_id: { type: string }
  slot: { type: string }
  express: { type: boolean, default: false }
steps: [{ id: a, type: value }]
";
const ANYTHING: &str = "version: 1\nname: anything\nsteps: [{ id: a, type: value }]\n";

/// What a server finds that has `ship-order`, `anything` and the secret `KEY`.
fn deploy(text: &str) -> Vec<Diagnostic> {
    let source = Source::from_file("w.yaml", text);
    let found = check(&source, &checking::catalog());
    assert!(found.is_valid(), "{:?}", found.diagnostics);
    let known: Vec<_> =
        [SHIP, ANYTHING].into_iter().map(|text| checked(text).definition.expect("it is right")).collect();
    found.outside.check(&source, &inputs_by_workflow(&known), |name| name == "KEY")
}

fn call(config: &str) -> String {
    format!("version: 1\nname: a\nsteps:\n- {{ id: a, type: call, config: {config} }}\n")
}

/// `code line:column message: label` of each.
fn check_call(config: &str, expected: &[&str]) {
    let found: Vec<String> = deploy(&call(config))
        .into_iter()
        .map(|found| {
            let at = found.range.start;
            format!("{} {}:{} {}: {}", found.code, at.line, at.column, found.message, found.label.unwrap_or_default())
        })
        .collect();
    assert_eq!(found, expected, "{config}");
}

#[test]
fn a_called_workflow_exists_and_gets_its_inputs() {
    check_call("{ workflow: ship-order, input: { order_id: A7, slot: '9' } }", &[]);
    check_call("{ workflow: ship-order, input: { order_id: A7, slot: '9', express: true }, mode: start }", &[]);
    check_call("{ workflow: ship-ordr }", &["E201 4:44 there is no workflow `ship-ordr`: did you mean `ship-order`?"]);
    check_call(
        "{ workflow: nonsense }",
        &["E201 4:44 there is no workflow `nonsense`: it is neither deployed nor among these documents"],
    );
    check_call(
        "{ workflow: ship-order, input: { order_id: A7 } }",
        &["E201 4:44 the call of `ship-order` leaves out `slot`: it has no default"],
    );
    check_call(
        "{ workflow: ship-order }",
        &["E201 4:44 the call of `ship-order` leaves out `order_id` and `slot`: they have no default"],
    );
    check_call(
        "{ workflow: ship-order, input: { order_id: A7, slots: '9', slot: '1' } }",
        &["E201 4:79 `ship-order` has no input `slots`: did you mean `slot`?"],
    );
}

#[test]
fn what_is_known_at_run_time_only_is_left_alone() {
    check_call("{ workflow: '{{ run.labels.next }}' }", &[]);
    check_call("{ workflow: ship-order, input: '{{ run.labels }}' }", &[]);
    check_call("{ workflow: anything, input: { what: ever } }", &[]);
}

#[test]
fn calls_inside_blocks_and_handlers_count() {
    let text = "version: 1
name: a
steps:
- id: block
  steps: [{ id: a, type: call, config: { workflow: one } }]
  on_error: [{ id: b, type: call, config: { workflow: two } }]
  compensate: { type: call, config: { workflow: three } }
finally: [{ id: c, type: call, config: { workflow: four } }]
";
    let found = deploy(text);
    let lines: Vec<(&str, u32)> = found.iter().map(|found| (found.code, found.range.start.line)).collect();
    assert_eq!(lines, [("E201", 5), ("E201", 6), ("E201", 7), ("E201", 8)]);
    assert_eq!(found[2].path, "/steps/0/compensate/config/workflow");
    assert_eq!(checked(text).outside.workflows().collect::<Vec<_>>().len(), 4);
}

#[test]
fn declared_secrets_have_to_be_set() {
    let text = "version: 1\nname: a\nsecrets: [KEY, OTHER]\nsteps: [{ id: a, type: value }]\n";
    let found = deploy(text);
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.code, found.range.start.line, found.range.start.column), ("E202", 3, 16));
    assert_eq!(found.message, "the secret `OTHER` is not set on this server");
    assert_eq!(found.help.as_deref(), Some("onward secrets set OTHER"));
}
