//! Every fix that is offered does what it says, in whatever quotes it has to be written.

#![expect(clippy::format_collect, reason = "shorter, and nobody waits for it")]

#[path = "kit/checking.rs"]
mod checking;

use checking::{catalog, fixes_keep_their_promise};
use onward_workflows::{Format, Source, apply, check};

/// The mistakes of these tests, in JSON.
const DOCUMENTS: &[&str] = &[
    include_str!("invalid/01-typo.json"),
    include_str!("invalid/04-unit.json"),
    include_str!("invalid/08-race.json"),
    include_str!("invalid/10-condition.json"),
    include_str!("invalid/11-cron.json"),
    include_str!("invalid/13-more.json"),
    include_str!("valid/old-flat.json"),
    include_str!("fixes/names.json"),
    include_str!("fixes/words.json"),
    include_str!("fixes/comparisons.json"),
];

/// The same in YAML, as written there.
const YAML: &[&str] = &[
    include_str!("invalid/03-type.yaml"),
    include_str!("invalid/06-braces.yaml"),
    include_str!("invalid/07-ref.yaml"),
    include_str!("fixes/styles.yaml"),
];

fn fixes(text: &str, format: Format) -> Vec<String> {
    let source = Source::new("w", text, format);
    let checked = check(&source, &catalog());
    fixes_keep_their_promise(&source, &checked);
    let of = |found: &onward_workflows::Diagnostic| {
        let code = found.code;
        found.fixes.iter().map(move |fix| format!("{code} {} {}", fix.title, fix.safe)).collect::<Vec<_>>()
    };
    checked.diagnostics.iter().flat_map(of).collect()
}

/// One value of a map or a list a line, each string in the given style.
fn yaml(value: &serde_json::Value, indent: usize, style: Style) -> String {
    let margin = " ".repeat(indent);
    match value {
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            fields.iter().map(|(key, value)| format!("\n{margin}{key}:{}", yaml(value, indent + 2, style))).collect()
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            items.iter().map(|item| format!("\n{margin}-{}", yaml(item, indent + 2, style))).collect()
        }
        serde_json::Value::String(text) => match style {
            Style::Single => format!(" '{}'", text.replace('\'', "''")),
            Style::Plain if !text.starts_with(['{', '[', '\'', '"', '@', '#', '*', '&']) && !text.contains(": ") => {
                format!(" {text}")
            }
            Style::Block if text.trim() == text && !text.is_empty() => format!(" |-\n{margin}{text}"),
            Style::Plain | Style::Block => format!(" {value}"),
        },
        other => format!(" {other}"),
    }
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Single,
    Plain,
    Block,
}

#[test]
fn every_fix_does_what_it_says_in_json_and_in_yaml() {
    for text in DOCUMENTS {
        assert!(!fixes(text, Format::Json).is_empty(), "{text}");
        let value = serde_json::from_str(text).expect("these documents have no comments");
        for style in [Style::Single, Style::Plain, Style::Block] {
            fixes(&yaml(&value, 0, style), Format::Yaml);
        }
    }
    for text in YAML {
        assert!(!fixes(text, Format::Yaml).is_empty(), "{text}");
    }
}

/// The condition of a step `a`, given as it is written, and what the first fix makes of it.
fn check_condition(written: &str, expected: Option<&str>) {
    let document = |condition: &str| {
        format!(
            "version: 1\nname: w\ninputs: {{ code: {{ type: string }}, visa-type: {{ type: string }} }}\nsteps:\n  - id: a\n    type: value\n    if: {condition}\n    config: {{}}\n"
        )
    };
    let source = Source::new("w", document(written), Format::Yaml);
    let checked = check(&source, &catalog());
    fixes_keep_their_promise(&source, &checked);
    let fixed = checked.diagnostics[0].fixes.first().map(|fix| apply(&source.text, &fix.edits));
    assert_eq!(fixed, expected.map(document), "{written}");
}

#[test]
fn what_a_fix_writes_fits_the_quotes_around_it() {
    check_condition("inputs.code == 5", Some("inputs.code == '5'"));
    check_condition("'inputs.code == 5'", Some("'inputs.code == ''5'''"));
    check_condition("\"inputs.code == 5\"", Some("\"inputs.code == '5'\""));
    check_condition(">-\n      inputs.code == 5", Some(">-\n      inputs.code == '5'"));
    check_condition("inputs.visa-type == 'x'", Some("inputs['visa-type'] == 'x'"));
    check_condition("'inputs.visa-type == \"x\"'", Some("'inputs[''visa-type''] == \"x\"'"));
}

#[test]
fn a_fix_that_does_harm_is_not_offered() {
    // Quotes at the start of a plain scalar would be the scalar's.
    check_condition("5 == inputs.code", None);
    // A bracket would open a list.
    let flow = "version: 1\nname: w\ninputs: { visa-type: { type: string } }\nsteps: [{ id: a, type: value, if: inputs.visa-type == 'x', config: 1 }]\n";
    assert!(fixes(flow, Format::Yaml).is_empty());
    // The name is taken.
    let taken = "{ \"version\": 1, \"name\": \"w\", \"steps\": [{ \"id\": \"a\", \"type\": \"value\", \"config\": 1, \"if\": true, \"iff\": true }] }";
    assert!(fixes(taken, Format::Json).is_empty());
    // The braces stand inside a text.
    check_condition("'\"{{ inputs.code }}\" == \"x\"'", None);
    // No comma helps here.
    assert!(fixes("{ \"name\": \"w\" : 1 }", Format::Json).is_empty());
    assert!(fixes("name: w\nversion: 1\nsteps:\n  - id: a\n    type: |\n      valeu\n", Format::Yaml).is_empty());
}
