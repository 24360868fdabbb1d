//! The fuzz targets over their seeds and over what they have found, on a stable toolchain.

#[path = "../../fuzz/src/bodies.rs"]
mod bodies;

use std::path::{Path, PathBuf};

/// Every file of the target's folders; what a crash has left there fails again until it is repaired.
fn replay(target: &str, body: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let files = |folder: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(fuzz.join(folder).join(target)).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").path()).filter(|file| file.is_file()).collect()
    };
    let seeds = files("seeds");
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for file in seeds.into_iter().chain(files("artifacts")) {
        println!("{}", file.display());
        body(&std::fs::read(file).expect("read a file"));
    }
}

#[test]
fn seeds_of_json_documents_are_checked_and_laid_out() {
    replay("document_json", bodies::document_json);
}

#[test]
fn seeds_of_yaml_documents_are_checked() {
    replay("document_yaml", bodies::document_yaml);
}

#[test]
fn seeds_of_expressions_are_evaluated() {
    replay("expression", bodies::expression);
}

#[test]
fn seeds_of_templates_are_rendered() {
    replay("document_template", bodies::document_template);
}

#[test]
fn seeds_of_schedules_rise() {
    replay("cron", bodies::cron);
}
