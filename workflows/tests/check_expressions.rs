//! Expressions: where the caret stands, which names exist, which steps are over.

#[path = "kit/checking.rs"]
mod checking;

use checking::{checked, found};
use onward_workflows::{Body, Template};

/// `value` is the config of the last of three steps; the line of the value is 9.
fn check(value: &str, expected: &[&str]) {
    let text = format!(
        "version: 1
name: a
inputs: {{ age: {{ type: integer }}, city: {{ type: string }}, first-name: {{ type: string }} }}
variables: {{ lang: he }}
steps:
- {{ id: get-rows, type: return }}
- {{ id: beside, needs: [], type: return }}
- {{ id: last, needs: [get-rows], type: value, config:
{value}
}}
on_error:
- {{ id: tell, type: log, config: {{ message: x }} }}
"
    );
    let places: Vec<String> = found(&text).iter().map(|found| found.replace(" 9:", " ")).collect();
    assert_eq!(places, expected, "{value}");
}

#[test]
fn names_that_exist_are_fine() {
    for value in [
        "'{{ inputs.age }} {{ variables.lang }} {{ env.ANY }} {{ trigger.body.x }} {{ run.id }} {{ workflow.name }}'",
        "'{{ steps.get_rows.output.a }}'",
        "\"{{ steps['get-rows'].output }}\"",
        "\"{{ inputs['first-name'] }}\"",
        "'{{ now() }} {{ uuid() }} {{ range(3) }} {{ none }} {{ null }} {{ true }}'",
        "\"{{ steps.get_rows.output.rows | selectattr('a', 'eq', 1) | map(attribute='id') | list | length }}\"",
        "\"{{ 'yes' if inputs.age > 3 else 'no' }}\"",
        "\"{{ {'a': {'b': inputs.age}} }}\"",
        "'{{ steps.get_rows.status }} {{ steps.get_rows.error.message }}'",
        "\"{{ '{{' }} is text\"",
    ] {
        check(value, &[]);
    }
}

#[test]
fn names_that_do_not_exist_are_found() {
    check("'{{ inputs.aeg }}'", &["E108 12"]);
    check("'{{ variables.lagn }}'", &["E108 15"]);
    check("'{{ input.age }}'", &["E124 5"]);
    check("'{{ anything.else }}'", &["E124 5"]);
    check("'{{ age }}'", &["E124 5"]);
    check("'{{ webhook.x }}'", &["E124 5"]);
    check("'{{ secrets.A }}'", &["E124 5"]);
    check("'{{ item.x }}'", &["E124 5"]);
    check("'{{ error.message }}'", &["E124 5"]);
    check("'{{ run.idd }}'", &["E108 9"]);
    check("'{{ workflow.owner }}'", &["E108 14"]);
    check("'{{ steps.get_row.output }}'", &["E107 11"]);
    check("'{{ steps.nothing.output }}'", &["E107 11"]);
    check("'{{ steps.get_rows.outptu }}'", &["E124 20"]);
    check("'{{ steps.get_rows.records }}'", &["E124 20"]);
}

#[test]
fn steps_have_to_be_over_before_they_are_read() {
    check("'{{ steps.beside.output }}'", &["E111 11"]);
    check("'{{ steps.last.output }}'", &["E111 11"]);
    check("'{{ steps.tell.output }}'", &["E111 11"]);
}

#[test]
fn hyphens_are_not_subtractions() {
    check("'{{ steps.get-rows.output }}'", &["E125 5"]);
    check("'{{ inputs.first-name }}'", &["E125 5"]);
    check("'{{ inputs.age - 3 }}'", &[]);
}

#[test]
fn carets_stand_on_the_author_s_columns() {
    check("'{{ 1 + }}'", &["E121 7"]);
    check("'ש {{ 1 + }}'", &["E121 9"]);
    check("\"\\t\\u05e9 {{ inputs.x }}\"", &["E108 21"]);
    check("'it''s {{ inputs.x }}'", &["E108 18"]);
    check("'{{ }}'", &["E121 5"]);
    check("'a {{ inputs.age'", &["E121 4"]);
    check("'{% if inputs.age %}x{% endif %}'", &["E124 2"]);
    check("'{# note #}'", &["E124 2"]);
}

#[test]
fn escapes_of_json_do_not_move_the_caret() {
    let text = r#"{"version": 1, "name": "a", "steps": [{"id": "a", "type": "value", "config": "\ud83d\ude00\n\"{{ inputs.x }}"}]}"#;
    let column = text.find("x }}").expect("it is there") + 1;
    assert_eq!(found(text), [format!("E108 1:{column}")]);
}

