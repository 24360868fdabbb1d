//! Expressions that fail in a run, shown at their line of the document.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/checking.rs"]
mod checking;

use std::sync::Arc;

use build::{at, facts};
use checking::catalog;
use insta::assert_snapshot;
use onward_workflows::{
    Action, Diagnostic, ErrorKind, Flow, Past, Source, StepError, Style, check, diagnose, render, render_alone,
};
use serde_json::{Value, json};

/// The error that ends a run of this document.
fn error_of(source: &Source, inputs: Value) -> StepError {
    let checked = check(source, &catalog());
    let definition = checked.definition.unwrap_or_else(|| panic!("{}\n{:?}", source.text, checked.diagnostics));
    let mut flow = Flow::resume(Arc::new(definition), facts(inputs), Past::default());
    let end = flow.next(at(0)).into_iter().find_map(|action| match action {
        Action::End(end) => end.error,
        _ => None,
    });
    end.unwrap_or_else(|| panic!("the run of\n{}\ndoes not fail", source.text))
}

fn inputs() -> Value {
    let fields = json!({ "ID": 5, "Name": "Noa", "Phone number": "+999501234567", "email_confirmed": true });
    json!({ "order": { "fields": fields, "rows": [1, 2], "none": null } })
}

/// «» stands around the reference that has no value. JSON begins with a brace.
#[track_caller]
fn check_marked(marked: &str) -> Diagnostic {
    let text = marked.replace(['«', '»'], "");
    let file = if text.starts_with('{') { "w.json" } else { "w.yaml" };
    let source = Source::from_file(file, text.as_str());
    let error = error_of(&source, inputs());
    assert_eq!(error.kind, ErrorKind::Expression);
    let found = diagnose(&error, &source).unwrap_or_else(|| panic!("nothing for {error:?}"));
    let mut with_marks = text;
    with_marks.insert(found.range.end.offset as usize, '»');
    with_marks.insert(found.range.start.offset as usize, '«');
    let shown = render(std::slice::from_ref(&found), &source, Style::default());
    assert_eq!(with_marks, marked, "{shown}");
    // Without the document it looks the same, long lines apart.
    assert_eq!(render_alone(&found, Style::default()), shown);
    assert!(error.message.starts_with(&format!("line {}, column", found.range.start.line)), "{error:?}");
    found
}

const HEAD: &str = "version: 1\nname: w\ninputs: { order: {} }\nsteps:\n";

#[track_caller]
fn check_step(step: &str) -> Diagnostic {
    check_marked(&format!("{HEAD}{step}"))
}

#[test]
fn the_text_shows_the_line_the_keys_and_what_to_write() {
    let text = "{\n  \"version\": 1,\n  \"name\": \"Deliver\",\n  \"inputs\": { \"order\": {} },\n  \"steps\": [\n    {\n      \
                \"id\": \"send\",\n      \"foreach\": [1],\n      \"type\": \"value\",\n      \"config\": {\n        \
                \"to\": \"{{ inputs.order.fields.Phone }}\"\n      }\n    }\n  ]\n}\n";
    let source = Source::from_file("w.json", text);
    let error = error_of(&source, inputs());
    let named = Source { file: "deliver v12".to_owned(), ..source };
    let mut found = diagnose(&error, &named).expect("an expression");
    found.at.as_mut().expect("a place").run = Some("run_7q4zk2".to_owned());
    assert_snapshot!("missing_key", render_alone(&found, Style::default()));
    insta::assert_json_snapshot!("missing_key_json", found);
    insta::assert_json_snapshot!("missing_key_details", error.details);
}

#[test]
fn the_place_is_exact_in_every_kind_of_string() {
    check_step("- { id: a, type: value, config: 'x {{ «inputs.order.fields.Phone» }} y' }\n");
    check_step("- { id: a, type: value, config: 'it''s {{ inputs.order.fields.Name ~ «inputs.order.nope» }}' }\n");
    check_step("- { id: a, type: value, config: \"\\u05d0\\t\\\"{{ «inputs.order.nope» }}\" }\n");
    check_step("- id: a\n  type: value\n  config: |\n    שלום\n    {{ «inputs.order.nope» }}\n");
    check_step("- id: a\n  type: value\n  config: |\n    {{ 1 +\n       «inputs.order.nope» }}\n");
    check_step("- id: a\n  type: value\n  config: >-\n    {{ 1 +\n    2 + «inputs.order.nope» }}\n");
    check_step("- id: a\n  type: value\n  config: plain {{ 1 +\n    2 + «inputs.order.nope» }}\n");
    check_step("- { id: a, type: value, if: «inputs.order.nope» == 1 }\n");
    check_step("- { id: a, type: value, foreach: '{{ «inputs.order.rows[7]» }}' }\n");
    check_marked(
        r#"{"version": 1, "name": "w", "inputs": {"order": {}}, "steps": [{"id": "a", "type": "value", "config":
        "\u05d0\n\"{{ inputs.order[\"none\"] ~ «inputs.order[\"nope\"]» }}"}]}"#,
    );
}

