//! What expressions and templates come to.

#![allow(clippy::needless_pass_by_value, reason = "a literal is easier to pass by value")]

#[path = "kit/build.rs"]
mod build;

use build::{expression, template};
use onward_workflows::Scope;
use serde_json::{Value, json};

fn scope() -> Scope {
    Scope::new()
        .with("inputs", &json!({"vip": true, "amount": 1500, "name": "Noa", "tags": ["a", "b"], "nothing": null}))
        .with("rows", &json!([{"id": 7, "status": "failed"}, {"id": 8, "status": "ok"}, {"id": 9, "status": "failed"}]))
        .with("order", &json!({"fields": {"ID": 5, "Phone number": "x"}, "big": 9_007_199_254_740_993_i64}))
        .with("limits", &json!({"max": u64::MAX, "min": i64::MIN, "whole": 3.0, "half": 0.5}))
}

fn check(source: &str, expected: Value) {
    let value = expression(source).evaluate(&scope()).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(value, expected, "{source}");
    assert_eq!(value.to_string(), expected.to_string(), "{source}");
}

#[test]
fn paths_indices_and_odd_names() {
    check("order.fields.ID", json!(5));
    check("order.fields['Phone number']", json!("x"));
    check("rows[0].id", json!(7));
    check("rows.0.id", json!(7));
    check("rows[-1].id", json!(9));
    check("inputs.tags", json!(["a", "b"]));
    check("order", json!({"fields": {"ID": 5, "Phone number": "x"}, "big": 9_007_199_254_740_993_i64}));
}

#[test]
fn null_has_three_names_and_booleans_two_spellings() {
    check("[null, none, None]", json!([null, null, null]));
    check("[true, True, false, False]", json!([true, true, false, false]));
    check("inputs.nothing", json!(null));
    check("inputs.nothing == null", json!(true));
    check("inputs.nothing is null", json!(true));
    check("inputs.name is not null", json!(true));
}

#[test]
fn integers_stay_exact_and_whole_floats_stay_floats() {
    check("order.big", json!(9_007_199_254_740_993_i64));
    check("limits.max", json!(u64::MAX));
    check("limits.min", json!(i64::MIN));
    check("limits.whole", json!(3.0));
    check("1500 / 5", json!(300.0));
    check("1 - 5", json!(-4));
    check("7 // 2", json!(3));
    check("7 % 4", json!(3));
    check("2 ** 10", json!(1024));
    check("inputs.amount + 1", json!(1501));
    let quotient = expression("1500 / 7").evaluate(&scope()).unwrap();
    assert!((quotient.as_f64().unwrap() - 214.285_714).abs() < 0.001);
}

#[test]
fn comparing_combining_choosing() {
    check("inputs.amount > 1000 and inputs.vip", json!(true));
    check("'high' if inputs.vip else 'normal'", json!("high"));
    check("'a' in inputs.tags", json!(true));
    check("'c' not in inputs.tags", json!(true));
    check("not inputs.vip or inputs.amount != 1500", json!(false));
    check("inputs.name ~ '-' ~ inputs.amount", json!("Noa-1500"));
}

#[test]
fn lists() {
    check("rows | selectattr('status', 'eq', 'failed') | map(attribute='id') | list", json!([7, 9]));
    check("rows | map(attribute='id')", json!([7, 8, 9]));
    check("rows | length", json!(3));
    check("(rows | first).id", json!(7));
    check("[3, 1, 2] | sort", json!([1, 2, 3]));
    check("[1, 1, 2] | unique", json!([1, 2]));
    check("[1, 2, 3] | batch(2)", json!([[1, 2], [3]]));
    check("range(3)", json!([0, 1, 2]));
    check("{'a': {'b': 1}}", json!({"a": {"b": 1}}));
}

#[test]
fn tests_of_values() {
    check("inputs.name is startingwith('N')", json!(true));
    check("inputs.name is endingwith 'a'", json!(true));
    check("inputs.amount is number", json!(true));
    check("inputs.missing is defined", json!(false));
    check("inputs.name is defined", json!(true));
    check("inputs.missing is not defined", json!(true));
}

#[test]
fn a_default_stands_in_for_a_missing_last_segment() {
    check("inputs.email | default(false)", json!(false));
    check("inputs.email | default('x') | upper", json!("X"));
    check("inputs.nothing.at_all | default(1)", json!(1));
    check("(inputs.prefs | default({})).mail | default('daily')", json!("daily"));
}

#[test]
fn factors_are_numbers_and_keep_their_precedence() {
    check("2 * 3", json!(6));
    check("2 * 3 + 4 * 5", json!(26));
    check("2 * 3 * 4", json!(24));
    check("10 - 2 * -3", json!(16));
    check("2 * 3 ** 2", json!(18));
    check("12 / 3 * 2", json!(8.0));
    check("2 * (1 + 1) * inputs.tags | length", json!(8));
    check("rows.0.id * rows[1].id", json!(56));
    check("[1, 2 * 3, {'a': 2 * 2}]", json!([1, 6, {"a": 4}]));
    check("2 * 3 if 1 * 1 == 1 else 0", json!(6));
    check("2 * 3 in [6] and not 2 * 2 == 5", json!(true));
    check("limits.half * 4", json!(2.0));
    check("inputs.amount * 0.17", json!(1500.0 * 0.17));
    check("'2 * 3'", json!("2 * 3"));
}

#[test]
fn a_template_that_is_one_hole_keeps_the_type() {
    let render = |source: Value| template(&source).render(&scope()).unwrap();
    assert_eq!(render(json!("{{ rows }}"))[1]["id"], json!(8));
    assert_eq!(render(json!("{{ inputs.amount }}")), json!(1500));
    assert_eq!(
        render(json!({"a": ["{{ inputs.vip }}", 1, {"b": "x"}], "c": "{{ inputs.name }}"})),
        json!({"a": [true, 1, {"b": "x"}], "c": "Noa"})
    );
}

#[test]
fn text_around_holes_prints_the_values() {
    let render = |source: &str| template(&json!(source)).render(&scope()).unwrap();
    assert_eq!(render("Hi {{ inputs.name }}!"), json!("Hi Noa!"));
    assert_eq!(render("{{ inputs.amount }} {{ inputs.vip }}"), json!("1500 true"));
    assert_eq!(render("[{{ inputs.nothing }}]"), json!("[]"));
    assert_eq!(
        render("{{ inputs.tags }} and {{ order.fields }}"),
        json!(r#"["a","b"] and {"ID":5,"Phone number":"x"}"#)
    );
    assert_eq!(render("{{ 1500 / 5 }} %"), json!("300.0 %"));
    assert_eq!(render("<b>{{ '<&>' }}</b>"), json!("<b><&></b>"));
}
