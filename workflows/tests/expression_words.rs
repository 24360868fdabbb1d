//! The functions and filters that come on top of MiniJinja's.

#![allow(clippy::needless_pass_by_value, reason = "a literal is easier to pass by value")]

use onward_workflows::{Expression, Scope};
use serde_json::{Value, json};

fn evaluate(source: &str) -> Result<Value, String> {
    let scope = Scope::new().with("x", &json!({"id": 1, "name": "Noa", "note": null}));
    let expression = Expression::compile(source, 1, 1).expect(source);
    expression.evaluate(&scope).map_err(|error| error.message)
}

fn check(source: &str, expected: Value) {
    assert_eq!(evaluate(source), Ok(expected), "{source}");
}

fn refuses(source: &str, message: &str) {
    assert_eq!(evaluate(source), Err(message.to_owned()), "{source}");
}

#[test]
fn base64() {
    check("'ab' | base64", json!("YWI="));
    check("'שלום' | base64 | base64(decode=true)", json!("שלום"));
    refuses("'?' | base64(decode=true)", "`base64`: this is not base64");
    refuses("'/w==' | base64(decode=true)", "`base64`: the decoded bytes are not text");
}

#[test]
fn hashes() {
    check("'abc' | sha256", json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    check(
        "'what do ya want for nothing?' | hmac('Jefe')",
        json!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    );
}

#[test]
fn urlencode() {
    check("'a b&c/ד-_.~' | urlencode", json!("a%20b%26c%2F%D7%93-_.~"));
    check("{'q': 'a b', 'n': 1} | urlencode", json!("n=1&q=a%20b"));
    check("12 | urlencode", json!("12"));
    assert!(evaluate("[1] | urlencode").is_err());
}

#[test]
fn matches() {
    check("'IL-2024' is matches('^[A-Z]{2}-[0-9]+$')", json!(true));
    check("'IL-2024' is matches '^[0-9]'", json!(false));
    check("'x' | matches('y')", json!(false));
    check("['ab', 'cd'] | select('matches', '^c') | list", json!(["cd"]));
    assert!(evaluate("'x' | matches('(')").unwrap_err().starts_with("`matches`: "));
    assert!(evaluate("'x' | matches('(?=y)')").is_err());
}

#[test]
fn phone_e164() {
    check("'052-000 0000' | phone_e164", json!("+972520000000"));
    check("'00 44 (20) 0000' | phone_e164", json!("+44200000"));
    check("'+1 000' | phone_e164", json!("+1000"));
    check("'020 0000' | phone_e164(country='44')", json!("+44200000"));
    check("'972520000000' | phone_e164", json!("+972520000000"));
    check("972520000000 | phone_e164", json!("+972520000000"));
    for bad in ["''", "'+'", "'abc'", "'+0123'", "'+12345678901234567'", "'+1 (23) 4x'"] {
        refuses(&format!("{bad} | phone_e164"), "`phone_e164`: this is not a phone number");
    }
}

#[test]
fn json_in_text() {
    check("'{\"a\": [1, 2.0]}' | parse_json", json!({"a": [1, 2.0]}));
    check("('{\"a\": {\"b\": 3}}' | parse_json).a.b", json!(3));
    assert!(evaluate("'{' | parse_json").unwrap_err().starts_with("`parse_json`: "));
    check("{'b': 1, 'a': [none, true, 'x']} | tojson", json!(r#"{"a":[null,true,"x"],"b":1}"#));
}

#[test]
fn picking_and_merging() {
    check("x | pick('id', 'note', 'other')", json!({"id": 1, "note": null}));
    check("x | merge({'id': 2}, {'new': true})", json!({"id": 2, "name": "Noa", "note": null, "new": true}));
    refuses("[1] | pick('a')", "`pick` takes a map, and this is a sequence");
    refuses("x | merge(1)", "`merge` takes maps, and this is a number");
}

#[test]
fn dates() {
    check("'2026-03-01T08:00:00Z' | format_date", json!("2026-03-01"));
    check("'2026-03-01T08:00:00Z' | format_date('%d.%m.%Y %H:%M', 'Asia/Jerusalem')", json!("01.03.2026 10:00"));
    check("'2026-07-01T08:00:00+02:00' | format_date('%H:%M', timezone='Asia/Jerusalem')", json!("09:00"));
    check("'2026-03-01' | format_date('%A')", json!("Sunday"));
    check("0 | format_date('%Y')", json!("1970"));
    refuses("'2026-03-01' | format_date('%Y', 'Asia/Nowhere')", "`format_date`: there is no time zone `Asia/Nowhere`");
    assert!(evaluate("'yesterday' | format_date").unwrap_err().contains("takes an instant"));
    assert!(evaluate("'2026-03-01' | format_date('%!')").is_err());
}

#[test]
fn adding_time() {
    check("'2026-03-01T08:00:00Z' | add_time('1h30m')", json!("2026-03-01T09:30:00Z"));
    check("'2026-03-01T08:00:00Z' | add_time('-1d')", json!("2026-02-28T08:00:00Z"));
    refuses(
        "'2026-03-01' | add_time('soon')",
        "`add_time`: \"soon\" is not a duration; write for example `1h30m` or `-7d`",
    );
    refuses("'9999-12-30T00:00:00Z' | add_time('1000d')", "`add_time`: the result is out of range");
}

#[test]
fn now_and_uuid_need_a_step() {
    refuses("now()", "`now()` has no meaning here");
    refuses("uuid()", "`uuid()` has no meaning here");
}
