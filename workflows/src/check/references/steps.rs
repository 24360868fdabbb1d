//! Reading a step: it exists, it is over by then, and the field is one that a step has.

use super::Reference;
use crate::check::expressions::{Reads, Site, Snippet};
use crate::check::outline::{ListKind, Outline, OutlinedStep, StepAt};
use crate::check::{Facts, Finding, Report};
use crate::source::Span;
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
    report.findings.extend(not_readable(&facts.outline, site.reads, index, span));
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
    } else if field == "items" && facts.outline.steps[index].foreach.is_none() {
        let span = snippet.span(reference.segment(2));
        report.add(
            Finding::error("E124", span, format!("`{name}` has no `items`"))
                .label("only a step with `foreach` has them")
                .help("its result is in `output`"),
        );
    }
}

fn unknown(name: &str, span: Span, facts: &Facts<'_>, report: &Report) -> Finding {
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

/// How a reader is related to a step that it is in, or is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    /// It is the step, before its body.
    Before,
    /// It is the step, after its body.
    After,
    /// It is what undoes the step.
    Undo,
    /// It stands in this list of the step.
    Inside(ListKind),
}

/// None when the read step is surely over, or surely will not run, when the reader starts.
fn not_readable(outline: &Outline, reads: Reads, target: StepAt, span: Span) -> Option<Finding> {
    let (reader, via) = match reads {
        Reads::NoStep => return None,
        Reads::Everything => return in_the_end(outline, target, span),
        Reads::AsStep(step) => (step, Via::Before),
        Reads::After(step) => (step, Via::After),
        Reads::Undo(step) => (step, Via::Undo),
    };
    let targets = chain(outline, target, Via::Before);
    for (step, via) in chain(outline, reader, via) {
        let list = outline.steps[step].list;
        let Some(at) = targets.iter().position(|(other, _)| outline.steps[*other].list == list) else { continue };
        let (sibling, into) = targets[at];
        let inner: Vec<StepAt> = targets[..at].iter().map(|(step, _)| *step).collect();
        if sibling == step {
            return inside(outline, (reader, step, via), (target, into), span)
                .or_else(|| in_loop(outline, &inner, target, span));
        }
        return beside(outline, (reader, step), (target, sibling), span)
            .or_else(|| only_later(outline, (reader, target), &targets[1..=at], span))
            .or_else(|| in_loop(outline, &[&inner[..], &[sibling]].concat(), target, span));
    }
    apart(outline, reader, target, span)
        .or_else(|| in_loop(outline, &targets.iter().map(|(step, _)| *step).collect::<Vec<_>>(), target, span))
}

/// A step and everything that it stands in, from the inside out, each with the way in.
fn chain(outline: &Outline, step: StepAt, via: Via) -> Vec<(StepAt, Via)> {
    let mut chain = vec![(step, via)];
    let mut list = &outline.lists[outline.steps[step].list];
    while let Some(owner) = list.owner {
        chain.push((owner, Via::Inside(list.kind)));
        list = outline.list_of(owner);
    }
    chain
}

/// Both are in `step`, or are it.
fn inside(
    outline: &Outline,
    (reader, step, via): (StepAt, StepAt, Via),
    (target, into): (StepAt, Via),
    span: Span,
) -> Option<Finding> {
    let (reading, read) = (id(outline, reader), id(outline, target));
    let owner = &outline.steps[step];
    let error = |message: String, label: &str| Some(Finding::error("E111", span, message).label(label));
    let Via::Inside(into) = into else {
        // The target is the step itself.
        return match via {
            Via::Undo | Via::Inside(ListKind::Undo) => None,
            Via::Before | Via::After => {
                let label = match via {
                    Via::After => "the raw result is called `output` here",
                    _ => "there is none before the step has run",
                };
                error(format!("`{read}` reads its own result"), label)
            }
            Via::Inside(_) => error(
                format!("`{reading}` reads `{read}`, in which it stands"),
                "it is not over before everything in it is",
            ),
        };
    };
    let is_body = matches!(into, ListKind::Block { .. } | ListKind::Arm(_));
    match via {
        Via::Undo | Via::Inside(ListKind::Undo) => None,
        Via::After | Via::Inside(ListKind::Handler) if is_body => None,
        Via::Inside(ListKind::StepFinally) if is_body || into == ListKind::Handler => None,
        Via::Before => error(format!("`{reading}` reads `{read}`, which stands in it"), "has not run yet"),
        Via::Inside(ListKind::Arm(_)) if matches!(into, ListKind::Arm(_)) => Some(
            Finding::error("E111", span, format!("`{reading}` reads `{read}`, which stands in another arm"))
                .label("only one arm runs")
                .related(owner.id_span, format!("the `switch` of `{}`", owner.id)),
        ),
        Via::After | Via::Inside(_) => error(format!("`{reading}` reads `{read}`, {}", runs(into)), "has not run yet"),
    }
}

fn runs(list: ListKind) -> &'static str {
    match list {
        ListKind::OnError | ListKind::Handler => "which only runs after an error",
        ListKind::Finally | ListKind::StepFinally => "which only runs at the end",
        ListKind::Undo => "which only runs to undo",
        ListKind::Main | ListKind::Block { .. } | ListKind::Arm(_) => "which runs elsewhere",
    }
}

