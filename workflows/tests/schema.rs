//! The schema for editors says less than the checker, and never the opposite.

#[path = "kit/checking.rs"]
mod checking;
#[path = "kit/corpus.rs"]
mod corpus;
#[path = "kit/documents.rs"]
mod documents;

use std::sync::LazyLock;

use checking::catalog;
use corpus::{changed, documents_in, explained, is_accepted};
use jsonschema::Validator;
use onward_workflows::{Format, Source, check, schema};
use proptest::prelude::*;
use serde_json::{Value, json};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| compile(&schema(&catalog())));

fn compile(schema: &Value) -> Validator {
    jsonschema::options().offline().build(schema).expect("the schema is one")
}

fn problems(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_documents_of_this_repository_fit_the_schema_that_is_kept() {
    let kept = include_str!("../schema/workflow.schema.json");
    let validator = compile(&serde_json::from_str(kept).expect("the schema is JSON"));
    let documents = [documents_in("../examples"), documents_in("tests/valid")].concat();
    assert!(documents.len() >= 7, "{}", documents.len());
    for (name, document) in documents {
        assert_eq!(problems(&validator, &document), [""; 0], "{name}");
    }
}

#[test]
fn what_has_the_wrong_shape_does_not_fit() {
    let wrong = ["01-typo.json", "02-misplaced.json", "03-type.yaml", "04-unit.json", "13-more.json"];
    for (name, document) in documents_in("tests/invalid") {
        // The others are wrong in what they mean.
        assert_eq!(!VALIDATOR.is_valid(&document), wrong.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn what_the_pages_of_explain_show_fits_if_it_is_right() {
    let documents = explained();
    let (right, wrong): (Vec<&Value>, Vec<&Value>) = documents.iter().partition(|document| is_accepted(document));
    assert!(right.len() > 90, "{}", right.len());
    for document in right {
        assert_eq!(problems(&VALIDATOR, document), [""; 0], "{document}");
    }
    let refused = wrong.iter().filter(|document| !VALIDATOR.is_valid(document)).count();
    assert!(refused >= 10, "{refused} of {}", wrong.len());
}

/// The words that the checker lists when it meets one that it does not know.
fn words_of_the_checker(document: &Value) -> Vec<String> {
    let text = document.to_string();
    let checked = check(&Source::new("w.json", text, Format::Json), &catalog());
    let mut labels = checked
        .diagnostics
        .iter()
        .filter_map(|found| found.label.as_deref().and_then(|label| label.strip_prefix("allowed: ")));
    let list = labels.next_back().unwrap_or_else(|| panic!("{document}: {:?}", checked.diagnostics));
    let mut words: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    words.sort();
    words
}

/// Every word of the checker fits where an unknown one stands, and the unknown one does not.
fn check_words(document: &Value, pointer: &str) {
    let mut document = document.clone();
    assert!(!VALIDATOR.is_valid(&document), "{document}");
    for word in words_of_the_checker(&document) {
        *document.pointer_mut(pointer).expect("the place is there") = word.as_str().into();
        // What else goes with a word is not asked here.
        let needs = json!({ "scheme": "github", "secret": "{{ secrets.A }}" });
        if word == "signature" {
            document["triggers"][0]["config"]["signature"] = needs;
        }
        assert_eq!(problems(&VALIDATOR, &document), [""; 0], "{word}");
    }
}

#[test]
fn the_words_are_those_of_the_checker() {
    let with = |field: &str, value: Value| {
        let mut document = json!({ "version": 1, "name": "a", "steps": [{ "id": "a", "type": "value" }] });
        document[field] = value;
        document
    };
    let step = |field: &str, value: Value| {
        let mut step = json!({ "id": "a", "type": "http.request", "config": { "url": "https://a.test" } });
        step[field] = value;
        with("steps", json!([step]))
    };
    let trigger = |name: &str, field: &str, value: Value| {
        let mut config = json!({});
        if name == "cron" {
            config["schedule"] = "@daily".into();
        }
        config[field] = value;
        with("triggers", json!([{ "type": name, "config": config }]))
    };
    check_words(&with("priority", "zzz".into()), "/priority");
    check_words(&with("concurrency", json!({ "limit": 1, "overflow": "zzz" })), "/concurrency/overflow");
    check_words(&step("retry", json!({ "backoff": "zzz" })), "/steps/0/retry/backoff");
    check_words(&step("on_error", "zzz".into()), "/steps/0/on_error");
    check_words(&trigger("cron", "overlap", "zzz".into()), "/triggers/0/config/overlap");
    check_words(&trigger("cron", "catch_up", "zzz".into()), "/triggers/0/config/catch_up");
    check_words(&trigger("webhook", "auth", "zzz".into()), "/triggers/0/config/auth");
    check_words(&trigger("webhook", "respond", "zzz".into()), "/triggers/0/config/respond");
    check_words(&trigger("webhook", "methods", "zzz".into()), "/triggers/0/config/methods");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_the_checker_accepts_fits(document in documents::document()) {
        if is_accepted(&document) {
            prop_assert_eq!(problems(&VALIDATOR, &document), [""; 0]);
        }
    }

    #[test]
    fn what_the_checker_accepts_of_a_changed_document_fits((_, document) in changed()) {
        if is_accepted(&document) {
            prop_assert_eq!(problems(&VALIDATOR, &document), [""; 0], "{}", document);
        }
    }
}
