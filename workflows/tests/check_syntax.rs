//! What JSON and YAML may look like, and where the caret stands when they do not.

#[path = "kit/checking.rs"]
mod checking;

use checking::{checked, found};
use onward_workflows::{Body, Format, Source, Template, check as check_source};

fn check(text: &str, expected: &[&str]) {
    assert_eq!(found(text), expected, "{text}");
}

#[test]
fn comments_and_trailing_commas_are_tolerated_in_json() {
    check(
        "{ // a comment\n \"name\": \"a\", /* another */ \"steps\": [ { \"id\": \"a\", \"type\": \"return\", }, ], }",
        &[],
    );
}

#[test]
fn other_liberties_are_not() {
    check("{ \"name\": \"a\" \"steps\": [] }", &["E001 1:14"]);
    check("{ \"name\": [1 2] }", &["E001 1:13"]);
    check("{ 'name': 1 }", &["E001 1:3"]);
    check("{ name: 1 }", &["E001 1:3"]);
    check("{ \"name\": nope }", &["E001 1:11"]);
    check("{ \"name\" 1 }", &["E001 1:10"]);
    check("{ \"name\": }", &["E001 1:11"]);
    check("{ \"name\": 1", &["E001 1:1"]);
    check("{ \"name\": 1 } {", &["E001 1:15"]);
    check("{ \"a\": 1, \"a\": 2, \"a\": 3 }", &["E003 1:11", "E003 1:19"]);
    check("{ \"a\": \"\\u0000\" }", &["E006 1:8"]);
    check("{ \"a\": +1 }", &["E001 1:8"]);
    check("{ \"a\": 0x10 }", &["E001 1:8"]);
}

#[test]
fn numbers_keep_their_digits_or_are_refused() {
    for number in ["18446744073709551615", "-9223372036854775808", "1.5e300", "0.1", "-0"] {
        let text = format!(
            "{{ \"name\": \"a\", \"steps\": [{{ \"id\": \"a\", \"type\": \"value\", \"config\": {number} }}] }}"
        );
        check(&text, &[]);
    }
    check("{ \"a\": 18446744073709551616 }", &["E005 1:8"]);
    check("{ \"a\": -9223372036854775809 }", &["E005 1:8"]);
    check("{ \"a\": 1e400 }", &["E005 1:8"]);
    check("{ \"a\": 012 }", &["E005 1:8"]);
}

#[test]
fn yaml_that_surprises_is_refused() {
    check("phone: 0541234567", &["E005 1:8"]);
    check("phone: +972541234567", &["E005 1:8"]);
    check("a: .inf", &["E005 1:4"]);
    check("a: 1e999", &["E005 1:4"]);
    check("a: 123456789012345678901234567890", &["E005 1:4"]);
    check("a: !secret x", &["E007 1:12"]);
    check("a: !!int '5'", &["E007 1:10"]);
    check("? [a, b]\n: 1", &["E007 1:3"]);
    check("a: 1\na: 2", &["E003 2:1"]);
    check("name: a\n---\nname: b", &["E007 2:1"]);
    check("a: *missing", &["E001 1:4"]);
    check("a: b: c", &["E001 1:5"]);
    check("", &["E001 1:1"]);
    check("# only a comment", &["E001 1:1"]);
}

/// The JSON that one YAML value becomes.
fn check_value(yaml: &str, expected: &serde_json::Value) {
    let text = format!("version: 1\nname: a\nsteps: [{{ id: a, type: value, config: {{ v: {yaml} }} }}]\n");
    let checked = checked(&text);
    let definition = checked.definition.unwrap_or_else(|| panic!("{yaml}: {:?}", checked.diagnostics));
    let Body::Value(Template::Literal(value)) = &definition.steps[0].body else { panic!("{yaml} is a literal") };
    assert_eq!(&value["v"], expected, "{yaml}");
}

