//! Limits that steps share by their key: all of them should say the same.

use std::collections::BTreeMap;

use super::{Facts, Finding, Report, values};
use crate::source::Span;
use crate::tree::Node;

/// What has been said of each shared key, in the order of the text.
pub(super) type SharedLimits = BTreeMap<(&'static str, String), Vec<Said>>;

/// One value of a limit, where it stands and as it is written.
#[derive(Debug)]
pub(super) struct Said {
    limit: Part,
    per: Option<Part>,
}

#[derive(Debug)]
struct Part {
    span: Span,
    shown: String,
    /// A time in milliseconds, so that `1s` and `1000ms` are the same.
    value: u128,
}

/// Remembers the limits of a step whose key is written out.
pub(super) fn note(step: &Node, facts: &Facts<'_>) {
    for field in ["concurrency", "rate_limit"] {
        let Some(limit) = step.field(field) else { continue };
        let Some(key) = limit.field("key").and_then(Node::as_str).filter(|key| !key.contains("{{")) else { continue };
        let Some(number) = limit.field("limit").and_then(count) else { continue };
        let per = limit.field("per").and_then(time);
        let said = Said { limit: number, per };
        facts.shared.borrow_mut().entry((field, key.to_owned())).or_default().push(said);
    }
}

fn count(node: &Node) -> Option<Part> {
    let value: u128 = node.to_value().as_u64()?.into();
    Some(Part { span: node.span, shown: value.to_string(), value })
}

fn time(node: &Node) -> Option<Part> {
    let value = values::duration("per", node, &mut Report::default())?.as_millis();
    let shown = node.as_str().map_or_else(|| format!("{value} ms"), str::to_owned);
    Some(Part { span: node.span, shown, value })
}

pub(super) fn report(facts: &Facts<'_>, report: &mut Report) {
    for ((field, key), said) in &*facts.shared.borrow() {
        let Some((first, others)) = said.split_first() else { continue };
        if let Some((one, other)) = others.iter().find_map(|other| difference(first, other)) {
            report.add(
                Finding::warning("W204", other.span, format!("`{key}` has two different limits in `{field}`"))
                    .label(format!("{} here", other.shown))
                    .related(one.span, format!("{} here", one.shown))
                    .help("a key is shared by all steps that name it; the limit that was used last counts"),
            );
        }
    }
}

fn difference<'s>(first: &'s Said, other: &'s Said) -> Option<(&'s Part, &'s Part)> {
    if first.limit.value != other.limit.value {
        return Some((&first.limit, &other.limit));
    }
    let (one, two) = (first.per.as_ref()?, other.per.as_ref()?);
    (one.value != two.value).then_some((one, two))
}