/// Undo steps run when what comes after them in the text is long over. `into` is the way from the read step to the list
/// that both are in.
fn only_later(
    outline: &Outline,
    (reader, target): (StepAt, StepAt),
    into: &[(StepAt, Via)],
    span: Span,
) -> Option<Finding> {
    into.iter().any(|(_, via)| *via == Via::Inside(ListKind::Undo)).then(|| {
        let (reading, read) = (id(outline, reader), id(outline, target));
        Finding::error("E111", span, format!("`{reading}` reads `{read}`, {}", runs(ListKind::Undo)))
            .label("it has no result here")
    })
}

/// They stand in different places of one list, or in steps that do.
fn beside(
    outline: &Outline,
    (reader, from): (StepAt, StepAt),
    (target, to): (StepAt, StepAt),
    span: Span,
) -> Option<Finding> {
    let (from, to) = (&outline.steps[from], &outline.steps[to]);
    let (reading, read) = (id(outline, reader), id(outline, target));
    if to.place > from.place {
        let moved = (&to.id, &from.id);
        return Some(
            Finding::error("E111", span, format!("`{reading}` reads `{read}`, which stands below it"))
                .label("has not run yet")
                .related(to.id_span, format!("`{}` is here", to.id))
                .help(format!("move `{}` above `{}`", moved.0, moved.1)),
        );
    }
    if from.waits_for.get(to.place).copied().unwrap_or(true) {
        return None;
    }
    Some(add_need(
        Finding::error("E111", span, format!("`{reading}` reads `{read}`, but does not wait for it")),
        from,
        to,
    ))
}

fn add_need(finding: Finding, from: &OutlinedStep, to: &OutlinedStep) -> Finding {
    let (waiting, over) = (&from.id, &to.id);
    let finding = finding
        .label("may not have run yet")
        .related(to.id_span, format!("`{over}` can still be running at that time"))
        .help(format!("add `{over}` to the `needs` of `{waiting}`"));
    match &from.more_needs {
        Some(more) => finding.fix(
            format!("Add `{over}` to `needs`"),
            true,
            vec![(more.at, format!("{}{over}{}", more.before, more.after))],
        ),
        None => finding,
    }
}

/// They stand in different lists of the document.
fn apart(outline: &Outline, reader: StepAt, target: StepAt, span: Span) -> Option<Finding> {
    let root = |step: StepAt| {
        let top = chain(outline, step, Via::Before).last().map_or(step, |(step, _)| *step);
        (outline.list_of(top).kind, top)
    };
    let ((from, _), (to, top)) = (root(reader), root(target));
    // Whatever has run has run; the rest is null.
    if to == ListKind::Main || (from == ListKind::Finally && to == ListKind::OnError) {
        return None;
    }
    let field = if to == ListKind::OnError { "on_error" } else { "finally" };
    let (reading, read) = (id(outline, reader), id(outline, target));
    Some(
        Finding::error("E111", span, format!("`{reading}` reads `{read}`, {}", runs(to)))
            .label("it has no result here")
            .related(outline.steps[top].id_span, format!("`{}` stands in `{field}`", outline.steps[top].id)),
    )
}

/// The document's `output` reads what its steps came to.
fn in_the_end(outline: &Outline, target: StepAt, span: Span) -> Option<Finding> {
    let chain = chain(outline, target, Via::Before);
    let top = chain.last().map_or(target, |(step, _)| *step);
    let read = id(outline, target);
    let kind = outline.list_of(top).kind;
    let only = |kind| {
        Some(
            Finding::error("E111", span, format!("`{read}` {}", runs(kind).trim_start_matches("which ")))
                .label("it has no result here"),
        )
    };
    if kind != ListKind::Main {
        return only(kind);
    }
    if chain.iter().any(|(_, via)| *via == Via::Inside(ListKind::Undo)) {
        return only(ListKind::Undo);
    }
    in_loop(outline, &chain.iter().map(|(step, _)| *step).collect::<Vec<_>>(), target, span)
}

/// `steps` has what the target stands in; a loop among them has run it many times.
fn in_loop(outline: &Outline, steps: &[StepAt], target: StepAt, span: Span) -> Option<Finding> {
    let looping = steps.iter().filter(|step| **step != target).find_map(|step| {
        let step = &outline.steps[*step];
        step.foreach.map(|foreach| (step, foreach))
    });
    let (step, foreach) = looping?;
    let (read, each) = (id(outline, target), &step.id);
    let alias = each.replace('-', "_");
    Some(
        Finding::error(
            "E113",
            span,
            format!("`{read}` runs once for each item of `{each}`, so it has no single output here"),
        )
        .label("inside the loop")
        .related(foreach, format!("`{each}` loops here"))
        .help(format!(
            "use the loop's own output, a list: `steps.{alias}.output[0]`, or `| map(attribute=…)`; choose what each item yields with `output` on `{each}`"
        )),
    )
}

fn id(outline: &Outline, step: StepAt) -> &str {
    &outline.steps[step].id
}
