//! Every name that an expression reads has to exist, and every step it reads has to be over.

mod hyphens;
mod steps;

use std::ops::Range;

use super::expressions::{ALL_ROOTS, STEP_ROOTS, Site, Snippet};
use super::legacy::{self, Rename};
use super::{Facts, Finding, Report};
use crate::Expression;
use crate::source::Span;
use crate::suggest::listed;

/// Names that the language itself brings.
pub(super) const BUILT_IN: [&str; 10] =
    ["true", "false", "none", "null", "True", "False", "None", "now", "uuid", "loop"];
pub(super) const FUNCTIONS: [&str; 5] = ["now", "uuid", "range", "dict", "namespace"];
const RUN_FIELDS: [&str; 9] =
    ["id", "url", "status", "error", "attempt", "started_at", "scheduled_at", "labels", "compensated"];
const WORKFLOW_FIELDS: [&str; 3] = ["id", "name", "version"];

/// From here on a first name is a typing mistake, even in a document that may use bare names of the request's body.
const TYPING_MISTAKE: f64 = 0.8;

/// One reference: its segments, and where each of them stands in the expression.
struct Reference<'a> {
    segments: &'a [String],
    range: Range<usize>,
    source: &'a str,
}

impl Reference<'_> {
    fn first(&self) -> &str {
        &self.segments[0]
    }

    /// The bytes of one segment, without the quotes of a subscript.
    fn segment(&self, place: usize) -> Range<usize> {
        let text = &self.source[self.range.clone()];
        let mut from = 0;
        for (at, segment) in self.segments.iter().enumerate().take(place + 1) {
            let Some(start) = text[from..].find(segment.as_str()).map(|start| from + start) else { break };
            if at == place {
                return self.range.start + start..self.range.start + start + segment.len();
            }
            from = start + segment.len();
        }
        self.range.clone()
    }
}

/// Reports what cannot be read, and returns the old names that have to be rewritten.
pub(super) fn check(
    expression: &Expression,
    snippet: &Snippet<'_>,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Vec<Rename> {
    let source = snippet.text();
    let found = expression.references();
    let hyphenated = hyphens::report(&found, snippet, facts, report);
    let mut renames = Vec::new();
    for (segments, range) in &found {
        if segments.is_empty() || hyphenated.iter().any(|span| span.contains(&range.start)) {
            continue;
        }
        let reference = Reference { segments, range: range.clone(), source };
        if let Some(rename) = root(&reference, snippet, site, facts, report) {
            renames.push(rename);
        }
    }
    renames
}

fn root(
    reference: &Reference<'_>,
    snippet: &Snippet<'_>,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Rename> {
    let name = reference.first();
    if BUILT_IN.contains(&name) || is_call(reference) {
        return None;
    }
    if site.roots.contains(&name) {
        member(reference, snippet, site, facts, report);
        return None;
    }
    let span = snippet.span(reference.segment(0));
    if name == "item"
        && let Some(item) = site.roots.iter().rev().find(|root| !STEP_ROOTS.contains(root) && !ALL_ROOTS.contains(root))
    {
        report.add(
            Finding::error("E124", span, "there is nothing called `item`")
                .label(format!("this loop calls it `{item}`"))
                .fix(format!("Change to `{item}`"), false, vec![(span, (*item).to_owned())]),
        );
        return None;
    }
    if let Some(why) = elsewhere(name) {
        let message = format!("`{name}` cannot be read here");
        report.add(
            Finding::error("E124", span, message)
                .label(why)
                .help(format!("names that can be read here: {}", listed(site.roots.iter().copied()))),
        );
        return None;
    }
    let meant = report.closest(name, site.roots.iter().copied());
    let is_old = matches!(name, "webhook" | "workflowId");
    let is_mistake =
        !is_old && meant.is_some_and(|meant| strsim::normalized_damerau_levenshtein(name, meant) >= TYPING_MISTAKE);
    if !facts.versioned && !is_mistake && site.roots.contains(&"trigger") {
        let to = legacy::resolve(name, facts);
        report.add(legacy::warning(name, &to, span));
        return Some(Rename { range: reference.segment(0), to });
    }
    report.add(unknown_root(name, meant, span, site, facts));
    None
}

