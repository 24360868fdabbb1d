use onward_workflows::ErrorKind;
use serde_json::json;

use super::*;

const VALUE: &str = "s\u{5d0}cr+t/ \"1\"\u{1f600}%2";

fn mask(secrets: &[(&str, &str)]) -> Mask {
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)));
    Mask::new(&secrets.collect())
}

fn check(value: &str, text: &str, expected: &str) {
    assert_eq!(mask(&[("KEY", value)]).text(text.to_owned()), expected, "{text}");
}

#[test]
fn a_value_is_hidden_wherever_it_stands() {
    check("hush", "hush", "[secret KEY]");
    check("hush", "Bearer hush, hushhush!", "Bearer [secret KEY], [secret KEY][secret KEY]!");
    check("hush", "nothing to hide", "nothing to hide");
    check("hush", "hushhus", "[secret KEY]hus");
    check("aaab", "aaaab", "a[secret KEY]");
    check(VALUE, &format!("\u{5d0}{VALUE}\u{5d0}"), "\u{5d0}[secret KEY]\u{5d0}");
}

#[test]
fn it_is_hidden_as_json_writes_it() {
    check(VALUE, &json!({ "echo": VALUE }).to_string(), r#"{"echo":"[secret KEY]"}"#);
    check(VALUE, r#"s\u05D0cr+t\/ \"1\"\ud83d\ude00%2"#, "[secret KEY]");
    check("a\\b\nc", r"a\\b\nc", "[secret KEY]");
}

#[test]
fn it_is_hidden_as_urls_and_forms_write_it() {
    check(VALUE, "?q=s%D7%90cr%2Bt%2F%20%221%22%F0%9F%98%80%252&x", "?q=[secret KEY]&x");
    check(VALUE, "q=s%d7%90cr%2bt%2f+%221%22%f0%9f%98%80%252", "q=[secret KEY]");
    check("to ken", "to%20ken to+ken to ken", "[secret KEY] [secret KEY] [secret KEY]");
    check("100%", "100%25 100% 100%2", "[secret KEY] [secret KEY] [secret KEY]2");
}

#[test]
fn it_is_hidden_in_base64_alone_and_inside_of_something() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    check("s3cr3t!?", &STANDARD.encode("s3cr3t!?"), "[secret KEY]");
    check("s3cr3t!?", &URL_SAFE_NO_PAD.encode("s3cr3t!?"), "[secret KEY]");
    for user in ["", "a", "ab", "abc", "abcd"] {
        let basic = STANDARD.encode(format!("{user}:correct horse battery:{user}"));
        let hidden = mask(&[("KEY", "correct horse battery")]).text(basic.clone());
        assert!(hidden.contains("[secret KEY]"), "{basic} {hidden}");
        assert!(hidden.len() < basic.len() - 12, "{basic} {hidden}");
    }
}

#[test]
fn the_longest_of_several_values_counts_and_short_ones_are_not_hidden() {
    let mask = mask(&[("LONG", "token-and-more"), ("SHORT", "token"), ("TINY", "abc")]);
    let text = mask.text("token token-and-more abc".to_owned());
    assert_eq!(text, "[secret SHORT] [secret LONG] abc");
}

#[test]
fn keys_numbers_messages_and_details_are_looked_at() {
    let mask = mask(&[("KEY", "12345678")]);
    let output = mask.value(json!({ "12345678": [12_345_678, 1.5, { "a": "x12345678" }], "n": null }));
    assert_eq!(output, json!({ "[secret KEY]": ["[secret KEY]", 1.5, { "a": "x[secret KEY]" }], "n": null }));
    let mut error = StepError::new(ErrorKind::Http, "GET /bot12345678/send");
    error.details = Some(json!({ "body": "12345678" }));
    let Outcome::Failed(masked) = mask.outcome(Outcome::Failed(error)) else { panic!() };
    assert_eq!(
        (masked.message.as_str(), masked.details),
        ("GET /bot[secret KEY]/send", Some(json!({ "body": "[secret KEY]" })))
    );
}
