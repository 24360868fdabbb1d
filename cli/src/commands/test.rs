//! `onward test`: the cases of test files, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use onward_workflows::{
    CaseReport, Diagnostic, Source, Style, check, render, render_alone, tested_workflow, try_cases,
};
use serde_json::json;

use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

/// Where tests stand, seen from a folder.
const FOLDERS: [&str; 4] = ["", "tests", "workflows", "workflows/tests"];

#[derive(Default)]
struct Counts {
    files: usize,
    /// Files without a single case that could be run.
    invalid: usize,
    cases: usize,
    failed: usize,
}

pub fn test(settings: &Settings, files: &[PathBuf], filter: Option<&str>) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let mut counts = Counts::default();
    for file in find(files)? {
        try_file(settings, &file, filter, &mut counts)?;
    }
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let cases = plural(counts.cases, "case");
    if counts.failed + counts.invalid > 0 {
        let mut said = Vec::new();
        if counts.failed > 0 {
            said.push(format!("{} of {cases} failed", counts.failed));
        }
        if counts.invalid > 0 {
            said.push(format!("{} cannot be run", plural(counts.invalid, "file")));
        }
        output::hint(&said.join("; "));
        return Ok(Exit::Invalid.into());
    }
    if let Some(filter) = filter.filter(|_| counts.cases == 0) {
        return Err(Failure::new(Exit::NotFound, format!("no case has {filter:?} in its name")));
    }
    if !settings.json {
        let millis = began.elapsed().as_millis();
        output::line(&format!("ok  {}, {cases}  {millis} ms", plural(counts.files, "file")));
    }
    Ok(ExitCode::SUCCESS)
}

fn try_file(settings: &Settings, file: &Path, filter: Option<&str>, counts: &mut Counts) -> Result<(), Failure> {
    counts.files += 1;
    let tests = documents::read_one(file)?;
    let refuse = |findings: &[Diagnostic], of: &Source, counts: &mut Counts| {
        if !findings.is_empty() {
            counts.invalid += 1;
            print(settings, findings, of);
        }
        !findings.is_empty()
    };
    let written = match tested_workflow(&tests) {
        Ok(written) => written,
        Err(findings) => {
            refuse(&findings, &tests, counts);
            return Ok(());
        }
    };
    let beside = file.parent().unwrap_or(Path::new("")).join(&written);
    let document = documents::read_one(&beside).map_err(|failure| {
        let text = format!("{}: `workflow: {written}`: {}", tests.file, failure.text());
        Failure::new(Exit::Invalid, text).with_hint("the name is seen from the folder of the test file")
    })?;
    let checked = check(&document, &catalog());
    let Some(definition) = checked.definition else {
        refuse(&checked.diagnostics, &document, counts);
        return Ok(());
    };
    let trial = try_cases(&tests, &document, definition, |name| filter.is_none_or(|filter| name.contains(filter)));
    if !settings.json && !trial.cases.is_empty() {
        output::line(&tests.file);
    }
    for case in &trial.cases {
        counts.cases += 1;
        counts.failed += usize::from(!case.passed());
        show(settings, case, &tests);
    }
    refuse(&trial.diagnostics, &tests, counts);
    Ok(())
}

fn show(settings: &Settings, case: &CaseReport, tests: &Source) {
    let CaseReport { name, line, status, took, attempts, diagnostics, failure } = case;
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    if settings.json {
        let row = json!({
            "file": tests.file, "case": name, "line": line, "passed": case.passed(), "status": status,
            "took_ms": took, "attempts": attempts, "diagnostics": diagnostics, "failure": failure,
        });
        output::line(&row.to_string());
        return;
    }
    let mark = if case.passed() { "✓" } else { "✗" };
    let attempts = format!("{attempts} attempt{}", if *attempts == 1 { "" } else { "s" });
    output::line(&format!("  {mark} {name:56}  {status}, {attempts}, {}", output::duration(took)));
    if !diagnostics.is_empty() {
        print(settings, diagnostics, tests);
    }
    if let Some(failure) = failure {
        output::line(&format!("{}\n", render_alone(failure, style(settings)).trim_end()));
    }
}

fn print(settings: &Settings, findings: &[Diagnostic], source: &Source) {
    if settings.json {
        for finding in findings {
            output::line(&json!(finding).to_string());
        }
        return;
    }
    output::line(&format!("{}\n", render(findings, source, style(settings)).trim_end()));
}

fn style(settings: &Settings) -> Style {
    Style { color: output::is_terminal() && !settings.plain, ..Style::default() }
}

/// The named files; those of named folders, or of this one.
fn find(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let here = [PathBuf::from(".")];
    let mut found = Vec::new();
    for path in if named.is_empty() { &here } else { named } {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        for folder in FOLDERS {
            found.extend(tests_in(&path.join(folder)));
        }
    }
    if found.is_empty() {
        let text = "there are no tests here: name files, or a folder with *.test.yaml, *.test.yml or *.test.json";
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(found)
}

fn tests_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_test = |file: &Path| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        [".test.yaml", ".test.yml", ".test.json"].iter().any(|ending| name.ends_with(ending)) && file.is_file()
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .map(|file| file.strip_prefix(".").map(Path::to_owned).unwrap_or(file))
        .filter(|file| is_test(file))
        .collect();
    files.sort();
    files
}
