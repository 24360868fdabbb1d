//! The step types that tests of the checker know, and a short way to ask it.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use onward_workflows::{
    Catalog, Checked, ConfigField, Diagnostic, FieldKind, Source, StepType, Style, apply, check, render,
};

const HTTP_REQUEST: StepType = StepType {
    name: "http.request",
    summary: "Sends an HTTP request.",
    fields: &[
        ConfigField { name: "url", kind: FieldKind::Url, required: true, summary: "where to" },
        ConfigField {
            name: "method",
            kind: FieldKind::OneOf(&["GET", "PUT", "POST", "PATCH", "DELETE"]),
            required: false,
            summary: "GET by default",
        },
        ConfigField { name: "headers", kind: FieldKind::Object, required: false, summary: "names and values" },
        ConfigField { name: "body", kind: FieldKind::Any, required: false, summary: "sent as JSON" },
        ConfigField {
            name: "follow_redirects",
            kind: FieldKind::Boolean,
            required: false,
            summary: "false by default",
        },
    ],
    secrets: &[],
    built_in: true,
};

pub fn catalog() -> Catalog {
    Catalog::new([HTTP_REQUEST])
}

/// A text that starts with `{` is JSON; anything else is YAML.
pub fn checked(text: &str) -> Checked {
    let file = if text.trim_start().starts_with('{') { "w.json" } else { "w.yaml" };
    let source = Source::from_file(file, text);
    let checked = check(&source, &catalog());
    fixes_keep_their_promise(&source, &checked);
    checked
}

/// Whatever document a test shows: each fix that is offered for it removes what it is offered for, and the text can be
/// read as far as before.
pub fn fixes_keep_their_promise(source: &Source, checked: &Checked) {
    let is_syntax = |found: &Diagnostic| found.code.starts_with("E00");
    let count = |checked: &Checked, wanted: &Diagnostic| {
        let is_it = |found: &&Diagnostic| (found.code, &found.message) == (wanted.code, &wanted.message);
        checked.diagnostics.iter().filter(is_it).count()
    };
    for diagnostic in &checked.diagnostics {
        for fix in &diagnostic.fixes {
            let changed = Source { text: apply(&source.text, &fix.edits), ..source.clone() };
            let after = check(&changed, &catalog());
            let story = format!("{}: {}\n{}\n{:?}", diagnostic.code, fix.title, changed.text, after.diagnostics);
            let is_gone = count(&after, diagnostic) < count(checked, diagnostic) || after.omitted < checked.omitted;
            // Of two mistakes in the syntax the second one is only seen when the first one is gone.
            assert!(is_gone || is_syntax(diagnostic), "{story}");
            assert!(is_syntax(diagnostic) || !after.diagnostics.iter().any(is_syntax), "{story}");
        }
    }
}

/// `code line:column` of everything that was found.
pub fn found(text: &str) -> Vec<String> {
    checked(text)
        .diagnostics
        .iter()
        .map(|found| format!("{} {}:{}", found.code, found.range.start.line, found.range.start.column))
        .collect()
}

/// A YAML document in which «» stands around what the carets point at, and the codes in the order of the text.
#[track_caller]
pub fn check_marked(marked: &str, codes: &[&str]) -> Vec<Diagnostic> {
    let text = marked.replace(['«', '»'], "");
    let source = Source::from_file("w.yaml", text.as_str());
    let found = check(&source, &catalog()).diagnostics;
    let shown = render(&found, &source, Style::default());
    let found_codes: Vec<&str> = found.iter().map(|found| found.code).collect();
    assert_eq!(found_codes, codes, "{text}\n{shown}");
    let mut with_marks = text.clone();
    for range in found.iter().rev().map(|found| found.range) {
        with_marks.insert(range.end.offset as usize, '»');
        with_marks.insert(range.start.offset as usize, '«');
    }
    assert_eq!(with_marks, marked, "{shown}");
    found
}

/// The document after its safe fixes, one after the other, as long as there are any.
pub fn with_safe_fixes(file: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..20 {
        let found = check(&Source::from_file(file, text.as_str()), &catalog()).diagnostics;
        let Some(fix) = found.into_iter().flat_map(|found| found.fixes).find(|fix| fix.safe) else { break };
        for edit in fix.edits.iter().rev() {
            text.replace_range(edit.range.start.offset as usize..edit.range.end.offset as usize, &edit.text);
        }
    }
    text
}

/// The definition as text. Positions are where the formats differ.
pub fn without_positions(checked: &Checked) -> String {
    let definition = format!("{:?}", checked.definition);
    let mut text = String::with_capacity(definition.len());
    let mut rest = definition.as_str();
    while let Some((before, after)) = rest.split_once(" at ") {
        text.push_str(before);
        let position = after.find(|letter: char| !letter.is_ascii_digit() && letter != ':').unwrap_or(after.len());
        rest = &after[position..];
    }
    text.push_str(rest);
    text
}