fn unknown_root(name: &str, meant: Option<&str>, span: Span, site: Site<'_>, facts: &Facts<'_>) -> Finding {
    let finding = Finding::error("E124", span, format!("there is nothing called `{name}`"));
    let full = match name {
        "webhook" => Some("trigger.body".to_owned()),
        "workflowId" => Some("workflow.id".to_owned()),
        _ if facts.inputs.contains_key(name) => Some(format!("inputs.{name}")),
        _ if facts.variables.iter().flatten().any(|variable| variable == name) => Some(format!("variables.{name}")),
        _ if facts.outline.find(name).is_some() && !name.contains('-') => Some(format!("steps.{name}")),
        _ => None,
    };
    if let Some(full) = full.filter(|full| site.roots.iter().any(|root| full.starts_with(root))) {
        return finding.label(format!("did you mean `{full}`?")).fix(
            format!("Change to `{full}`"),
            false,
            vec![(span, full)],
        );
    }
    match meant {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(span, meant.to_owned())],
        ),
        None => finding
            .label("an unknown name")
            .help(format!("names that can be read here: {}", listed(site.roots.iter().copied()))),
    }
}

/// Names of the language that belong to other places.
fn elsewhere(name: &str) -> Option<&'static str> {
    match name {
        "item" | "index" => Some("only inside `foreach`"),
        "output" => Some("only in `expect`, `output` and `compensate` of a step"),
        "event" => Some("only in `where`"),
        "error" => Some("only in `on_error` and `retry.if`"),
        "secrets" => Some("only in `config` of steps that do work, so that no secret gets into a run's history"),
        _ if ALL_ROOTS.contains(&name) => Some("it does not exist yet at this time"),
        _ => None,
    }
}

fn is_call(reference: &Reference<'_>) -> bool {
    reference.segments.len() == 1
        && FUNCTIONS.contains(&reference.first())
        && reference.source[reference.range.end..].trim_start().starts_with('(')
}

fn member(reference: &Reference<'_>, snippet: &Snippet<'_>, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) {
    let Some(name) = reference.segments.get(1) else { return };
    let missing = |what: &str, known: Vec<&str>, report: &mut Report| {
        let span = snippet.span(reference.segment(1));
        let finding = Finding::error("E108", span, format!("there is no {what} called `{name}`"));
        let is_quoted = snippet.text()[..reference.segment(1).start].ends_with(['\'', '"']);
        let finding = match report.closest(name, known.iter().copied()) {
            // Behind a dot a hyphen would be a minus.
            Some(meant) if meant.contains('-') && !is_quoted => {
                finding.label(format!("did you mean `{}['{meant}']`?", reference.first()))
            }
            Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
                format!("Change to `{meant}`"),
                false,
                vec![(span, meant.to_owned())],
            ),
            None => finding.label(format!("there is {}", listed(known))),
        };
        report.add(finding);
    };
    match reference.first() {
        "steps" => steps::check(reference, snippet, site, facts, report),
        // An old document declares no inputs: what comes in is the request's body.
        "inputs" if !facts.inputs.contains_key(name) && (facts.versioned || !facts.inputs.is_empty()) => {
            missing("input", facts.inputs.keys().map(String::as_str).collect(), report);
        }
        "variables" => {
            if let Some(variables) = &facts.variables
                && !variables.contains(name)
            {
                missing("variable", variables.iter().map(String::as_str).collect(), report);
            }
        }
        "secrets" if !facts.secrets.iter().any(|secret| secret == name) => {
            let finding = undeclared_secret(name, snippet.span(reference.segment(1)), facts, report);
            report.add(finding);
        }
        "run" if !RUN_FIELDS.contains(&name.as_str()) => missing("field of `run`", RUN_FIELDS.to_vec(), report),
        "workflow" if !WORKFLOW_FIELDS.contains(&name.as_str()) => {
            missing("field of `workflow`", WORKFLOW_FIELDS.to_vec(), report);
        }
        _ => {}
    }
}

pub(super) fn undeclared_secret(name: &str, span: Span, facts: &Facts<'_>, report: &Report) -> Finding {
    let finding = Finding::error("E109", span, format!("the secret `{name}` is not declared"));
    match report.closest(name, facts.secrets.iter().map(String::as_str)) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(span, meant.to_owned())],
        ),
        None => finding.label("only declared secrets can be read"),
    }
    .help(format!("declare it: \"secrets\": [\"{name}\"] at the top of the document"))
}
