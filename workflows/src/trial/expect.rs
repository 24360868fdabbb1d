//! What a case expects, as it is written.

use std::time::Duration;

use super::path::Known;
use super::read::{Named, Reader};
use crate::parse_duration;
use crate::source::Span;
use crate::tree::Node;

const EXPECT_FIELDS: [&str; 10] =
    ["status", "output", "error", "steps", "order", "not_run", "undone", "not_undone", "configs", "took"];
const STEP_FIELDS: [&str; 5] = ["status", "output", "attempts", "error", "handled"];
const ERROR_FIELDS: [&str; 8] = ["kind", "code", "message", "step", "attempt", "status", "retryable", "details"];
/// How a run may have ended; the last two say that there was none.
pub(super) const RUN_WORDS: [&str; 5] = ["succeeded", "failed", "canceled", "filtered", "refused"];
pub(super) const STEP_WORDS: [&str; 5] = ["succeeded", "failed", "skipped", "canceled", "pending"];

#[derive(Debug, Default)]
pub(super) struct Expect<'t> {
    pub status: Option<Named>,
    pub output: Option<&'t Node>,
    pub error: Option<&'t Node>,
    pub steps: Vec<(Named, ExpectStep<'t>)>,
    pub order: Vec<Named>,
    pub not_run: Vec<Named>,
    pub undone: Option<(Vec<Named>, Span)>,
    pub not_undone: Option<(Vec<Named>, Span)>,
    pub configs: Vec<(Named, &'t Node)>,
    pub took: Option<Took>,
}

#[derive(Debug, Default)]
pub(super) struct ExpectStep<'t> {
    pub status: Option<Named>,
    pub output: Option<&'t Node>,
    pub attempts: Option<(usize, Span)>,
    pub error: Option<&'t Node>,
    pub handled: Option<(bool, Span)>,
}

#[derive(Debug)]
pub(super) struct Took {
    pub comparison: Comparison,
    pub duration: Duration,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// To the second.
    About,
    Less,
    AtMost,
    More,
    AtLeast,
}

pub(super) fn read<'t>(node: &'t Node, known: &Known<'_>, reader: &mut Reader) -> Expect<'t> {
    let mut expect = Expect::default();
    for entry in reader.fields(node, "`expect`", &EXPECT_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "status" => expect.status = word(value, "status of a run", &RUN_WORDS, reader),
            "output" => expect.output = Some(value),
            "error" => expect.error = Some(error(value, reader)),
            "steps" => {
                for entry in reader.entries(value, "`steps`") {
                    let named = Named { text: entry.key.clone(), span: entry.key_span };
                    check(&named, known, reader);
                    expect.steps.push((named, step(&entry.value, reader)));
                }
            }
            "order" => expect.order = paths(value, "`order`", known, reader),
            "not_run" => expect.not_run = paths(value, "`not_run`", known, reader),
            "undone" => expect.undone = Some((paths(value, "`undone`", known, reader), value.span)),
            "not_undone" => expect.not_undone = Some((paths(value, "`not_undone`", known, reader), value.span)),
            "configs" => {
                for entry in reader.entries(value, "`configs`") {
                    let named = Named { text: entry.key.clone(), span: entry.key_span };
                    check(&named, known, reader);
                    expect.configs.push((named, &entry.value));
                }
            }
            "took" => expect.took = took(value, reader),
            _ => {}
        }
    }
    expect
}

fn word(node: &Node, place: &str, words: &[&str], reader: &mut Reader) -> Option<Named> {
    let text = reader.word(node, place, words)?.to_owned();
    Some(Named { text, span: node.span })
}

fn check(named: &Named, known: &Known<'_>, reader: &mut Reader) {
    if let Err(finding) = known.look_up(named) {
        reader.findings.push(*finding);
    }
}

fn paths(node: &Node, place: &str, known: &Known<'_>, reader: &mut Reader) -> Vec<Named> {
    let names = reader.names(node, place);
    for named in &names {
        check(named, known, reader);
    }
    names
}

/// A text is a part of the message.
fn error<'t>(node: &'t Node, reader: &mut Reader) -> &'t Node {
    if node.as_str().is_none() {
        reader.fields(node, "an expected error", &ERROR_FIELDS);
    }
    node
}

/// A word is the status.
fn step<'t>(node: &'t Node, reader: &mut Reader) -> ExpectStep<'t> {
    let mut step = ExpectStep::default();
    if node.as_str().is_some() {
        step.status = word(node, "status of a step", &STEP_WORDS, reader);
        return step;
    }
    for entry in reader.fields(node, "an expected step", &STEP_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "status" => step.status = word(value, "status of a step", &STEP_WORDS, reader),
            "output" => step.output = Some(value),
            "attempts" => {
                step.attempts = reader
                    .count(value, "`attempts`")
                    .map(|count| (usize::try_from(count).unwrap_or(usize::MAX), value.span));
            }
            "error" => step.error = Some(error(value, reader)),
            "handled" => step.handled = reader.boolean(value, "`handled`").map(|handled| (handled, value.span)),
            _ => {}
        }
    }
    step
}

fn took(node: &Node, reader: &mut Reader) -> Option<Took> {
    let text = reader.text(node, "`took`")?;
    let signs =
        [("<=", Comparison::AtMost), (">=", Comparison::AtLeast), ("<", Comparison::Less), (">", Comparison::More)];
    let found = signs.iter().find_map(|(sign, comparison)| Some((text.strip_prefix(sign)?, *comparison)));
    let (rest, comparison) = found.unwrap_or((&text, Comparison::About));
    match parse_duration(rest) {
        Ok(duration) => Some(Took { comparison, duration, span: node.span }),
        Err(error) => {
            reader.refuse(
                node.span,
                "`took` is a duration such as \"2h\", or a bound such as \"< 3h\"",
                error.to_string(),
            );
            None
        }
    }
}

impl Comparison {
    pub fn holds(self, found: Duration, wanted: Duration) -> bool {
        match self {
            Self::About => found.abs_diff(wanted) < Duration::from_secs(1),
            Self::Less => found < wanted,
            Self::AtMost => found <= wanted,
            Self::More => found > wanted,
            Self::AtLeast => found >= wanted,
        }
    }
}
