//! The pages that explain codes, fields and types: complete, readable, and with examples that are what they say.

#[path = "kit/checking.rs"]
mod checking;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use checking::{catalog, checked};
use onward_workflows::{Checked, Page, Severity, closest_topic, explain, topics};
use regex::Regex;

/// Codes whose examples the checker does not tell apart.
const NOT_FROM_THE_CHECKER: [(&str, &str); 3] = [
    ("E201", "only the server knows other workflows"),
    ("E202", "only the server knows its secrets"),
    ("E301", "only a run has the data"),
];

/// Options of `cron` triggers that have their page before the checker knows them.
const NOT_CHECKED_YET: [&str; 4] = ["jitter", "overlap", "catch_up", "starts_at"];

const COLUMNS_MAX: usize = 90;

fn pages(group: &str) -> Vec<Page> {
    topics(&catalog()).into_iter().find(|found| found.name == group).expect("the group exists").pages
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The indented blocks below lines that say `heading:`, without the indentation.
fn blocks(text: &str, heading: &str) -> Vec<String> {
    text.split(&format!("\n{heading}:\n\n"))
        .skip(1)
        .map(|rest| {
            let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
            lines.map(|line| line.get(4..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
        })
        .collect()
}

fn block(page: &Page, heading: &str) -> String {
    let blocks = blocks(&page.text, heading);
    assert_eq!(blocks.len(), 1, "{} has one example under `{heading}`", page.topic);
    blocks.into_iter().next().expect("counted")
}

fn has_code(checked: &Checked, code: &str) -> bool {
    checked.diagnostics.iter().chain(&checked.unoffered).any(|found| found.code == code)
}

fn errors(checked: &Checked) -> Vec<String> {
    let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| format!("{} {}", found.code, found.message)).collect()
}

#[test]
fn the_examples_of_a_code_show_it_and_its_repair() {
    for page in pages("Codes") {
        let (wrong, right) = (checked(&block(&page, "Wrong")), checked(&block(&page, "Right")));
        if NOT_FROM_THE_CHECKER.iter().any(|(code, _)| *code == page.topic) {
            continue;
        }
        assert!(has_code(&wrong, page.topic), "{}: {:?}", page.topic, wrong.diagnostics);
        assert!(right.is_valid(), "{}: {:?}", page.topic, errors(&right));
        assert!(!has_code(&right, page.topic), "{} is not repaired", page.topic);
    }
}

#[test]
fn the_examples_of_fields_and_types_are_valid() {
    let groups = topics(&catalog()).into_iter().filter(|group| group.name != "Codes");
    for page in groups.flat_map(|group| group.pages).filter(|page| !NOT_CHECKED_YET.contains(&page.topic)) {
        for example in blocks(&page.text, "Example") {
            let checked = checked(&document(&example));
            assert!(checked.is_valid(), "{}: {:?}", page.topic, errors(&checked));
            assert!(checked.diagnostics.is_empty(), "{}: {:?}", page.topic, checked.diagnostics);
        }
    }
}

/// A list of steps as the document around it.
fn document(example: &str) -> String {
    if example.starts_with("- ") {
        return format!("version: 1\nname: example\nsteps:\n{example}");
    }
    example.to_owned()
}

#[test]
fn every_page_has_an_example() {
    for page in ["Fields", "Triggers"].into_iter().flat_map(pages) {
        assert_eq!(blocks(&page.text, "Example").len(), 1, "{}", page.topic);
    }
}

#[test]
fn every_code_of_the_checker_has_a_page() {
    let code = Regex::new("\"([EW][0-9]{3})\"").expect("a pattern");
    let mut sources = Vec::new();
    for part in ["src/check.rs", "src/tree.rs", "src/check", "src/tree"] {
        files(&folder(part), &mut sources);
    }
    let used: BTreeSet<String> = sources
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("read a source"))
        .flat_map(|text| code.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect();
    assert!(used.len() > 35, "found {}", used.len());
    for code in &used {
        assert!(explain(code, &catalog()).is_some(), "{code} has no page");
    }
}

#[test]
fn every_field_of_the_checker_has_a_page() {
    let list = Regex::new(r"(?s)FIELDS: \[[^=]*= \[(.*?)\];").expect("a pattern");
    let name = Regex::new("\"([^\"]+)\"").expect("a pattern");
    let mut sources = Vec::new();
    files(&folder("src/check"), &mut sources);
    let mut seen = 0;
    for text in sources.iter().map(|file| std::fs::read_to_string(file).expect("read a source")) {
        for field in
            list.captures_iter(&text).flat_map(|fields| name.captures_iter(fields.get(1).expect("a list").as_str()))
        {
            assert!(explain(&field[1], &catalog()).is_some(), "{} has no page", &field[1]);
            seen += 1;
        }
    }
    assert!(seen > 50, "found {seen}");
}

/// All files at or below a path.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("read a folder") {
            files(&entry.expect("read an entry").path(), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

#[test]
fn every_file_is_a_page() {
    let mut written = Vec::new();
    files(&folder("explain"), &mut written);
    for file in written {
        let topic = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let page = explain(&topic, &catalog()).unwrap_or_else(|| panic!("{topic} is not in the list of pages"));
        assert_eq!(page.topic, topic);
    }
}

#[test]
fn pages_fit_a_terminal() {
    for page in topics(&catalog()).into_iter().flat_map(|group| group.pages) {
        let wide = page.text.lines().find(|line| line.chars().count() > COLUMNS_MAX);
        assert_eq!(wide, None, "{}", page.topic);
        assert!(page.title.chars().count() < 70 && !page.title.ends_with('.'), "{}: {}", page.topic, page.title);
    }
}

#[test]
fn topics_are_found_as_people_type_them() {
    let topic = |text: &str| explain(text, &catalog()).map(|page| page.topic);
    assert_eq!(topic("e107"), Some("E107"));
    assert_eq!(topic("E999"), None);
    assert_eq!((topic("max_delay"), topic("retry.max")), (Some("retry"), Some("retry")));
    assert_eq!((topic("foreach.concurrency"), topic("cron.max")), (Some("foreach"), None));
    assert_eq!(closest_topic("tiemout", &catalog()), Some("timeout"));
    assert_eq!(closest_topic("http.requst", &catalog()), Some("http.request"));
    assert_eq!(closest_topic("E199", &catalog()), None);
    assert_eq!(closest_topic("zzzzzz", &catalog()), None);
}
