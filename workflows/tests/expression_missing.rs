//! Messages about values that are not there, and about conditions that are no conditions.

use onward_workflows::{Expression, Scope};
use serde_json::json;

fn scope() -> Scope {
    let wide: serde_json::Map<_, _> = (0..15).map(|n| (format!("k{n:02}"), json!(n))).collect();
    Scope::new()
        .with(
            "inputs",
            &json!({
                "order": {"fields": {"ID": 5, "Name": "x", "Phone number": "y"}},
                "rows": [1, 2], "nothing": null, "tier": "gold", "empty": {}, "count": 3
            }),
        )
        .with("wide", &json!(wide))
}

fn check(source: &str, message: &str) {
    let expression = Expression::compile(source, 1, 1).unwrap_or_else(|error| panic!("{source}: {error}"));
    let error = expression.evaluate(&scope()).expect_err(source);
    assert_eq!(error.message, message, "{source}");
    assert_eq!(error.source_text, source);
}

#[test]
fn a_missing_property_lists_the_keys_that_exist() {
    let keys = "`inputs.order.fields.Phone` does not exist; found: ID, Name, \"Phone number\"";
    check("inputs.order.fields.Phone", keys);
    check("inputs.order.fields.Phone | upper", keys);
    check("inputs.order.fields.Phone ~ 'x'", keys);
    check("inputs.order.fields.Phone == 1", keys);
    check("[1, inputs.order.fields.Phone]", keys);
    check("inputs.order.fields['Phone']", keys);
    check("inputs.empty.x", "`inputs.empty.x` does not exist; found: nothing, it is empty");
    check("inputs.rows[5]", "`inputs.rows[5]` does not exist; `inputs.rows` is a list of 2");
    check("inputs.nothing.id", "`inputs.nothing.id` does not exist; `inputs.nothing` is null");
    check("inputs.tier.id", "`inputs.tier.id` does not exist; `inputs.tier` is a string");
    check("inputs.order['odd name']", "`inputs.order['odd name']` does not exist; found: fields");
    check("unknown", "`unknown` does not exist; found: inputs, wide");
}

#[test]
fn a_long_list_of_keys_is_cut() {
    check(
        "wide.x",
        "`wide.x` does not exist; found: k00, k01, k02, k03, k04, k05, k06, k07, k08, k09, k10, k11 and 3 more",
    );
}

#[test]
fn a_missing_middle_segment_is_not_forgiven() {
    check(
        "inputs.ordr.fields.ID | default(1)",
        "`inputs.ordr` does not exist; found: count, empty, nothing, order, rows, tier (`default` and `is defined` \
         forgive only the last name of `inputs.ordr.fields.ID`, not `ordr`)",
    );
    check(
        "inputs.order.x.y is defined",
        "`inputs.order.x` does not exist; found: fields (`default` and `is defined` forgive only the last name of \
         `inputs.order.x.y`, not `x`)",
    );
}

#[test]
fn the_reference_that_failed_is_named_and_not_one_with_a_default() {
    check("(inputs.a | default(1)) ~ inputs.order.b", "`inputs.order.b` does not exist; found: fields");
}

#[test]
fn a_choice_without_else_has_no_value() {
    check("'x' if false", "a value is missing here; give it a `default(…)` or an `else`");
}

#[test]
fn the_place_is_that_of_the_reference_in_the_document() {
    let expression = Expression::compile("1 +\n  inputs.nope", 12, 30).unwrap();
    let error = expression.evaluate(&scope()).unwrap_err();
    assert_eq!((error.line, error.column), (13, 3));
    let expression = Expression::compile("'é' ~ 2 * inputs.nope", 12, 30).unwrap();
    let error = expression.evaluate(&scope()).unwrap_err();
    assert_eq!((error.line, error.column), (12, 40));
}

#[test]
fn conditions_take_booleans_only() {
    let test = |source: &str| Expression::compile(source, 1, 1).unwrap().test(&scope());
    assert_eq!(test("inputs.count > 2"), Ok(true));
    assert_eq!(test("inputs.tier == 'x'"), Ok(false));
    assert_eq!(test("not true"), Ok(false));
    for (source, told) in [
        ("inputs.tier", "`inputs.tier` is text; write a comparison such as `inputs.tier != ''`"),
        ("inputs.count", "`inputs.count` is a number; write a comparison such as `inputs.count != 0`"),
        ("inputs.nothing", "`inputs.nothing` is null; write a comparison such as `inputs.nothing != null`"),
        ("inputs.rows", "`inputs.rows` is a list; write a comparison such as `inputs.rows | length > 0`"),
        ("inputs.order", "`inputs.order` is a map; write a comparison such as `inputs.order | length > 0`"),
    ] {
        assert_eq!(test(source).unwrap_err().message, format!("a condition is true or false, and {told}"));
    }
    assert!(test("inputs.x").unwrap_err().message.starts_with("`inputs.x` does not exist"));
}

#[test]
fn values_that_json_does_not_have_are_refused() {
    check("9223372036854775807 * 4", "36893488147419103228 does not fit into 64 bits");
    check("1e308 * 10", "inf is not a JSON number");
    check("range", "a plain object is not a JSON value");
}

#[test]
fn text_and_lists_are_not_multiplied() {
    check("inputs.tier * 3", "`*` multiplies numbers only, and this is string");
    check("3 * inputs.tier", "`*` multiplies numbers only, and this is string");
    check("2 * 3 * inputs.rows", "`*` multiplies numbers only, and this is sequence");
    check("[0] * 3", "`*` multiplies numbers only, and this is sequence");
    check("inputs.missing * 2", "`inputs.missing` does not exist; found: count, empty, nothing, order, rows, tier");
}
