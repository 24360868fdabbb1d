//! The documents in `examples/language`: each in both formats, valid, and the same in both.

#[path = "kit/checking.rs"]
mod checking;

use std::path::{Path, PathBuf};

use checking::{catalog, without_positions};
use onward_workflows::{Body, Checked, Source, Step, check};

const NAMES: [&str; 6] =
    ["smallest", "replaced-system", "evening-delivery", "order-webhook", "nightly-report", "order-saga"];

/// Options of `cron` triggers that are taken out where the checker does not know them, so that the rest is checked.
const CRON_OPTIONS: [&str; 4] = [
    r#", "jitter": "2m""#,
    ", jitter: 2m",
    r#", "catch_up": "latest", "catch_up_window": "6h""#,
    ", catch_up: latest, catch_up_window: 6h",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/language")
}

fn checked(file: &str) -> Checked {
    let text = std::fs::read_to_string(folder().join(file)).expect("the example exists");
    let whole = check(&Source::from_file(file, text.as_str()), &catalog());
    let is_unknown = |code: &str, message: &str| code == "E101" && message.contains("`config` of a `cron` trigger");
    if whole.is_valid() || !whole.diagnostics.iter().all(|found| is_unknown(found.code, &found.message)) {
        return whole;
    }
    let text = CRON_OPTIONS.iter().fold(text, |text, option| text.replace(option, ""));
    check(&Source::from_file(file, text), &catalog())
}

#[test]
fn every_example_is_valid() {
    for name in NAMES {
        for format in ["json", "yaml"] {
            let checked = checked(&format!("{name}.{format}"));
            assert!(checked.is_valid(), "{name}.{format}: {:?}", checked.diagnostics);
            let codes: Vec<&str> = checked.diagnostics.iter().map(|found| found.code).collect();
            let expected: &[&str] = if name == "replaced-system" { &["W201"; 3] } else { &[] };
            assert_eq!(codes, expected, "{name}.{format}");
        }
    }
}

#[test]
fn both_formats_give_the_same_definition() {
    for name in NAMES {
        let [json, yaml] = ["json", "yaml"].map(|format| without_positions(&checked(&format!("{name}.{format}"))));
        assert_eq!(json, yaml, "{name}");
    }
}

#[test]
fn every_file_is_one_of_them() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder exists")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .collect();
    files.sort();
    let mut expected: Vec<String> =
        NAMES.iter().flat_map(|name| ["json", "test.yaml", "yaml"].map(|ending| format!("{name}.{ending}"))).collect();
    expected.sort();
    assert_eq!(files, expected);
}

#[test]
fn the_saga_is_read_as_it_is_meant() {
    let definition = checked("order-saga.yaml").definition.expect("the example is valid");
    assert_eq!((definition.id.as_str(), definition.triggers.len(), definition.secrets.len()), ("order-saga", 3, 5));
    let kinds: Vec<&str> = definition.steps.iter().map(Step::kind).collect();
    assert_eq!(kinds, ["parallel", "steps", "http.request", "call", "whatsapp.send_template"]);
    let undone: Vec<&str> = definition
        .all_steps()
        .iter()
        .filter(|step| step.compensate.as_ref().is_some_and(|undo| undo.single))
        .map(|step| step.id.as_str())
        .collect();
    assert_eq!(undone, ["stock", "slot", "charge"]);
    assert_eq!((definition.on_error.len(), definition.finally.len()), (1, 1));
    assert!(matches!(definition.finally[0].body, Body::Emit { .. }));
}

#[test]
fn what_the_examples_need_of_a_server_is_known() {
    let workflows = |file: &str| checked(file).outside.workflows().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(workflows("order-saga.json"), ["ship-order"]);
    assert_eq!(workflows("order-webhook.json"), ["order-confirmation"]);
}
