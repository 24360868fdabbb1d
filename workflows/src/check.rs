//! The checker: from a document's text to a definition, or to everything that is wrong with it.

mod attempts;
mod body;
mod calls;
mod compare;
mod conditions;
mod config;
mod document;
mod expressions;
mod fields;
mod finding;
mod inputs;
mod legacy;
mod limits;
mod loops;
mod needs;
mod offered;
mod outline;
mod placement;
mod references;
mod scan;
mod shared;
mod steering;
mod steps;
mod templates;
mod tokens;
mod triggers;
mod undo;
mod values;
pub(crate) mod vocabulary;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::source::{Lines, Source, Span};
use crate::suggest::closest;
use crate::tree::{Node, parse_tree};
use crate::{Catalog, Definition, Diagnostic, Input};

pub use calls::inputs_by_workflow;
pub(crate) use finding::Finding;
use outline::Outline;

/// More than this is not read by anybody; the rest is counted.
const SHOWN_MAX: usize = 20;
/// With more findings than this none of the later ones says "did you mean".
const SUGGESTIONS_MAX: usize = 100;
/// With more findings than this the rest of the document is not looked at.
const FINDINGS_MAX: usize = 2000;

/// The answer of [`check`].
#[derive(Debug)]
pub struct Checked {
    /// There when no diagnostic is an error.
    pub definition: Option<Definition>,
    /// In the order of the file, at most 20.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there are.
    pub omitted: usize,
    /// Step types that only a worker of one's own would offer, as warnings. A deploy may turn them into errors.
    pub unoffered: Vec<Diagnostic>,
    /// What it needs of the server that it is deployed to.
    pub outside: Outside,
}

/// What a document needs of a server: workflows that it calls, secrets that it reads.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    calls: Vec<calls::Call>,
    secrets: Vec<(String, Span)>,
}

impl Outside {
    /// The workflows that it calls by a written name.
    pub fn workflows(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|call| call.workflow.as_str())
    }

    /// What is missing: E201 for workflows and their inputs, E202 for secrets.
    pub fn check(
        &self,
        source: &Source,
        workflows: &BTreeMap<String, BTreeMap<String, Input>>,
        is_set: impl Fn(&str) -> bool,
    ) -> Vec<Diagnostic> {
        let mut report = Report::default();
        for call in &self.calls {
            calls::compare(call, workflows, &mut report);
        }
        for (name, span) in self.secrets.iter().filter(|(name, _)| !is_set(name)) {
            report.add(
                Finding::error("E202", *span, format!("the secret `{name}` is not set on this server"))
                    .label("its runs could not begin")
                    .help(format!("onward secrets set {name}")),
            );
        }
        let mut findings = report.findings;
        findings.sort_by_key(Finding::span);
        findings.dedup();
        let lines = Lines::new(&source.text);
        let tree = parse_tree(source).ok();
        findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, &lines, tree.as_ref())).collect()
    }
}

impl Checked {
    pub fn is_valid(&self) -> bool {
        self.definition.is_some()
    }
}

/// Checks everything that can be known before a run.
pub fn check(source: &Source, catalog: &Catalog) -> Checked {
    let lines = Lines::new(&source.text);
    let tree = match parse_tree(source) {
        Ok(tree) => tree,
        Err(findings) => {
            let mut report = Report { findings, unoffered: Vec::new() };
            let (diagnostics, omitted) = report.take(source, &lines, None);
            let (unoffered, outside) = (Vec::new(), Outside::default());
            return Checked { definition: None, diagnostics, omitted, unoffered, outside };
        }
    };
    let mut report = Report::default();
    let (definition, outside) = document::check(&tree, source, &lines, catalog, &mut report).unzip();
    let is_valid = report.findings.iter().all(|finding| !finding.is_error());
    let (diagnostics, omitted) = report.take(source, &lines, Some(&tree));
    report.unoffered.sort_by_key(Finding::span);
    let unoffered = report
        .unoffered
        .into_iter()
        .map(|finding| finding.into_diagnostic(&source.file, &lines, Some(&tree)))
        .collect();
    let outside = outside.unwrap_or_default();
    Checked { definition: definition.filter(|_| is_valid), diagnostics, omitted, unoffered, outside }
}

/// Collects findings; nothing is printed before all are there.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    unoffered: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        match self.findings.len() {
            // An error, because what was not looked at cannot become a definition.
            FINDINGS_MAX => self.findings.push(
                Finding::error("E115", finding.span(), format!("the document has more than {FINDINGS_MAX} problems"))
                    .label("the rest was not looked at"),
            ),
            found if found < FINDINGS_MAX => self.findings.push(finding),
            _ => {}
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() > FINDINGS_MAX
    }

    /// A suggestion costs time, and nobody reads hundreds of them.
    fn closest<'c>(&self, name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        if self.findings.len() > SUGGESTIONS_MAX {
            return None;
        }
        closest(name, candidates)
    }

    fn take(&mut self, source: &Source, lines: &Lines<'_>, tree: Option<&Node>) -> (Vec<Diagnostic>, usize) {
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(Finding::span);
        // A YAML alias repeats its target, and then its mistakes too.
        findings.dedup();
        let omitted = findings.len().saturating_sub(SHOWN_MAX);
        // Warnings must not push out the error because of which the document is refused.
        findings.sort_by_key(|finding| !finding.is_error());
        findings.truncate(SHOWN_MAX);
        findings.sort_by_key(Finding::span);
        let mut diagnostics: Vec<Diagnostic> =
            findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, lines, tree)).collect();
        offered::keep_sound(&mut diagnostics, source);
        (diagnostics, omitted)
    }
}

/// What the parts of the checker know about the document they check.
struct Facts<'a> {
    source: &'a Source,
    lines: &'a Lines<'a>,
    catalog: &'a Catalog,
    /// With `version` unknown fields and names are errors; without it the document may be an old one.
    versioned: bool,
    /// Names of the declared inputs, with the JSON type of the schema where it has one.
    inputs: BTreeMap<String, Option<String>>,
    /// None when any name may be one.
    variables: Option<Vec<String>>,
    /// Names of the declared secrets.
    secrets: Vec<String>,
    /// The document's `defaults`.
    defaults: Option<&'a Node>,
    outline: Outline,
    /// Limits whose key is written out.
    shared: RefCell<shared::SharedLimits>,
    /// Calls whose workflow is written out.
    calls: RefCell<Vec<calls::Call>>,
    /// How many expressions have been compiled.
    expressions: Cell<usize>,
}
