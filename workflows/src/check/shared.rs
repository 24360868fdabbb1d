//! Limits that steps share by their key: all of them should say the same.

use std::collections::HashMap;

use super::{Facts, Finding, Report};
use crate::source::Span;
use crate::tree::Node;

/// What has been said of each shared key.
pub(super) type SharedLimits = HashMap<(&'static str, String), Vec<(Span, String)>>;

/// Remembers the limits of a step whose key is written out.
pub(super) fn note(step: &Node, facts: &Facts<'_>) {
    for field in ["concurrency", "rate_limit"] {
        let Some(limit) = step.field(field) else { continue };
        let Some(key) = limit.field("key").and_then(Node::as_str).filter(|key| !key.contains("{{")) else { continue };
        let said = ["limit", "per"].map(|name| limit.field(name).map(|node| node.to_value().to_string()));
        let said = said.into_iter().flatten().collect::<Vec<_>>().join(" per ");
        facts.shared.borrow_mut().entry((field, key.to_owned())).or_default().push((limit.span, said));
    }
}

pub(super) fn report(facts: &Facts<'_>, report: &mut Report) {
    for ((field, key), said) in &*facts.shared.borrow() {
        let Some((first, first_said)) = said.first() else { continue };
        if let Some((other, other_said)) = said.iter().find(|(_, other)| other != first_said) {
            report.add(
                Finding::warning("W204", *other, format!("`{key}` has two different limits in `{field}`"))
                    .label(format!("{other_said} here"))
                    .related(*first, format!("{first_said} here"))
                    .help("a key is shared by all steps that name it; the limit that was used last counts"),
            );
        }
    }
}
