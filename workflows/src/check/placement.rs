//! Steps and fields that cannot stand everywhere.

use super::outline::{ListKind, StepAt};
use super::{Facts, Finding, Report};
use crate::tree::{Entry, Node};

pub(super) fn check(step: &Node, index: StepAt, facts: &Facts<'_>, report: &mut Report) {
    let outline = &facts.outline;
    let list = outline.steps[index].list;
    let around: Vec<ListKind> = std::iter::once(outline.lists[list].kind)
        .chain(outline.owners(list).map(|owner| outline.list_of(owner).kind))
        .collect();
    let in_loop = std::iter::once(index).chain(outline.owners(list)).any(|step| outline.steps[step].foreach.is_some());
    let why = around
        .iter()
        .find_map(|kind| no_return(*kind))
        .or_else(|| in_loop.then_some("one item cannot end the run for all the others"));
    if let Some(why) = why {
        check_return(step, why, report);
    }
    let Some(undo) = entry(step, "compensate") else { return };
    if let Some(why) = around.iter().find_map(|kind| no_undo(*kind)) {
        report.add(Finding::error("E129", undo.key_span, "`compensate` cannot stand here").label(why));
    }
    // Written without a list it is a step too.
    check_return(&undo.value, UNDO, report);
}

const UNDO: &str = "an undo cannot make the run succeed";

fn no_return(kind: ListKind) -> Option<&'static str> {
    match kind {
        ListKind::OnError => Some("`on_error` of the document cannot make the run succeed"),
        ListKind::Finally | ListKind::StepFinally => Some("`finally` cannot change how the run ends"),
        ListKind::Undo => Some(UNDO),
        ListKind::Main | ListKind::Block { .. } | ListKind::Arm(_) | ListKind::Handler => None,
    }
}

fn no_undo(kind: ListKind) -> Option<&'static str> {
    match kind {
        ListKind::OnError => Some("nothing that comes after `on_error` of the document would undo it"),
        ListKind::Finally | ListKind::StepFinally => Some("nothing that comes after `finally` would undo it"),
        ListKind::Undo => Some("an undo is not undone"),
        ListKind::Main | ListKind::Block { .. } | ListKind::Arm(_) | ListKind::Handler => None,
    }
}

fn check_return(step: &Node, why: &str, report: &mut Report) {
    let Some(entry) = entry(step, "type").filter(|entry| entry.value.as_str() == Some("return")) else { return };
    report.add(Finding::error("E129", entry.value.span, "`return` cannot stand here").label(why));
}

fn entry<'n>(step: &'n Node, key: &str) -> Option<&'n Entry> {
    step.as_map()?.iter().find(|entry| entry.key == key)
}
