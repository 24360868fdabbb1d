//! `foreach`: what it goes over, and how.

use super::expressions::{self, Reads, Site, roots};
use super::fields::Fields;
use super::outline::StepAt;
use super::{Facts, Finding, Report, conditions, templates, values};
use crate::tree::{Kind, Node};
use crate::{Foreach, Template};

pub(crate) const AT_ONCE_MAX: u32 = 1_000;
pub(crate) const BATCH_MAX: u32 = 10_000;
pub(crate) const FIELDS: [&str; 4] = ["in", "as", "concurrency", "batch"];
pub(crate) const NAME_MAX: usize = 50;

pub(super) fn read(node: &Node, index: StepAt, facts: &Facts<'_>, report: &mut Report) -> Option<Foreach> {
    let outer = roots(&facts.outline, index, false, &[]);
    let site = Site { roots: &outer, reads: Reads::AsStep(index), calls: true };
    let Kind::Map(entries) = &node.kind else {
        let items = items("foreach", node, site, facts, report)?;
        return Some(Foreach { items, name: "item".to_owned(), concurrency: 1, batch: None });
    };
    Fields { place: "in `foreach`", known: &FIELDS }.check(entries, facts, report, |_| None);
    let name = node.field("as").map_or(Some("item".to_owned()), |name| item_name(name, &outer, report));
    let mut number = |field: &str, max: u32| {
        let written = node.field(field)?;
        let value = values::count(field, written, max, report)?;
        if value == 0 {
            report.add(
                Finding::error("E105", written.span, format!("`{field}` must be at least 1"))
                    .label("nothing would ever run"),
            );
            return None;
        }
        usize::try_from(value).ok()
    };
    let concurrency = number("concurrency", AT_ONCE_MAX).unwrap_or(1);
    let batch = number("batch", BATCH_MAX);
    let Some(list) = node.field("in") else {
        report.add(
            Finding::error("E103", node.span, "`foreach.in` is missing")
                .label("what does it go over?")
                .help("foreach: { in: \"{{ steps.orders.output.records }}\", as: order, concurrency: 5 }"),
        );
        return None;
    };
    Some(Foreach { items: items("foreach.in", list, site, facts, report)?, name: name?, concurrency, batch })
}

/// A written list, or an expression that gives one.
fn items(field: &str, node: &Node, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Template> {
    match &node.kind {
        Kind::List(_) => Some(templates::build(node, site, facts, report)),
        Kind::Text(_) => conditions::list(field, node, site, facts, report).map(Template::Hole),
        _ => {
            report.add(values::wrong_kind(field, node, "a list, or an expression that gives one"));
            None
        }
    }
}

fn item_name(node: &Node, outer: &[&str], report: &mut Report) -> Option<String> {
    let name = values::short_text("as", node, NAME_MAX, report)?;
    let is_name = !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        report.add(
            Finding::error("E112", node.span, format!("`{name}` cannot be the name of an item"))
                .label("letters, digits and `_`, not beginning with a digit"),
        );
        return None;
    }
    if outer.contains(&name) || expressions::ALL_ROOTS.contains(&name) || expressions::is_word(name) {
        report.add(
            Finding::error("E104", node.span, format!("`{name}` already means something here"))
                .label("an item needs a name of its own"),
        );
        return None;
    }
    Some(name.to_owned())
}
