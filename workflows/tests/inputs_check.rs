//! Inputs against the schemas of their document.

#![allow(clippy::needless_pass_by_value, reason = "a literal is easier to pass by value")]

#[path = "kit/build.rs"]
mod build;

use std::collections::BTreeMap;

use onward_workflows::{Definition, Input, InputCheck, check_inputs};
use serde_json::{Value, json};

fn definition(inputs: &[(&str, Value)]) -> Definition {
    let inputs: BTreeMap<String, Input> = inputs
        .iter()
        .map(|(name, schema)| {
            ((*name).to_owned(), Input { schema: schema.clone(), default: schema.get("default").cloned() })
        })
        .collect();
    Definition { inputs, ..build::definition(vec![build::value("a", json!(1))]) }
}

fn sample() -> Definition {
    definition(&[
        ("order_id", json!({"type": "string", "pattern": "^[0-9]+$"})),
        ("amount", json!({"type": "integer", "minimum": 1, "default": 10})),
        (
            "order",
            json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}, "default": {}}),
        ),
    ])
}

#[track_caller]
fn refuses(given: Value, problems: &[(&str, &str)]) {
    let found = check_inputs(&sample(), given).expect_err("refused");
    let found: Vec<_> = found.iter().map(|problem| (problem.pointer.as_str(), problem.message.as_str())).collect();
    assert_eq!(found, problems);
}

#[test]
fn defaults_are_filled_in() {
    let checked = check_inputs(&sample(), json!({"order_id": "5"}));
    assert_eq!(checked, Ok(json!({"order_id": "5", "amount": 10, "order": {}})));
    let checked = check_inputs(&sample(), json!({"order_id": "5", "amount": 3, "order": {"x": 1}}));
    assert_eq!(checked, Ok(json!({"order_id": "5", "amount": 3, "order": {"x": 1}})));
}

#[test]
fn what_is_missing_is_named() {
    refuses(json!({}), &[("/order_id", "the input `order_id` is missing")]);
    refuses(json!(null), &[("/order_id", "the input `order_id` is missing")]);
}

#[test]
fn what_is_not_declared_is_refused() {
    refuses(
        json!({"order_id": "5", "orderid": "6", "zebra/x": 1}),
        &[
            ("/orderid", "there is no input `orderid`; did you mean `order_id`?"),
            ("/zebra~1x", "there is no input `zebra/x`; there are `amount`, `order` and `order_id`"),
        ],
    );
}

#[test]
fn a_violation_has_a_place_and_does_not_repeat_the_value() {
    refuses(
        json!({"order_id": "secret", "amount": 0, "order": {"lines": ["a", 1]}}),
        &[
            ("/amount", "`amount` is less than the minimum of 1"),
            ("/order/lines/1", "`order/lines/1` is not of type \"string\""),
            ("/order_id", "`order_id` does not match \"^[0-9]+$\""),
        ],
    );
    refuses(json!([1]), &[("", "the inputs are an object, from names to values")]);
}

#[test]
fn a_document_without_inputs_takes_whatever_comes() {
    for given in [json!(null), json!({"a": 1}), json!([1, 2]), json!("text")] {
        assert_eq!(check_inputs(&definition(&[]), given.clone()), Ok(given));
    }
}

#[test]
fn problems_are_counted_up_to_a_limit() {
    let check = InputCheck::new(&sample());
    let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("x{n}"), json!(n))).collect();
    assert_eq!(check.check(Value::Object(many)).unwrap_err().len(), 20);
}

#[test]
fn a_schema_fetches_nothing_and_its_patterns_are_linear() {
    for schema in [json!({"$ref": "http://127.0.0.1:9/schema.json"}), json!({"pattern": "(?=x)"}), json!({"type": 5})] {
        let problems = check_inputs(&definition(&[("a", schema)]), json!({"a": "x"})).unwrap_err();
        assert!(problems[0].message.starts_with("the schema of `a` cannot be used: "), "{problems:?}");
    }
    let slow = definition(&[("a", json!({"pattern": "^(a|a)*$"}))]);
    assert!(check_inputs(&slow, json!({"a": format!("{}b", "a".repeat(50_000))})).is_err());
}
