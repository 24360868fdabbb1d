//! The example documents, checked against the step types of this crate.
#![expect(clippy::unwrap_used, reason = "in a test, panicking is how to fail")]

use std::fs;
use std::path::Path;

use onward_steps::Steps;
use onward_workflows::{Catalog, Checked, Source, Style, check, render};

/// Of the replaced system: accepted with warnings.
const OLD: &str = "visa-status-update.json";

fn check_example(name: &str) -> (Checked, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let source = Source::from_file(name, fs::read_to_string(path).unwrap());
    let checked = check(&source, &Catalog::new(Steps::types()));
    let text = render(&checked.diagnostics, &source, Style::default());
    (checked, text)
}

#[test]
fn every_example_can_be_deployed_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The documents of the whole language have tests of their own.
    names.retain(|name| name != "language" && name != "templates");
    names.sort();
    assert_eq!(
        names,
        [
            "heartbeat.yaml",
            "hello.yaml",
            "nightly-report.yaml",
            "order-confirmation.json",
            "ship-order.yaml",
            OLD,
            "whatsapp-templates.yaml"
        ]
    );
    for name in names.iter().filter(|name| *name != OLD) {
        let (checked, text) = check_example(name);
        assert!(checked.is_valid() && checked.diagnostics.is_empty() && checked.unoffered.is_empty(), "{text}");
    }
}

#[test]
fn the_old_document_is_valid_with_warnings() {
    let (checked, text) = check_example(OLD);
    assert!(checked.is_valid(), "{text}");
    assert!(!checked.diagnostics.is_empty());
    assert!(checked.unoffered.is_empty());
}
