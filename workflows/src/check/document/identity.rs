//! What a document is called, and what people and programs find it by.

use std::collections::BTreeMap;

use crate::check::{Finding, Report, values};
use crate::slug::{SLUG_MAX, derived, is_workflow_id, slug};
use crate::source::Span;
use crate::tree::{Kind, Node};

pub(crate) const NAME_MAX: usize = 100;
pub(crate) const DESCRIPTION_MAX: usize = 2000;
pub(crate) const LABELS_MAX: usize = 16;

/// Whether the document says which version of the format it is written in.
pub(super) fn version(tree: &Node, report: &mut Report) -> bool {
    let Some(node) = tree.field("version") else { return false };
    let is_one = matches!(&node.kind, Kind::Number(number) if number.as_u64() == Some(1));
    if !is_one {
        let finding = Finding::error("E127", node.span, "`version` must be 1")
            .label("it is the version of the format, not of your workflow")
            .fix("Write `1`", false, vec![(node.span, "1".to_owned())]);
        report.add(finding);
    }
    true
}

pub(super) fn name(tree: &Node, report: &mut Report) -> Option<(String, Span)> {
    let Some(node) = tree.field("name") else {
        let first = tree.as_map().and_then(<[_]>::first).map_or(tree.span, |entry| entry.key_span);
        report.add(Finding::error("E103", first, "the document has no `name`").label("every workflow has one"));
        return None;
    };
    let name = values::short_text("name", node, NAME_MAX, report)?;
    if name.trim().is_empty() {
        report.add(Finding::error("E112", node.span, "`name` is empty").label("every workflow has a name"));
        return None;
    }
    Some((name.to_owned(), node.span))
}

pub(super) fn id(tree: &Node, name: Option<(&str, Span)>, versioned: bool, report: &mut Report) -> Option<String> {
    if let Some(node) = tree.field("id") {
        let id = values::text("id", node, report)?;
        if !is_workflow_id(id) {
            let finding = Finding::error("E112", node.span, format!("`{id}` cannot be the id of a workflow"))
                .label(format!("lower-case letters, digits, `_` and `-`, at most {SLUG_MAX}; or a UUID"));
            report.add(match slug(id) {
                Some(slug) => finding.fix(format!("Write `{slug}`"), false, vec![(node.span, format!("\"{slug}\""))]),
                None => finding,
            });
            return None;
        }
        return Some(id.to_owned());
    }
    let (name, span) = name?;
    if let Some(slug) = slug(name) {
        return Some(slug);
    }
    if versioned {
        report.add(
            Finding::error("E103", span, "the document needs an `id`")
                .label("no id can be made from a name without Latin letters")
                .help("for example \"id\": \"visa-status\"; it stands in URLs and stays when the name changes"),
        );
        return None;
    }
    Some(derived(name))
}

pub(super) fn description(tree: &Node, report: &mut Report) -> String {
    tree.field("description")
        .and_then(|node| values::short_text("description", node, DESCRIPTION_MAX, report))
        .unwrap_or_default()
        .to_owned()
}

/// `owner` and `labels` change nothing in a run, but a wrong one would be missed in a filter.
pub(super) fn metadata(tree: &Node, report: &mut Report) -> (Option<String>, BTreeMap<String, String>) {
    let owner = tree.field("owner").and_then(|owner| values::short_text("owner", owner, NAME_MAX, report));
    let mut labels = BTreeMap::new();
    match tree.field("labels").map(|node| (node, node.as_map())) {
        None => {}
        Some((node, None)) => report.add(values::wrong_kind("labels", node, "a map from names to strings")),
        Some((_, Some(entries))) => {
            if let Some(extra) = entries.get(LABELS_MAX) {
                report.add(Finding::error(
                    "E115",
                    extra.key_span,
                    format!("a document has at most {LABELS_MAX} labels"),
                ));
            }
            for entry in entries {
                if let Some(value) = values::text(&format!("labels.{}", entry.key), &entry.value, report) {
                    labels.insert(entry.key.clone(), value.to_owned());
                }
            }
        }
    }
    (owner.map(str::to_owned), labels)
}
