//! Documents of the replaced system in today's words.

#[path = "kit/checking.rs"]
mod checking;
#[path = "kit/corpus.rs"]
mod corpus;

use checking::catalog;
use onward_workflows::{Format, Imported, Severity, Source, check, import_visapi};
use proptest::prelude::*;

const WRAPPED: &str = r##"{
  "id": "01928374-6556-4788-9900-aabbccddeeff", "name": "Canada order follow-up", "description": "Tell ops and the customer",
  "enabled": true, "variables": { "opsChannel": "#ops-canada" }, "created_at": "2025-06-01T00:00:00Z",
  "schema": {
    "triggers": [
      { "type": "webhook", "config": { "endpoint": "canada-orders", "key": "vizi_canada", "source": "vizi" } },
      { "type": "manual", "config": {} }
    ],
    "steps": [
      { "id": "tell-ops", "type": "slack.send", "config": { "channel": "{{opsChannel}}", "message": "New order {{order.id}} for {{ metadata.client_name }}" }, "retries": 2 },
      { "id": "pause", "type": "delay", "config": { "duration": 90000 }, "retries": 0 },
      { "id": "receipt", "type": "pdf.generate", "config": { "template": "receipt", "data": { "amount": "{{order.amount}}", "first": "{{applicants.0.passport.firstName}}" } }, "timeout": 60000 },
      { "id": "send", "type": "whatsapp.send", "config": { "contact": "{{order.phone}}", "template": "receipt_ready", "variables": { "name": "{{order.name}}" }, "fileUrl": "https://files.test/a.pdf", "fileType": "document" } }
    ]
  }
}"##;

const EXPECTED: &str = r##"version: 1
id: "01928374-6556-4788-9900-aabbccddeeff"
name: Canada order follow-up
description: Tell ops and the customer
enabled: true
variables:
  opsChannel: "#ops-canada"
triggers:
  - type: webhook
    config: { endpoint: canada-orders }
    inputs:
      applicants: "{{ trigger.body.applicants }}"
      metadata: "{{ trigger.body.metadata }}"
      order: "{{ trigger.body.order }}"
  - { type: manual }
inputs:
  applicants: { type: array }
  metadata: { type: object }
  order: { type: object }
steps:
  - id: tell-ops
    type: slack.send
    retry: 2
    config:
      channel: "{{ variables.opsChannel }}"
      message: "New order {{ inputs.order.id }} for {{ inputs.metadata.client_name }}"
  - id: pause
    type: wait
    config: { for: 90s }
  - id: receipt
    type: pdf.render
    timeout: 1m
    config:
      template: receipt
      data:
        amount: "{{ inputs.order.amount }}"
        first: "{{ inputs.applicants.0.passport.firstName }}"
  - id: send
    type: whatsapp.send_template
    config:
      to: "{{ inputs.order.phone }}"
      template: receipt_ready
      params: ["{{ inputs.order.name }}"]
      document: https://files.test/a.pdf
"##;

fn imported(text: &str, format: Format) -> Imported {
    let mut all = import_visapi(&Source::new("old", text, Format::Json), format).expect("it can be read");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Errors and warnings about the new document, apart from types that no worker offers.
fn findings(imported: &Imported) -> Vec<String> {
    let source = Source::new("new", imported.text.clone(), imported.format);
    assert_eq!(onward_workflows::format(&source).expect("it can be laid out"), imported.text);
    check(&source, &catalog()).diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect()
}

fn has_note(imported: &Imported, text: &str) {
    assert!(imported.notes.iter().any(|note| note.contains(text)), "{text}: {:#?}", imported.notes);
}

#[test]
fn a_wrapped_document_is_written_in_todays_words() {
    let new = imported(WRAPPED, Format::Yaml);
    assert_eq!(new.text, EXPECTED);
    assert_eq!(findings(&new), [""; 0]);
    assert_eq!(new.file_stem, "canada-order-follow-up");
    has_note(&new, "triggers[0]: `key` \"vizi_canada\" was left out: the endpoint is \"canada-orders\"");
    has_note(&new, "triggers[0]: `config.source` was left out");
    has_note(&new, "steps.pause: `retries` and `timeout` were left out");
    has_note(&new, "inputs: a request without `applicants`, `metadata`, `order` is refused with 422 now");
    has_note(&new, "keeps its JSON type");
    assert!(!new.notes.iter().any(|note| note.contains("created_at")), "{:#?}", new.notes);
    assert_eq!(findings(&imported(WRAPPED, Format::Json)), [""; 0]);
}

#[test]
fn a_schedule_has_no_inputs_to_map() {
    let text = r#"{ "name": "daily", "triggers": [{ "type": "cron", "config": { "schedule": "0 9 * * *" } }, { "type": "webhook", "config": { "path": "d" } }],
      "steps": [{ "id": "a", "type": "slack.send", "config": { "channel": "x", "message": "{{workflowId}} {{order.id}} {{trigger.schedule}} {{a-b.c}}" } }] }"#;
    let new = imported(text, Format::Yaml);
    let message = "{{ workflow.id }} {{ trigger.body.order.id }} {{ trigger.schedule }} {{ trigger.body['a-b'].c }}";
    assert!(new.text.contains(message) && new.text.contains("endpoint: d"), "{}", new.text);
    assert!(!new.text.contains("inputs"), "{}", new.text);
    has_note(&new, "a run that a schedule starts has no request");
    has_note(&new, "`trigger.schedule` does not exist any more");
    assert_eq!(findings(&new), [""; 0]);
}