#[test]
fn yaml_scalars_follow_the_core_schema() {
    use serde_json::json;
    for word in ["yes", "no", "on", "off", "y", "n"] {
        check_value(word, &json!(word));
    }
    check_value("true", &json!(true));
    check_value("False", &json!(false));
    check_value("~", &json!(null));
    check_value("null", &json!(null));
    check_value("1_000", &json!("1_000"));
    check_value("12", &json!(12));
    check_value("-5", &json!(-5));
    check_value("0", &json!(0));
    check_value("0.5", &json!(0.5));
    check_value(".5", &json!(0.5));
    check_value("1e3", &json!(1000.0));
    check_value("0x1F", &json!(31));
    check_value("0o17", &json!(15));
    check_value("'012'", &json!("012"));
    check_value("!!str 012", &json!("012"));
    check_value("2026-11-24", &json!("2026-11-24"));
    check_value("1.2.3", &json!("1.2.3"));
    check_value("12:30", &json!("12:30"));
    check_value("\"a\\tb\\u05d0\"", &json!("a\tb\u{5d0}"));
}

#[test]
fn anchors_and_merges_work_inside_one_file() {
    let text = "version: 1\nname: &name shared\nsteps:\n- &first { id: a, type: log, config: { message: *name } }\n- { <<: *first, id: b }\n";
    let definition = checked(text).definition.expect("the document is right");
    assert_eq!(definition.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let Body::Log { message: Template::Literal(message), .. } = &definition.steps[1].body else { panic!("b logs") };
    assert_eq!(message, "shared");
}

#[test]
fn unquoted_braces_are_found_wherever_a_value_stands() {
    let step = |config: &str| format!("name: a\nsteps:\n- id: a\n  type: log\n  config: {config}\n");
    check(&step("{ message: {{ inputs.a }} }"), &["E002 5:22"]);
    check(&step("\n    message: {{ inputs.a }} # why"), &["E002 6:14"]);
    check(&step("\n    message: {{ inputs.a }} and {{ inputs.b }}"), &["E002 6:14"]);
    check("name: a\nsteps:\n- {{ inputs.a }}\n", &["E002 3:3"]);
}

#[test]
fn quoted_braces_are_left_alone() {
    let step = |config: &str| format!("name: a\nsteps:\n- id: a\n  type: log\n  config: {config}\n");
    check(&step("{ message: \"{{ inputs.a }}\" }"), &[]);
    check(&step("{ message: '{{ inputs.a }}' }"), &[]);
    check(&step("\n    message: |\n      first\n      - {{ inputs.a }}"), &[]);
    check(&step("\n    message: \"first\n      - {{ inputs.a }}\""), &[]);
    check(&step("\n    message: text {{ inputs.a }} # {{ not.this }}"), &[]);
}

#[test]
fn the_quoting_fix_makes_a_document_right() {
    let text = "name: a\nsteps:\n- id: a\n  type: log\n  config:\n    message: {{ inputs['a'] | default(\"x\") }}\n";
    let checked = checked(text);
    let edit = &checked.diagnostics[0].fixes[0].edits[0];
    let (start, end) = (edit.range.start.offset as usize, edit.range.end.offset as usize);
    check(&format!("{}{}{}", &text[..start], edit.text, &text[end..]), &[]);
}

#[test]
fn a_json_file_is_never_read_as_yaml() {
    let source = Source::new("w.json", "name: a\nsteps: []", Format::Json);
    let checked = check_source(&source, &checking::catalog());
    assert_eq!(checked.diagnostics[0].code, "E001");
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_document() {
    let text = "\u{feff}{ \"name\": \"a\", \"steps\": [{ \"id\": \"a\", \"type\": \"return\" }] }";
    let source = Source::from_file("w.json", text);
    assert!(check_source(&source, &checking::catalog()).is_valid());
}

#[test]
fn windows_line_ends_change_no_column() {
    check("name: a\r\nsteps:\r\n- id: a\r\n  type: retrun\r\n", &["E114 4:9"]);
}
