//! What a case expected against what the run came to.

mod steps;

use std::time::Duration;

use serde_json::{Value, json};

use super::expect::{Comparison, Expect};
use super::matching::{differences, different, shown};
use super::places::Places;
use super::read::Named;
use super::seen::Seen;
use crate::check::Finding;
use crate::source::Span;
use crate::tree::{Kind, Node};
use crate::{End, RunStatus, StepError, format_duration};

/// How a case's run went.
pub(super) struct Ran<'r> {
    pub status: &'static str,
    /// Why there was no run.
    pub refused: Option<&'r str>,
    pub end: Option<&'r End>,
    pub seen: &'r Seen,
    pub took: Duration,
}

pub(super) fn status_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Canceled => "canceled",
    }
}

pub(super) fn judge(expect: &Expect<'_>, case: Span, ran: &Ran<'_>, places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    let error = ran.end.and_then(|end| end.error.as_ref());
    findings.extend(status(expect, case, ran, error, places));
    if !findings.is_empty() {
        // Everything else would only say the same again.
        return findings;
    }
    if let Some(expected) = expect.output {
        let output = ran.end.and_then(|end| end.output.clone()).unwrap_or_default();
        findings.extend(differences(expected, &output, "output"));
    }
    if let Some(expected) = expect.error {
        let found = error_against(expected, error, "error");
        findings.extend(
            found.into_iter().map(|finding| placed(finding, error.and_then(|error| error.step.as_deref()), places)),
        );
    }
    steps::judge(expect, ran.seen, places, &mut findings);
    order(&expect.order, ran.seen, &mut findings);
    for named in &expect.not_run {
        if let Some(place) = ran.seen.began_at(&named.text) {
            let path = &ran.seen.began[place];
            findings.push(placed(
                different(named.span, format!("`{path}` has run"), "it was not to begin"),
                Some(path),
                places,
            ));
        }
    }
    if let Some((expected, span)) = &expect.undone {
        list(expected, *span, &ran.seen.undone, "undone", &mut findings);
    }
    if let Some((expected, span)) = &expect.not_undone {
        let found = ran.end.map(|end| end.not_undone.as_slice()).unwrap_or_default();
        list(expected, *span, found, "not undone", &mut findings);
    }
    if let Some(took) = &expect.took
        && !took.comparison.holds(ran.took, took.duration)
    {
        let sign = match took.comparison {
            Comparison::About => "",
            Comparison::Less => "less than ",
            Comparison::AtMost => "at most ",
            Comparison::More => "more than ",
            Comparison::AtLeast => "at least ",
        };
        let found = format_duration(ran.took);
        let message = format!("the run took {found}, not {sign}{}", format_duration(took.duration));
        findings.push(different(took.span, message, format!("found {found}")));
    }
    findings
}

/// A status that nobody wrote is `failed` beside an expected error, else `succeeded`.
fn status(
    expect: &Expect<'_>,
    case: Span,
    ran: &Ran<'_>,
    error: Option<&StepError>,
    places: &Places,
) -> Option<Finding> {
    let default = if expect.error.is_some() { "failed" } else { "succeeded" };
    let (wanted, span) = match &expect.status {
        Some(named) => (named.text.as_str(), named.span),
        None => (default, expect.error.map_or(case, |node| node.span)),
    };
    if wanted == ran.status {
        return None;
    }
    let message = match ran.status {
        "filtered" => "the trigger's `if` is false, so there is no run".to_owned(),
        "refused" => "the inputs are refused, so there is no run".to_owned(),
        status => format!("the run is {status}, not {wanted}"),
    };
    let finding = different(span, message, format!("found `{}`", ran.status));
    Some(match (ran.refused, error) {
        (Some(why), _) => finding.help(why.to_owned()),
        (None, Some(error)) => {
            let step = error.step.as_deref().unwrap_or("the run");
            let place = error.step.as_deref().and_then(|step| places.of(step));
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            finding.help(format!("{step}{place}: {}: {}", word(&json!(error.kind)), error.message))
        }
        (None, None) => finding,
    })
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A text is a part of the message; in a map that goes for `message` too.
fn error_against(expected: &Node, error: Option<&StepError>, place: &str) -> Vec<Finding> {
    let Some(error) = error else {
        return vec![different(expected.span, format!("there is no `{place}`"), "found none")];
    };
    let message = |text: &str, span: Span| {
        let holds = error.message.contains(text);
        let what = format!("the message is {:?}", error.message);
        (!holds).then(|| different(span, format!("`{place}.message` does not contain {text:?}"), what))
    };
    match &expected.kind {
        Kind::Text(text) => message(&text.value, expected.span).into_iter().collect(),
        Kind::Map(entries) => {
            let found = json!(error);
            entries
                .iter()
                .flat_map(|entry| match (entry.key.as_str(), entry.value.as_str()) {
                    ("message", Some(text)) => message(text, entry.value.span).into_iter().collect(),
                    (key, _) => {
                        let found = found.get(key).cloned().unwrap_or_default();
                        differences(&entry.value, &found, &format!("{place}.{key}"))
                    }
                })
                .collect()
        }
        _ => vec![different(expected.span, format!("`{place}` is {}", shown(&json!(error))), "not this")],
    }
}

/// In this order, with anything in between.
fn order(expected: &[Named], seen: &Seen, findings: &mut Vec<Finding>) {
    let mut last: Option<(usize, &Named)> = None;
    for named in expected {
        let Some(place) = seen.began_at(&named.text) else {
            findings.push(different(named.span, format!("`{}` has not begun", named.text), "it was to begin here"));
            continue;
        };
        if let Some((before, other)) = last
            && place < before
        {
            let message = format!("`{}` began before `{}`", named.text, other.text);
            let finding = different(named.span, message, "too early").related(other.span, "was to begin first");
            findings.push(finding.help(format!("the order was: {}", seen.began.join(", "))));
        }
        last = Some((place, named));
    }
}

fn list(expected: &[Named], span: Span, found: &[String], what: &str, findings: &mut Vec<Finding>) {
    if expected.iter().map(|named| &named.text).eq(found) {
        return;
    }
    let shown = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    findings.push(different(span, format!("{what} is {shown}"), format!("found [{}]", found.join(", "))));
}

/// With the document's line of the step that it is about.
pub(super) fn placed(finding: Finding, path: Option<&str>, places: &Places) -> Finding {
    match path.and_then(|path| Some((path, places.of(path)?))) {
        Some((path, place)) => finding.help(format!("`{}` stands at {place}", super::path::id_of(path))),
        None => finding,
    }
}
