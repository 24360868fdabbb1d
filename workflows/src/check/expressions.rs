//! One expression of the document: its syntax, then every name it reads.

use std::ops::Range;

use super::outline::{ListKind, Outline, StepAt};
use super::scan::{Token, tokens};
use super::{Facts, Finding, Report, compare, legacy, references};
use crate::Expression;
use crate::expression::Place;
use crate::source::{Lines, Span};
use crate::tree::{Node, Places, Quoting};

/// The longest expression.
const EXPRESSION_MAX: usize = 4096;
const EXPRESSIONS_MAX: usize = 5000;

/// Who reads, and therefore what can be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub roots: &'a [&'a str],
    pub reads: Reads,
    /// `now()` and `uuid()`: false where the answer would not be the same for every attempt.
    pub calls: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Reads {
    NoStep,
    /// The steps that this one surely waits for.
    AsStep(StepAt),
    /// Those, and what is inside this one: its body is over.
    After(StepAt),
    /// This one and all of that: it is being undone.
    Undo(StepAt),
    /// Every step of the document's `steps`: the run is over.
    Everything,
}

pub(super) const VARIABLE_ROOTS: [&str; 3] = ["inputs", "env", "run"];
pub(super) const STEP_ROOTS: [&str; 7] = ["inputs", "variables", "env", "trigger", "steps", "run", "workflow"];
pub(super) const TRIGGER_ROOTS: [&str; 3] = ["trigger", "env", "workflow"];
/// Every name that exists anywhere, loop names apart.
pub(super) const ALL_ROOTS: [&str; 12] = [
    "inputs",
    "variables",
    "env",
    "trigger",
    "steps",
    "run",
    "workflow",
    "error",
    "output",
    "event",
    "secrets",
    "index",
];

/// A word of the language, which cannot be the name of anything.
pub(super) fn is_word(name: &str) -> bool {
    matches!(name, "and" | "or" | "not" | "in" | "is" | "if" | "else")
        || references::BUILT_IN.contains(&name)
        || references::FUNCTIONS.contains(&name)
}

/// What the expressions of a step can read.
pub(super) fn roots<'o>(outline: &'o Outline, step: StepAt, in_own_loop: bool, extra: &[&'o str]) -> Vec<&'o str> {
    let mut roots: Vec<&str> = STEP_ROOTS.to_vec();
    let list = outline.steps[step].list;
    let own = in_own_loop.then_some(step);
    let mut in_loop = false;
    for owner in own.into_iter().chain(outline.owners(list)) {
        if let Some(item) = &outline.steps[owner].item {
            roots.push(item);
            in_loop = true;
        }
    }
    if in_loop {
        roots.push("index");
    }
    let kinds: Vec<ListKind> = std::iter::once(list)
        .chain(outline.owners(list).map(|owner| outline.steps[owner].list))
        .map(|list| outline.lists[list].kind)
        .collect();
    if kinds.iter().any(|kind| matches!(kind, ListKind::OnError | ListKind::Handler)) {
        roots.push("error");
    }
    if kinds.contains(&ListKind::Undo) {
        roots.push("output");
    }
    roots.extend(extra.iter().filter(|name| !roots.contains(name)).copied().collect::<Vec<_>>());
    roots
}

/// Part of a string value, and how to find it in the source.
pub(super) struct Snippet<'a> {
    pub node: &'a Node,
    /// Bytes of the node's value.
    pub range: Range<usize>,
    pub places: &'a Places,
}

impl Snippet<'_> {
    pub fn text(&self) -> &str {
        self.node.as_str().and_then(|value| value.get(self.range.clone())).unwrap_or_default()
    }

    /// The source of a part of the expression, given in bytes of the expression.
    pub fn span(&self, part: Range<usize>) -> Span {
        let start = self.places.offset(self.range.start + part.start);
        // The end of the last character, not the start of the next: an escape or a line break may stand between.
        let end = self.places.offset(self.range.start + part.end);
        Span::new(start, end)
    }

    /// A piece of expression as it has to be written here, inside the quotes that the string has.
    pub fn written(&self, text: &str) -> String {
        match self.node.as_text().map(|text| text.quoting) {
            Some(Quoting::Json | Quoting::YamlDouble) => text.replace('\\', "\\\\").replace('"', "\\\""),
            Some(Quoting::YamlSingle) => text.replace('\'', "''"),
            Some(Quoting::YamlPlain | Quoting::YamlBlock) | None => text.to_owned(),
        }
    }

    /// Where each of its characters stands.
    fn place(&self, lines: &Lines<'_>) -> Place {
        let (text, span) = (self.text(), self.whole());
        let position = |offset| {
            let position = lines.position(offset);
            (position.line, position.column)
        };
        let start = position(span.start);
        if lines.text(span) == text {
            return Place::at(start.0, start.1);
        }
        Place::follow(text, start, |at| Some(position(self.places.offset(self.range.start + at))))
    }

    pub fn whole(&self) -> Span {
        self.span(0..self.range.len())
    }
}

/// Compiles a part of a string and checks what it reads; None when it cannot be compiled.
pub(super) fn compile(
    snippet: &Snippet<'_>,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Expression> {
    if report.is_full() {
        return None;
    }
    let source = snippet.text();
    if source.is_empty() {
        report.add(
            Finding::error("E121", snippet.whole(), "there is no expression between the braces")
                .label("write what to put here"),
        );
        return None;
    }
    if source.len() > EXPRESSION_MAX {
        report.add(
            Finding::error("E115", snippet.whole(), format!("an expression is longer than {EXPRESSION_MAX} bytes"))
                .label(format!("it has {}", source.len()))
                .help("compute parts of it in a `value` step"),
        );
        return None;
    }
    facts.expressions.set(facts.expressions.get() + 1);
    if facts.expressions.get() > EXPRESSIONS_MAX {
        if facts.expressions.get() == EXPRESSIONS_MAX + 1 {
            report.add(Finding::error(
                "E115",
                snippet.whole(),
                format!("a document has at most {EXPRESSIONS_MAX} expressions"),
            ));
        }
        return None;
    }
    let place = snippet.place(facts.lines);
    let expression = match Expression::compile_at(source, place.clone()) {
        Ok(expression) => expression,
        Err(error) => {
            let end = error.range.end.min(source.len());
            let part = error.range.start.min(end)..end;
            report.add(
                Finding::error("E121", snippet.span(part), format!("this is not an expression: {}", error.message))
                    .label("here"),
            );
            return None;
        }
    };
    if !site.calls {
        report_calls(snippet, report);
    }
    compare::check(snippet, facts, report);
    let renames = references::check(&expression, snippet, site, facts, report);
    if renames.is_empty() {
        return Some(expression);
    }
    let resolved = legacy::rename(source, &renames);
    let known = |at| resolved.original(at).map(|original| place.position(source, original));
    let place = Place::follow(&resolved.text, place.position(source, 0), known);
    Expression::compile_at(&resolved.text, place).ok()
}

/// An attempt must not depend on the moment or on chance: its bytes would change after a crash.
fn report_calls(snippet: &Snippet<'_>, report: &mut Report) {
    let source = snippet.text();
    for pair in tokens(source).windows(2) {
        if let [(Token::Name(name @ ("now" | "uuid")), range), (Token::Operator("("), _)] = pair {
            report.add(
                Finding::error("E126", snippet.span(range.clone()), format!("`{name}()` cannot be used here"))
                    .label("the answer has to be the same for every attempt"),
            );
        }
    }
}
