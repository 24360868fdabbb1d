//! One expression over given names, as `onward eval` does it.

use chrono::DateTime;
use insta::assert_snapshot;
use onward_workflows::{Format, Source, Style, evaluate, render};
use serde_json::{Value, json};

fn value(text: &str) -> Result<Value, String> {
    let roots = json!({ "inputs": { "name": "Noa", "rows": [1, 2, 3] }, "item": { "id": 7 } });
    let source = Source::new("<expression>", text, Format::Yaml);
    let roots = roots.as_object().expect("a map");
    evaluate(&source, roots, DateTime::UNIX_EPOCH).map_err(|found| render(&[*found], &source, Style::default()))
}

#[test]
fn an_expression_and_a_template() {
    assert_eq!(value("inputs.rows | sum"), Ok(json!(6)));
    assert_eq!(value("inputs.rows | length > item.id"), Ok(json!(false)));
    assert_eq!(value("Hello {{ inputs.name }}"), Ok(json!("Hello Noa")));
    assert_eq!(value("now() | add_time('1h')"), Ok(json!("1970-01-01T01:00:00Z")));
    assert_eq!(value("{{ inputs.rows }}\n"), Ok(json!([1, 2, 3])));
}

#[test]
fn what_has_no_value_is_shown_where_it_stands() {
    assert_snapshot!("no_expression", value("inputs.rows | | sum").expect_err("no expression"));
    assert_snapshot!("open", value("Hello {{ inputs.name").expect_err("no end"));
    assert_snapshot!("missing_key", value("Hello {{ inputs.nane }}, bye").expect_err("no such key"));
    assert_snapshot!("missing_root", value("steps.a.output").expect_err("no such name"));
    let nothing = Source::new("<expression>", "inputs.a", Format::Yaml);
    let found = evaluate(&nothing, &serde_json::Map::new(), DateTime::UNIX_EPOCH).expect_err("no names at all");
    assert!(found.help.as_deref().is_some_and(|help| help.contains("--data FILE")), "{found:?}");
}
