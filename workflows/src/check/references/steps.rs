//! Reading a step: it exists, it is over by then, and the field is one that a step has.

use super::Reference;
use crate::check::expressions::{Reads, Site, Snippet};
use crate::check::outline::List;
use crate::check::{Facts, Finding, Report};
use crate::suggest::listed;

const STEP_FIELDS: [&str; 7] = ["output", "status", "error", "attempts", "started_at", "finished_at", "items"];

pub(super) fn check(
    reference: &Reference<'_>,
    snippet: &Snippet<'_>,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let name = &reference.segments[1];
    let span = snippet.span(reference.segment(1));
    let Some(index) = facts.outline.find(name) else {
        let finding = unknown(name, span, facts, report);
        report.add(finding);
        return;
    };
    match site.reads {
        Reads::NoStep => {}
        Reads::Everything => {
            if facts.outline.steps[index].list == List::OnError {
                report.add(
                    Finding::error("E111", span, format!("`{name}` only runs after an error"))
                        .label("it has no result here"),
                );
            }
        }
        Reads::AsStep(reader) => {
            if let Some(finding) = not_over(reader, index, span, facts) {
                report.add(finding);
            }
        }
    }
    let Some(field) = reference.segments.get(2) else { return };
    if !STEP_FIELDS.contains(&field.as_str()) {
        let span = snippet.span(reference.segment(2));
        let finding = Finding::error("E124", span, format!("a step has no `{field}`"));
        let finding = match report.closest(field, STEP_FIELDS) {
            Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
                format!("Change to `{meant}`"),
                false,
                vec![(span, meant.to_owned())],
            ),
            None => finding
                .label(format!("did you mean `output.{field}`?"))
                .help(format!("a step has {}", listed(STEP_FIELDS))),
        };
        report.add(finding);
    }
}

fn unknown(name: &str, span: crate::source::Span, facts: &Facts<'_>, report: &Report) -> Finding {
    let finding = Finding::error("E107", span, format!("there is no step called `{name}`"));
    match report.closest(name, facts.outline.ids()) {
        Some(meant) => {
            let text = meant.replace('-', "_");
            finding.label(format!("did you mean `{meant}`?")).fix(
                format!("Change to `{text}`"),
                false,
                vec![(span, text)],
            )
        }
        None => finding.label(format!("the steps are {}", listed(facts.outline.ids()))),
    }
}

/// None when the read step is surely over when the reader starts.
fn not_over(reader: usize, index: usize, span: crate::source::Span, facts: &Facts<'_>) -> Option<Finding> {
    let steps = &facts.outline.steps;
    let (from, to) = (&steps[reader], &steps[index]);
    let (reading, read) = (&from.id, &to.id);
    if reader == index {
        return Some(
            Finding::error("E111", span, format!("`{read}` reads its own result"))
                .label("there is none before the step has run"),
        );
    }
    match (from.list, to.list) {
        // Whatever has run has run; the rest is null.
        (List::OnError, List::Steps) => return None,
        (List::Steps, List::OnError) => {
            return Some(
                Finding::error("E111", span, format!("`{reading}` reads `{read}`, which only runs after an error"))
                    .label("it has no result here")
                    .related(to.id_span, format!("`{read}` stands in `on_error`")),
            );
        }
        _ => {}
    }
    if to.place > from.place {
        return Some(
            Finding::error("E111", span, format!("`{reading}` reads `{read}`, which stands below it"))
                .label("has not run yet")
                .related(to.id_span, format!("`{read}` is here"))
                .help(format!("move `{read}` above `{reading}`")),
        );
    }
    if from.waits_for.get(to.place).copied().unwrap_or(true) {
        return None;
    }
    let finding = Finding::error("E111", span, format!("`{reading}` reads `{read}`, but does not wait for it"))
        .label("may not have run yet")
        .related(to.id_span, format!("`{read}` can still be running at that time"))
        .help(format!("add `{read}` to the `needs` of `{reading}`"));
    Some(match from.needs_end {
        Some((end, before)) => {
            finding.fix(format!("Add `{read}` to `needs`"), true, vec![(end, format!("{before}\"{read}\""))])
        }
        None => finding,
    })
}