#[test]
fn what_has_no_equal_stays_and_is_noted() {
    let text = r##"{ "name": "odd", "version": "1.2.0", "steps": [
      { "id": "a", "type": "whatsapp.send", "config": { "to": "+999", "template": "t", "variables": { "name": "x", "city": "y" } } },
      { "id": "b", "type": "whatsapp.send", "config": { "contact": "+999", "template": "t", "variables": { "2": "y", "1": "x" } } },
      { "id": "c", "type": "email.send", "config": { "recipient": "a@b.test", "subject": "Hi {{#if x}}" } },
      { "id": "d", "type": "storage.upload", "config": {} },
      { "id": "e", "type": "slack.send", "config": { "channel": "#x", "message": "{{a + b}}" }, "note": 1 } ] }"##;
    let new = imported(text, Format::Json);
    assert!(
        new.text.contains(r#""type": "whatsapp.send", "config": { "to""#) || new.text.contains("\"whatsapp.send\""),
        "{}",
        new.text
    );
    assert!(new.text.contains(r#""params": ["x", "y"]"#), "{}", new.text);
    assert!(new.text.contains(r#""to": "a@b.test""#), "{}", new.text);
    for note in [
        "document: `version` was left out",
        "steps.a: `whatsapp.send` stays as it is",
        "steps.c: the old worker never sent e-mails",
        "steps.c: `{{#if x}}` is no path",
        "steps.d: the type `storage.upload` is none",
        "steps.e: `note` was left out",
    ] {
        has_note(&new, note);
    }
    let found = findings(&new);
    assert!(found.iter().any(|finding| finding == "E114 unknown step type `storage.upload`"), "{found:?}");
}

#[test]
fn an_answer_with_several_workflows_becomes_several_documents() {
    let list = format!("[{WRAPPED}, {WRAPPED}]");
    let read =
        |text: &str| import_visapi(&Source::new("old", text, Format::Json), Format::Yaml).expect("it can be read");
    assert_eq!(read(&list).len(), 2);
    assert_eq!(read(&format!("{{ \"data\": {list} }}")).len(), 2);
    assert!(import_visapi(&Source::new("old", "{", Format::Json), Format::Yaml).is_err());
}

#[test]
fn old_documents_are_accepted_as_they_are() {
    for text in [WRAPPED, include_str!("valid/old-flat.json"), include_str!("../../examples/visa-status-update.json")] {
        let checked = check(&Source::new("old", text, Format::Json), &catalog());
        assert!(checked.is_valid(), "{:?}", checked.diagnostics);
        assert!(checked.diagnostics.iter().all(|found| found.severity == Severity::Warning));
        assert_eq!(findings(&imported(text, Format::Yaml)), [""; 0]);
    }
}

proptest! {
    /// Whatever stands in the old document, something comes of it that can be laid out and read.
    #[test]
    fn any_document_gets_an_answer((_, document) in corpus::changed()) {
        for format in [Format::Yaml, Format::Json] {
            let text = document.to_string();
            for new in import_visapi(&Source::new("old", text, Format::Json), format).expect("it can be read") {
                prop_assert!(onward_workflows::format(&Source::new("new", new.text.as_str(), format)).is_ok(), "{}", new.text);
                prop_assert!(!new.file_stem.is_empty() && !new.file_stem.contains(['/', '.']), "{}", new.file_stem);
            }
        }
    }
}
