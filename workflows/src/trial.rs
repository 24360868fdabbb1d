//! Trying a document out: the cases of a test file, run in memory.
//!
//! Nothing is sent and nothing is waited for. Steps that do work come to what the file says, and the clock jumps from one
//! due instant to the next. Whatever a case finds wrong is a [`Diagnostic`] at its line of the test file.

mod drive;
mod expect;
mod file;
mod judge;
mod matching;
mod missing;
mod outcomes;
mod path;
mod places;
mod read;
mod seen;
mod start;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use self::drive::{Drive, between, event_id};
use self::file::{Case, TestFile};
use self::judge::{Ran, judge, status_word};
use self::outcomes::{Mocks, Used, unused};
use self::path::Known;
use self::places::Places;
use self::read::Reader;
use self::seen::Seen;
use self::start::{Start, start};
use crate::check::Finding;
use crate::source::Lines;
use crate::tree::{Node, parse_tree};
use crate::{Definition, Diagnostic, Source, StepError, diagnose};

/// What is wrong with a test file, by kind.
mod code {
    /// A field that nobody knows, or a value of the wrong kind.
    pub const SHAPE: &str = "E401";
    /// A name that is no step or trigger of the document.
    pub const NO_STEP: &str = "E402";
    /// An attempt without an outcome.
    pub const MISSING: &str = "E403";
    /// An outcome or an event that no step has met.
    pub const UNUSED: &str = "E404";
    /// Another end than the expected one.
    pub const DIFFERENT: &str = "E405";
    /// A run that has no end.
    pub const START: &str = "E406";
}

/// What came of one test file.
#[derive(Debug)]
pub struct Trial {
    /// What is wrong with the file itself; then none of its cases was run.
    pub diagnostics: Vec<Diagnostic>,
    pub cases: Vec<CaseReport>,
}

#[derive(Debug)]
pub struct CaseReport {
    pub name: String,
    /// Of the test file.
    pub line: u32,
    /// `succeeded`, `failed`, `canceled`, `filtered` or `refused`; `stopped` when it did not come to its end.
    pub status: &'static str,
    /// Of the moved clock.
    pub took: Duration,
    pub attempts: usize,
    /// None: it passed.
    pub diagnostics: Vec<Diagnostic>,
    /// The document's line that brought the run down, if an expression did so and the case has not passed.
    pub failure: Option<Diagnostic>,
}

impl CaseReport {
    pub fn passed(&self) -> bool {
        self.diagnostics.is_empty()
    }
}

/// The name of the document that a test file is about, as it is written: seen from the file's folder.
pub fn tested_workflow(tests: &Source) -> Result<String, Vec<Diagnostic>> {
    let lines = Lines::new(&tests.text);
    let tree = parse_tree(tests).map_err(|findings| told(findings, tests, &lines, None))?;
    match file::workflow(&tree) {
        Ok(named) => Ok(named.text),
        Err(finding) => Err(told(vec![*finding], tests, &lines, Some(&tree))),
    }
}

