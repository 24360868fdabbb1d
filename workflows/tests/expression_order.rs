//! What is more than what.

#[path = "kit/build.rs"]
mod build;

use build::expression;
use onward_workflows::Scope;
use serde_json::{Value, json};

fn scope() -> Scope {
    let rows = json!([{ "n": 3 }, { "n": 4 }]);
    Scope::new()
        .with("a", &json!({ "text": "50", "number": 50, "null": null, "list": [1], "map": {}, "yes": true }))
        .with("rows", &rows)
}

fn is(source: &str, expected: bool) {
    let value = expression(source).evaluate(&scope()).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(value, Value::Bool(expected), "{source}");
}

fn has_none(source: &str) {
    let error = expression(source).evaluate(&scope()).expect_err(source);
    assert!(error.message.contains("have no order"), "{source}: {}", error.message);
}

#[test]
fn numbers_and_texts_have_an_order_of_their_own() {
    is("a.number > 49.5", true);
    is("a.number <= 50", true);
    is("'a' < 'b'", true);
    is("a.text > '5'", true);
    is("rows[0].n < rows[1]['n']", true);
    is("rows | length >= 2", true);
    is("a.text | int > 49", true);
    is("a.number > -1 and not a.number > (60 if a.yes else 10)", true);
    is("a.number + 1 > a.number * 1", true);
}

#[test]
fn different_types_have_no_order() {
    for source in [
        "a.text > 1000",
        "1000 < a.text",
        "a.number >= '50'",
        "a.list > 2",
        "a.map < a.number",
        "a.yes > 0",
        "a.yes and a.text > 1000",
        "(a.text) > 1000",
        "[a.text > 1000]",
        "1 if a.text > 1000 else 2",
        "rows[0].n > a['text']",
    ] {
        has_none(source);
    }
}

#[test]
fn what_is_not_compared_is_not_looked_at() {
    is("a.text is number and a.text > 1000", false);
    is("a.number > 10 or a.text > 1000", true);
}

#[test]
fn null_is_below_everything() {
    is("a.null > 3", false);
    is("a.null < 3", true);
    is("a.number > a.null", true);
}

#[test]
fn what_is_missing_is_named_as_ever() {
    let error = expression("a.other > 3").evaluate(&scope()).expect_err("there is none");
    assert!(error.message.starts_with("`a.other` does not exist"), "{}", error.message);
    is("a.other | default(5) > 3", true);
}
