//! `compensate`: how to undo a step that has succeeded.

use super::attempts::{self, Effort, Place};
use super::expressions::{Reads, Site, roots};
use super::fields::Fields;
use super::outline::{ListKind, StepAt};
use super::steps::read_inner;
use super::{Facts, Report, body, values};
use crate::tree::{Kind, Node};
use crate::{Compensate, Step};

pub(crate) const FIELDS: [&str; 5] = ["type", "config", "retry", "retries", "timeout"];

pub(super) fn read(node: &Node, index: StepAt, id: &str, facts: &Facts<'_>, report: &mut Report) -> Option<Compensate> {
    if let Kind::List(nodes) = &node.kind {
        let steps = read_inner(nodes, index, ListKind::Undo, facts, report);
        return Some(Compensate { steps, single: false });
    }
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("compensate", node, "`{type, config}` or a list of steps"));
        return None;
    };
    Fields { place: "in `compensate`", known: &FIELDS }.check(entries, facts, report, |_| None);
    let roots = roots(&facts.outline, index, true, &["output"]);
    let site = Site { roots: &roots, reads: Reads::Undo(index), calls: true };
    let body = body::of_type(node, id, site, facts, report);
    let is_work = node.field("type").and_then(Node::as_str).is_some_and(|name| name.contains('.'));
    let effort = if is_work { Effort::Work } else { Effort::Engine };
    let place = Place { id, roots: &roots, reads: Reads::Undo(index), undoes: true };
    let attempts = attempts::read(node, effort, &place, facts, report);
    let name = facts.outline.steps[index].id.clone();
    let step = Step { retry: attempts.retry, timeout: attempts.timeout, ..Step::new(name, body?) };
    Some(Compensate { steps: vec![step], single: true })
}
