//! Doing what diagnostics propose, until nothing is left to do.

#[path = "kit/checking.rs"]
mod checking;

use checking::catalog;
use onward_workflows::{Checked, Format, Repaired, Severity, Source, Trust, check, repair};
use proptest::prelude::*;

fn repaired(text: &str, format: Format, trust: Trust) -> Repaired {
    repair(&Source::new("w", text, format), &catalog(), trust)
}

fn codes(repaired: &Repaired) -> Vec<&str> {
    repaired.fixed.iter().map(|fixed| fixed.diagnostic.code).collect()
}

const HURRIED: &str = r#"{
  "version": 1
  "name": "hurried",
  "steps": [
    { "id": "a-b", "type": "log", "config": { "message": "x", "level": "INFO" } }
    { "id": "c", "type": "value", "config": "{{ steps.a-b.output }} and {{ steps.a-b.status }}" },
    { "id": "d", "needs": [], "type": "value", "config": ["{{ steps.a-b.output }}", "{{ steps.c.output }}"] }
    { "id": "e", "type": "valeu", "config": "{{ steps.d.output }}" }
  ]
}
"#;

#[test]
fn one_fix_uncovers_the_next() {
    let safe = repaired(HURRIED, Format::Json, Trust::Safe);
    let expected = ["E001", "E001", "E001", "E105", "E125", "E125", "E111", "E125"];
    assert_eq!(codes(&safe), expected, "{}", safe.source.text);
    let left: Vec<&str> = safe.checked.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(left, ["E114"], "what a typing mistake means is for the author to say");
    assert!(safe.source.text.contains(r#""needs": ["c"]"#), "{}", safe.source.text);

    let all = repaired(HURRIED, Format::Json, Trust::Any);
    assert_eq!(all.fixed.len(), expected.len() + 1);
    assert!(all.checked.is_valid(), "{}", all.source.text);
}

#[test]
fn a_safe_fix_that_brings_new_errors_is_left_to_the_author() {
    let text = "version: 1\nname: w\nsteps:\n  - { id: a, type: value, config: 1, if: \"{{ one }} == two\" }\n";
    let safe = repaired(text, Format::Yaml, Trust::Safe);
    assert_eq!((codes(&safe), safe.source.text.as_str()), (vec![], text));
    assert_eq!(safe.checked.diagnostics[0].fixes.len(), 1, "it is offered still");
    assert_eq!(codes(&repaired(text, Format::Yaml, Trust::Any)), ["E122"]);
}

#[test]
fn what_needs_nothing_stays_as_it_is() {
    for text in ["", "{", "version: 1\nname: w\nsteps: [{ id: a, type: value, config: 1 }]\n"] {
        let repaired = repaired(text, Format::Yaml, Trust::Any);
        assert_eq!((repaired.fixed.len(), repaired.source.text.as_str()), (0, text));
    }
}

fn errors(checked: &Checked) -> usize {
    let shown = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    if shown == checked.diagnostics.len() { shown + checked.omitted } else { shown }
}

fn has_syntax_error(checked: &Checked) -> bool {
    checked.diagnostics.iter().any(|found| found.code.starts_with("E00"))
}

fn check_repaired(text: &str, format: Format, trust: Trust) {
    let source = Source::new("w", text, format);
    let before = check(&source, &catalog());
    let repaired = repair(&source, &catalog(), trust);
    let after = check(&repaired.source, &catalog());
    assert_eq!(after.diagnostics, repaired.checked.diagnostics);
    assert_eq!(repaired.fixed.is_empty(), repaired.source == source, "{text}");
    if has_syntax_error(&before) {
        return;
    }
    assert!(!has_syntax_error(&after), "{text}\n{}", repaired.source.text);
    if trust == Trust::Safe {
        assert!(errors(&after) <= errors(&before), "{text}\n{}", repaired.source.text);
        assert!(repaired.fixed.iter().all(|fixed| fixed.diagnostic.fixes.iter().any(|fix| fix.safe)));
    }
}

/// Steps with one mistake each, and one without.
const STEPS: &[&str] = &[
    r#"{ "id": "ID", "type": "value", "config": { "x": 1 } }"#,
    r#"{ "id": "ID", "type": "value", "config": "{{ inputs.visa-type }} {{ steps.s-0.output }}" }"#,
    r#"{ "id": "ID", "needs": [], "type": "value", "config": "{{ steps.s-0.output }} {{ steps.s_1.output }}" }"#,
    r#"{ "id": "ID", "type": "value", "if": "inputs.code == 5 or '5' == inputs.code", "config": 1 }"#,
    r#"{ "id": "ID", "type": "value", "if": "{{ inputs.code }} == 'x'", "config": 1 }"#,
    r#"{ "id": "ID", "type": "value", "if": "{{ nothing }} == nobody", "config": 1 }"#,
    r#"{ "id": "ID", "type": "log", "config": { "message": "{{ stepz.s-0.output }}", "level": "WARN" }, "tiemout": 5 }"#,
    r#"{ "id": "ID", "type": "http.requst", "config": { "ulr": "https://example.com" }, "needs": "s-0" }"#,
    r#"{ "id": "ID", "type": "http.request", "config": { "url": "https://example.com", "method": "post" }, "timeout": "5" }"#,
];

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(STEPS), 1..8).prop_map(|steps| {
        let steps: Vec<String> =
            steps.iter().enumerate().map(|(place, step)| step.replace("ID", &format!("s-{place}"))).collect();
        let inputs = r#"{ "visa-type": { "type": "string" }, "code": { "type": "string" } }"#;
        format!("{{\"version\": 1, \"name\": \"w\", \"inputs\": {inputs},\n\"steps\": [\n{}\n]}}\n", steps.join(",\n"))
    })
}

proptest! {
    #[test]
    fn safe_fixes_never_add_an_error(text in document(), is_yaml in any::<bool>()) {
        let format = if is_yaml { Format::Yaml } else { Format::Json };
        check_repaired(&text, format, Trust::Safe);
        check_repaired(&text, format, Trust::Any);
    }

    #[test]
    fn a_document_with_one_changed_character_is_not_made_worse(
        text in document(),
        at in any::<prop::sample::Index>(),
        letter in "[ \\n{}\"':,a0-]?",
        is_yaml in any::<bool>(),
    ) {
        let place = at.index(text.len());
        let format = if is_yaml { Format::Yaml } else { Format::Json };
        check_repaired(&format!("{}{letter}{}", &text[..place], &text[place + 1..]), format, Trust::Safe);
    }
}