#[test]
fn the_place_is_exact_where_an_old_name_is_read_in_full() {
    let head = r#"{"name": "w", "inputs": {"order": {}}, "steps": ["#;
    let step =
        r#"{"id": "a", "type": "value", "config": "{{ order.fields.Name ~ order.none ~ «order.nope» ~ 'x' }}"}]}"#;
    let found = check_marked(&format!("{head}{step}"));
    assert_eq!(found.message, "`inputs.order.nope` does not exist");
}

#[test]
fn what_is_no_map_is_told_beside_the_caret() {
    let label = |step: &str| check_step(step).label.expect("a label");
    assert_eq!(
        label("- { id: a, type: value, config: '{{ «inputs.order.none.x» }}' }\n"),
        "`inputs.order.none` is null"
    );
    let wrong = check_step("- { id: a, type: value, if: «inputs.order.fields.Name» }\n");
    assert!(wrong.message.starts_with("a condition is true or false, and"), "{wrong:?}");
    assert_eq!((wrong.label.as_deref(), wrong.help), (Some("no value here"), None));
}

#[test]
fn help_names_the_key_that_was_meant_and_how_to_do_without() {
    let help = |reference: &str| {
        let step = format!("- {{ id: a, type: value, config: \"{{{{ «{reference}» | upper }}}}\" }}\n");
        check_step(&step).help.unwrap_or_default()
    };
    let phone = "`inputs.order.fields['Phone number']`, or `inputs.order.fields.phone_number | default(none)` if it may be missing";
    assert_eq!(help("inputs.order.fields.phone_number"), phone);
    assert_eq!(help("inputs.order.zzz"), "`inputs.order.zzz | default(none)` if it may be missing");
    assert_eq!(help("inputs.order.feilds.Name"), "`inputs.order.fields.Name`");
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let long = "x".repeat(9_000);
    let text = format!("{HEAD}- {{ id: a, type: value, config: '{long} {{{{ inputs.order.nope }}}} {long}' }}\n");
    let source = Source::from_file("w.yaml", text);
    let found = diagnose(&error_of(&source, inputs()), &source).expect("an expression");
    let at = found.at.as_ref().expect("a place");
    assert_eq!((at.excerpt.chars().count(), at.excerpt_column), (400, found.range.start.column - 200));
    let shown = render_alone(&found, Style::default());
    assert!(shown.contains("{{ inputs.order.nope }}") && shown.len() < 1_000, "{shown}");
}

#[test]
fn an_error_of_another_document_has_no_line() {
    let source = Source::from_file("w.yaml", format!("{HEAD}- {{ id: a, type: value, if: inputs.order.nope }}\n"));
    let error = error_of(&source, inputs());
    assert!(diagnose(&error, &source).is_some());
    assert_eq!(diagnose(&error, &Source::from_file("w.yaml", "version: 1\n")), None);
    assert_eq!(diagnose(&StepError { kind: ErrorKind::Fail, ..error.clone() }, &source), None);
    assert_eq!(diagnose(&StepError { details: Some(json!({ "line": 5 })), ..error.clone() }, &source), None);
    assert_eq!(diagnose(&StepError { details: None, ..error }, &source), None);
}

#[test]
fn details_stay_small_whatever_the_data_are() {
    let wide: serde_json::Map<String, Value> =
        (0..5_000).map(|n| (format!("{n:05}{}", "k".repeat(500)), json!(n))).collect();
    let source = Source::from_file("w.yaml", format!("{HEAD}- {{ id: a, type: value, if: inputs.order.nope }}\n"));
    let error = error_of(&source, json!({ "order": wide }));
    let details = error.details.expect("details");
    assert!(details.to_string().len() < 2_000, "{details}");
    assert_eq!(details["found"]["more"], json!(5_000 - 12));
}