/// Runs the cases whose name is `wanted`. `document` is where `definition` comes from.
pub fn try_cases(tests: &Source, document: &Source, definition: Definition, wanted: impl Fn(&str) -> bool) -> Trial {
    let lines = Lines::new(&tests.text);
    let tree = match parse_tree(tests) {
        Ok(tree) => tree,
        Err(findings) => return Trial { diagnostics: told(findings, tests, &lines, None), cases: Vec::new() },
    };
    let definition = Arc::new(definition);
    let mut reader = Reader::default();
    let file = file::read(&tree, &definition, &mut reader);
    if !reader.findings.is_empty() {
        return Trial { diagnostics: told(reader.findings, tests, &lines, Some(&tree)), cases: Vec::new() };
    }
    let (known, places) = (Known::new(&definition), Places::of_document(document));
    let (mut used, mut all) = (Used::default(), true);
    let mut cases = Vec::new();
    for case in &file.cases {
        if !wanted(&case.name.text) {
            all = false;
            continue;
        }
        let tried = try_case(case, &file, &definition, &known, &places);
        for (place, most) in tried.shared {
            let known = used.shared.entry(place).or_default();
            *known = most.max(*known);
        }
        let failure = tried.error.filter(|_| !tried.findings.is_empty());
        cases.push(CaseReport {
            failure: failure.and_then(|error| diagnose(&error, document)),
            name: case.name.text.clone(),
            line: lines.position(case.name.span.start).line,
            status: tried.status,
            took: tried.took,
            attempts: tried.attempts,
            diagnostics: told(tried.findings, tests, &lines, Some(&tree)),
        });
    }
    // What several cases share is unused only if none of them has met it.
    let left =
        if all && cases.iter().all(CaseReport::passed) { unused(&file.outcomes, &used.shared) } else { Vec::new() };
    Trial { diagnostics: told(left, tests, &lines, Some(&tree)), cases }
}

struct Tried {
    status: &'static str,
    took: Duration,
    attempts: usize,
    findings: Vec<Finding>,
    error: Option<StepError>,
    shared: HashMap<usize, usize>,
}

fn try_case(
    case: &Case<'_>,
    file: &TestFile<'_>,
    definition: &Arc<Definition>,
    known: &Known<'_>,
    places: &Places,
) -> Tried {
    let mut tried = Tried {
        status: "stopped",
        took: Duration::ZERO,
        attempts: 0,
        findings: Vec::new(),
        error: None,
        shared: HashMap::default(),
    };
    let facts = match start(case, &file.setting, definition) {
        Ok(Start::Run(facts)) => facts,
        Ok(Start::Filtered) => return without_run(case, "filtered", None, places, tried),
        Ok(Start::Refused(why)) => return without_run(case, "refused", Some(&why), places, tried),
        Err(finding) => {
            tried.findings.push(*finding);
            return tried;
        }
    };
    let mocks = Mocks::new(&case.outcomes, &file.outcomes);
    let mut drive = Drive::new(Arc::clone(definition), Arc::clone(&facts), known, case, mocks);
    drive.run();
    tried.took = between(facts.created_at, drive.now);
    tried.attempts = drive.seen.attempts;
    tried.shared = std::mem::take(&mut drive.mocks.used.shared);
    let Some(end) = &drive.end else {
        tried.findings = drive.problems;
        return tried;
    };
    drive.seen.settle_items();
    tried.status = status_word(end.status);
    tried.error.clone_from(&end.error);
    let ran = Ran { status: tried.status, refused: None, end: Some(end), seen: &drive.seen, took: tried.took };
    tried.findings = judge(&case.expect, case.name.span, &ran, places);
    if tried.findings.is_empty() {
        tried.findings = unused(&case.outcomes, &drive.mocks.used.own);
        tried.findings.extend(case.events.iter().enumerate().filter_map(|(place, sent)| {
            let taken = drive.taken.contains(&event_id(place));
            (taken != sent.taken).then(|| {
                let (message, label) = if taken {
                    ("a step has ended with this event", "`taken: false` says that none does")
                } else {
                    ("no step has ended with this event", "write `taken: false` if that is meant")
                };
                Finding::error(code::UNUSED, sent.name.span, message).label(label)
            })
        }));
    }
    tried
}

fn without_run(case: &Case<'_>, status: &'static str, refused: Option<&str>, places: &Places, tried: Tried) -> Tried {
    let ran = Ran { status, refused, end: None, seen: &Seen::default(), took: Duration::ZERO };
    Tried { status, findings: judge(&case.expect, case.name.span, &ran, places), ..tried }
}

fn told(mut findings: Vec<Finding>, source: &Source, lines: &Lines<'_>, tree: Option<&Node>) -> Vec<Diagnostic> {
    findings.sort_by_key(Finding::span);
    findings.dedup();
    findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, lines, tree)).collect()
}
