//! Values that look like credentials, and values that only resemble them.

#[path = "kit/checking.rs"]
mod checking;

use checking::checked;
use onward_workflows::Severity;
use serde_json::{Value, json};

fn document(config: &Value) -> String {
    let config = json!({ "url": "https://a.test", "body": config });
    let step = json!({ "id": "a", "type": "http.request", "config": config });
    json!({ "version": 1, "name": "a", "secrets": ["BI_KEY"], "inputs": { "token": {} }, "steps": [step] }).to_string()
}

/// Each value stands in a field with this name; `token` is the part under the caret.
fn suspects(name: &str, value: &str, token: &str) {
    let text = document(&json!({ "deep": [{ name: value }] }));
    let checked = checked(&text);
    assert!(checked.is_valid(), "it is a warning");
    let [found] = checked.diagnostics.as_slice() else { panic!("{name}: {value}: {:?}", checked.diagnostics) };
    assert_eq!((found.code, found.severity), ("W203", Severity::Warning), "{value}");
    let range = found.range.start.offset as usize..found.range.end.offset as usize;
    assert_eq!(&text[range], token, "{value}");
    assert_eq!(found.label.as_deref(), Some("move it into a secret"));
    let help = found.help.as_deref().unwrap_or_default();
    assert!(help.contains("\"secrets\"") && help.contains("{{ secrets.NAME }}"), "{help}");
    let said = format!("{} {:?} {help}", found.message, found.label);
    assert!(!said.contains(token), "{said}");
}

fn accepts(name: &str, value: &str) {
    let checked = checked(&document(&json!({ name: value })));
    assert!(checked.diagnostics.is_empty(), "{name}: {value}: {:?}", checked.diagnostics);
}

/// Built here so that no scanner of repositories takes this file for a leak.
fn fake(prefix: &str) -> String {
    format!("{prefix}{}", "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3a4b5c6d7e8f9g0h1i2j3k4l")
}

#[test]
fn well_known_prefixes_are_seen_anywhere() {
    for prefix in ["sk_live_", "xoxb-", "ghp_", "github_pat_", "glpat-", "whsec_", "EAA", "AIza", "sk-ant-"] {
        let token = fake(prefix);
        suspects("note", &token, &token);
        suspects("note", &format!("use {token}, please"), &token);
        suspects("url", &format!("https://example.test/?key={token}&a=1"), &token);
        suspects("note", &format!("{{{{ run.id }}}} {token}"), &token);
    }
    let airtable = format!("pat0aB1cD2eF3gH4i.{}", "0123456789abcdef".repeat(4));
    suspects("note", &airtable, &airtable);
    let web_token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl";
    suspects("note", &format!("{web_token}."), web_token);
    suspects("note", "Bearer 7f3a9c2e1b8d4f6a0c5e9b7d", "7f3a9c2e1b8d4f6a0c5e9b7d");
    suspects("note", "-----BEGIN RSA PRIVATE KEY-----\nMIIB", "-----BEGIN RSA PRIVATE KEY-----");
}

#[test]
fn names_make_a_value_suspicious() {
    for name in ["token", "password", "secret", "api_key", "apiKey", "X-Api-Key", "client_secret", "accessToken"] {
        suspects(name, "hunter2hunter2", "hunter2hunter2");
    }
    suspects("Authorization", "Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==");
    suspects("authorization", "7f3a9c2e1b8d", "7f3a9c2e1b8d");
    suspects("password", "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz");
}

#[test]
fn words_addresses_and_templates_are_not_suspicious() {
    for value in [
        "patience is a virtue",
        "pattern123456789012345678901234567890",
        "patient-record-2024-01-31.pdf",
        "eyJust a word",
        "ghp_",
        "xoxb-channel",
        "Bearer of bad news",
        "Bearer {{ secrets.BI_KEY }}",
        "task_live_0123456789abcdef",
        "risk-assessment-2024-final-version-3",
        "https://example.test/tokens/0123456789abcdef0123456789abcdef",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "EAAT SLEEP REPEAT",
        "SG.",
    ] {
        accepts("note", value);
    }
    for value in [
        "short",
        "confidential",
        "forgot-password",
        "SLACK_BOT_TOKEN_OF_THE_TEAM",
        "with some spaces in it",
        "https://example.test/oauth/token/v2",
        "{{ inputs.token }}",
        "prefix-1234567890-{{ inputs.token }}",
        "סיסמה-סודית-מאוד",
    ] {
        accepts("token", value);
    }
    accepts("next_page_token", "7f3a9c2e1b8d4f6a");
    accepts("tokens", "7f3a9c2e1b8d4f6a");
    accepts("token_type", "7f3a9c2e1b8d4f6a");
    accepts("secretary", "7f3a9c2e1b8d4f6a");
}

#[test]
fn secrets_are_looked_for_in_undo_steps_too() {
    let text = "version: 1
name: a
steps:
  - id: a
    type: value
    compensate:
      type: http.request
      config: { url: 'https://a.test', headers: { X-Token: hunter2hunter2 } }
";
    assert_eq!(checking::found(text), ["W203 8:60"]);
}
