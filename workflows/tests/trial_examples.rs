//! The test files of the examples, all of them.

#[path = "kit/checking.rs"]
mod checking;

use std::path::{Path, PathBuf};

use checking::catalog;
use onward_workflows::{Source, Style, Trial, check, render, tested_workflow, try_cases};

fn read(file: &Path) -> Source {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Source::from_file(file.file_name().expect("a name").to_string_lossy(), text)
}

fn run(folder: &Path, tests: &Source) -> Trial {
    let document = read(&folder.join(tested_workflow(tests).expect("a document")));
    let checked = check(&document, &catalog());
    let definition = checked.definition.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    try_cases(tests, &document, definition, |_| true)
}

fn assert_passed(folder: &Path, file: &Path) -> usize {
    let tests = read(file);
    let trial = run(folder, &tests);
    let cases = trial.cases.len();
    let found = trial.diagnostics.into_iter().chain(trial.cases.into_iter().flat_map(|case| case.diagnostics));
    let found: Vec<_> = found.collect();
    assert!(found.is_empty(), "{}", render(&found, &tests, Style::default()));
    cases
}

fn home(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

#[test]
fn every_example_of_the_language_passes_its_tests() {
    let folder = home("../examples/language");
    let entries = std::fs::read_dir(&folder).expect("the examples");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    assert_eq!(files.len(), 6, "{files:?}");
    let cases: usize = files.iter().map(|file| assert_passed(&folder, file)).sum();
    assert!(cases > 30, "{cases} cases");
}

/// Repeated blocks, attempts that take time, calls, cancels, undo by a list, events of the run itself.
#[test]
fn whatever_takes_time_is_played_through() {
    assert_eq!(assert_passed(&home("tests/trial"), &home("tests/trial/odd.test.yaml")), 5);
}

/// JSON; loops of one step, handlers, switches, early ends, and the kinds of triggers.
#[test]
fn whatever_a_document_may_be_made_of_is_seen() {
    assert_eq!(assert_passed(&home("tests/trial"), &home("tests/trial/forms.test.json")), 4);
}

/// Half a file, or one with a wrong word, is a mistake of its author and nothing worse.
#[test]
fn a_damaged_test_file_is_told_and_never_stops_the_program() {
    let folder = home("tests/trial");
    let whole = read(&folder.join("odd.test.yaml"));
    let lines: Vec<&str> = whole.text.lines().collect();
    let damage: [&dyn Fn(&str) -> String; 6] = [
        &|_| String::new(),
        &|line| line.replace(": ", ": [] #"),
        &|line| line.replace('m', "99999999d"),
        &|line| line.replace(['1', '3'], "-1"),
        &|line| format!("{line}\n{line}"),
        &|line| line.replace("output", "ambiguous").replace("error", "timeout"),
    ];
    for at in 1..lines.len() {
        for damage in damage {
            let mut damaged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            damaged[at] = damage(lines[at]);
            let tests = Source::from_file("odd.test.yaml", damaged.join("\n"));
            if tested_workflow(&tests).is_ok() {
                run(&folder, &tests);
            }
        }
    }
}