#[test]
fn block_scalars_keep_their_lines() {
    let text = "version: 1\nname: a\nsteps:\n- id: a\n  type: value\n  config: |\n    one\n    two {{ inputs.x }}\n";
    assert_eq!(found(text), ["E108 8:19"]);
    let text = "version: 1\nname: a\nsteps:\n- id: a\n  type: value\n  config: >-\n    one\n    two {{ inputs.x }}\n";
    assert_eq!(found(text), ["E108 8:19"]);
    let text = "version: 1\nname: a\nsteps:\n- id: a\n  type: value\n  config: one\n    two {{ inputs.x }}\n";
    assert_eq!(found(text), ["E108 7:19"]);
}

/// `condition` is the `if` of a step, on line 4 from column 8.
fn check_condition(condition: &str, expected: &[&str]) {
    let text = format!(
        "version: 1\nname: a\nsteps: [{{ id: a, type: return,\n  if:  {condition} }}]\ninputs: {{ age: {{ type: integer }}, city: {{ type: string }}, ok: {{ type: boolean }} }}\n"
    );
    let places: Vec<String> = found(&text).iter().map(|found| found.replace(" 4:", " ")).collect();
    assert_eq!(places, expected, "{condition}");
}

#[test]
fn conditions_are_expressions() {
    check_condition("inputs.age > 3", &[]);
    check_condition("'{{ inputs.age > 3 }}'", &[]);
    check_condition("true", &[]);
    check_condition("inputs.ok", &[]);
    check_condition("\"{{ inputs.city }} == 'x'\"", &["E122 9"]);
    check_condition("\"'yes'\"", &["E122 9"]);
    check_condition("inputs.age", &["E122 8"]);
    check_condition("'{{ inputs.city }}'", &["E122 12"]);
    check_condition("not inputs.ok", &[]);
    check_condition("5", &["E105 8"]);
    check_condition("''", &["E121 9"]);
    check_condition("inputs.agee > 3", &["E108 15"]);
}

#[test]
fn literals_of_another_type_are_found() {
    check_condition("inputs.age == '5'", &["E123 22"]);
    check_condition("\"'5' == inputs.age\"", &["E123 9"]);
    check_condition("inputs.city == 5", &["E123 23"]);
    check_condition("inputs.ok == 'true'", &["E123 21"]);
    check_condition("\"1 == '1'\"", &["E123 14"]);
    check_condition("inputs.city == 'a' and inputs.age != 4", &[]);
    check_condition("inputs.city ~ 1 == 'a1'", &[]);
    check_condition("inputs.city | length == 5", &[]);
    check_condition("inputs.age == 2.5", &[]);
    check_condition("inputs.city == '5' | int", &[]);
}

#[test]
fn error_handlers_read_every_step_and_the_error() {
    let text = "version: 1\nname: a\nsteps:\n- { id: a, needs: [], type: return }\n- { id: b, needs: [], type: return }\non_error:\n\
                - { id: c, type: log, config: { message: '{{ steps.a.output }}{{ steps.b.status }}{{ error.message }}' } }\n\
                - { id: d, type: log, if: steps.c.status == 'failed', config: { message: '{{ run.status }}' } }\n";
    assert_eq!(found(text), [""; 0]);
}

#[test]
fn the_output_reads_every_step_but_no_handler() {
    let text = "version: 1\nname: a\noutput: '{{ steps.a.output }}{{ steps.c.output }}'\nsteps: [{ id: a, type: return }]\non_error: [{ id: c, type: value }]\n";
    assert_eq!(found(text), ["E111 3:39"]);
}

#[test]
fn variables_read_inputs_only() {
    let text = "version: 1\nname: a\ninputs: { x: {} }\nvariables: { a: '{{ inputs.x }}{{ env.Y }}{{ run.id }}', b: '{{ variables.a }}', c: '{{ steps.a.output }}' }\nsteps: [{ id: a, type: return }]\n";
    assert_eq!(found(text), ["E124 4:65", "E124 4:89"]);
}

#[test]
fn a_value_without_a_hole_is_a_literal() {
    let text = "version: 1\nname: a\ninputs: { x: {} }\nsteps: [{ id: a, type: value, config: { a: [1, two, { b: null }], c: '{{ inputs.x }}', d: 'x {{ inputs.x }}' } }]\n";
    let definition = checked(text).definition.expect("the document is right");
    let Body::Value(Template::Map(entries)) = &definition.steps[0].body else { panic!("not a map with holes") };
    assert!(
        matches!(&entries[0].1, Template::Literal(value) if *value == serde_json::json!([1, "two", { "b": null }]))
    );
    assert!(matches!(&entries[1].1, Template::Hole(expression) if expression.source() == "inputs.x"));
    assert!(matches!(&entries[2].1, Template::Text(parts) if parts.len() == 2));
}

#[test]
fn templates_of_a_step_s_own_language_are_left_alone() {
    let text = "version: 1\nname: a\nsteps: [{ id: a, type: pdf.render, config: { html: '{{#each rows}}{{name}}{{/each}}', data: { rows: [] } } }]\n";
    assert_eq!(found(text), [""; 0]);
}
