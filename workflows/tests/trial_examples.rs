//! The test files of the examples, all of them.

#[path = "kit/checking.rs"]
mod checking;

use std::path::{Path, PathBuf};

use checking::catalog;
use onward_workflows::{Source, Style, check, render, tested_workflow, try_cases};

fn read(file: &Path) -> Source {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Source::from_file(file.file_name().expect("a name").to_string_lossy(), text)
}

#[test]
fn every_example_of_the_language_passes_its_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/language");
    let entries = std::fs::read_dir(&folder).expect("the examples");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    assert_eq!(files.len(), 6, "{files:?}");
    let mut cases = 0;
    for file in files {
        let tests = read(&file);
        let document = read(&folder.join(tested_workflow(&tests).expect("a document")));
        let definition = check(&document, &catalog()).definition.expect("a valid document");
        let trial = try_cases(&tests, &document, definition, |_| true);
        let found = trial.diagnostics.into_iter().chain(trial.cases.iter().flat_map(|case| case.diagnostics.clone()));
        let found: Vec<_> = found.collect();
        assert!(found.is_empty(), "{}", render(&found, &tests, Style::default()));
        cases += trial.cases.len();
    }
    assert!(cases > 30, "{cases} cases");
}
