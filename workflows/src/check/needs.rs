//! `needs`: who waits for whom inside one list.

use std::collections::HashMap;

use super::outline::{OutlinedStep, StepAt};
use super::{Finding, Report, values};
use crate::source::{Format, Source, Span};
use crate::suggest::listed;
use crate::tree::Node;

/// Each search walks the whole list; after so many errors the rest can wait for the next check.
const SEARCHES_MAX: usize = 20;

/// A name in a `needs` list that is a step of the same list.
#[derive(Debug, Clone, Copy)]
struct Need {
    place: usize,
    span: Span,
    list: Span,
}

/// Fills in what the steps of one list wait for. `all` has every step of the document, `list` where those of this list
/// are among them.
pub(super) fn read(
    all: &mut [OutlinedStep],
    list: &[StepAt],
    nodes: &[Node],
    starts_at_once: bool,
    source: &Source,
    report: &mut Report,
) {
    let places: HashMap<String, usize> =
        list.iter().enumerate().rev().map(|(place, step)| (all[*step].id.clone(), place)).collect();
    let mut written: Vec<Option<Vec<Need>>> = Vec::with_capacity(list.len());
    for (place, node) in nodes.iter().enumerate().take(list.len()) {
        let needs = node.field("needs");
        all[list[place]].more_needs = match needs {
            Some(needs) => end_of(needs, source),
            None => beside_id(node, source),
        };
        let steps: Vec<&OutlinedStep> = list.iter().map(|step| &all[*step]).collect();
        let found = needs.map(|needs| names(&steps, &places, place, needs, report));
        // In a parallel block a step without `needs` waits for nothing.
        written.push(found.or_else(|| starts_at_once.then(Vec::new)));
    }
    let steps: Vec<&OutlinedStep> = list.iter().map(|step| &all[*step]).collect();
    report_cycles(&steps, &written, report);
    for place in 0..list.len() {
        let (needs, waits_for) = resolve(all, list, place, written[place].as_deref());
        let step = &mut all[list[place]];
        step.needs = needs;
        step.waits_for = waits_for;
    }
}

/// The places to wait for and, by place, everything that is over by then.
fn resolve(all: &[OutlinedStep], list: &[StepAt], place: usize, written: Option<&[Need]>) -> (Vec<usize>, Vec<bool>) {
    let Some(written) = written else {
        // Everything above. Those that another step above already waits for need not be named again: a list of 200
        // would carry 20,000 edges.
        let mut is_last = vec![true; place];
        for step in &list[..place] {
            for need in &all[*step].needs {
                is_last[*need] = false;
            }
        }
        return ((0..place).filter(|above| is_last[*above]).collect(), vec![true; place]);
    };
    let mut needs: Vec<usize> = written.iter().map(|need| need.place).filter(|need| *need < place).collect();
    needs.sort_unstable();
    needs.dedup();
    let mut waits_for = vec![false; place];
    for need in &needs {
        waits_for[*need] = true;
        for (above, over) in all[list[*need]].waits_for.iter().enumerate() {
            waits_for[above] |= over;
        }
    }
    (needs, waits_for)
}

fn names(
    steps: &[&OutlinedStep],
    places: &HashMap<String, usize>,
    place: usize,
    needs: &Node,
    report: &mut Report,
) -> Vec<Need> {
    let Some(items) = needs.as_list() else {
        let finding = values::wrong_kind("needs", needs, "a list of step ids");
        report.add(match needs.as_str() {
            Some(id) => finding.fix("Write a list", false, vec![(needs.span, format!("[\"{id}\"]"))]),
            None => finding,
        });
        return Vec::new();
    };
    if let Some(extra) = items.get(steps.len()) {
        report.add(
            Finding::error("E115", extra.span, "`needs` has more names than the list has steps")
                .label("the same one cannot count twice"),
        );
    }
    let mut found = Vec::new();
    for item in items.iter().take(steps.len()) {
        if report.is_full() {
            break;
        }
        let Some(name) = values::text("needs", item, report) else { continue };
        match places.get(name).copied().filter(|_| !name.is_empty()) {
            Some(own) if own == place => report.add(
                Finding::error("E106", item.span, format!("`{name}` waits for itself"))
                    .about(needs.span)
                    .label("a step cannot need itself")
                    .help("remove it"),
            ),
            Some(place) => found.push(Need { place, span: item.span, list: needs.span }),
            None => {
                let finding = unknown(steps, place, name, item, report);
                report.add(finding);
            }
        }
    }
    found
}

fn unknown(steps: &[&OutlinedStep], place: usize, name: &str, item: &Node, report: &Report) -> Finding {
    let finding = Finding::error("E107", item.span, format!("there is no step called `{name}` in this list"));
    let above = || steps[..place].iter().map(|step| step.id.as_str()).filter(|id| !id.is_empty());
    match report.closest(name, above()) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(item.span, format!("\"{meant}\""))],
        ),
        None if place == 0 => finding.label("there is no step above this one"),
        None => finding.label(format!("the steps above are {}", listed(above()))),
    }
}

/// A need that points down is either one edge of a circle or just in the wrong order. Each is reported once.
fn report_cycles(steps: &[&OutlinedStep], all: &[Option<Vec<Need>>], report: &mut Report) {
    let mut reported = vec![false; steps.len()];
    let mut searches = 0;
    for (place, needs) in all.iter().enumerate() {
        for need in needs.iter().flatten().filter(|need| need.place > place) {
            if reported[place] || searches == SEARCHES_MAX {
                break;
            }
            searches += 1;
            let Some(circle) = circle(all, place, *need) else {
                let (id, below) = (&steps[place].id, &steps[need.place].id);
                report.add(
                    Finding::error("E106", need.span, format!("`{id}` needs `{below}`, which stands below it"))
                        .about(need.list)
                        .label("`needs` can only name steps above")
                        .related(steps[need.place].id_span, format!("`{below}` is here"))
                        .help(format!("move `{below}` above `{id}`")),
                );
                continue;
            };
            if circle.iter().any(|(from, _)| reported[*from]) {
                continue;
            }
            for (from, _) in &circle {
                reported[*from] = true;
            }
            report.add(cycle_finding(steps, &circle));
        }
    }
}

fn cycle_finding(steps: &[&OutlinedStep], circle: &[(usize, Need)]) -> Finding {
    let names: Vec<String> =
        circle.iter().chain(circle.first()).map(|(from, _)| format!("`{}`", steps[*from].id)).collect();
    let edge = |(from, need): &(usize, Need)| format!("`{}` needs `{}`", steps[*from].id, steps[need.place].id);
    let mut finding =
        Finding::error("E106", circle[0].1.span, format!("these steps wait for each other: {}", names.join(" → ")))
            .about(circle[0].1.list)
            .label(edge(&circle[0]));
    for step in &circle[1..] {
        finding = finding.related(step.1.span, edge(step));
    }
    finding.help("remove one of these `needs`")
}

/// The edges of a circle that starts with `first`, or None. A step without `needs` waits for everything above it.
fn circle(all: &[Option<Vec<Need>>], start: usize, first: Need) -> Option<Vec<(usize, Need)>> {
    let mut came_from: Vec<Option<(usize, Need)>> = vec![None; all.len()];
    let mut open = vec![first.place];
    came_from[first.place] = Some((start, first));
    while let Some(place) = open.pop() {
        if place == start {
            break;
        }
        let implied: Vec<Need>;
        let needs = if let Some(needs) = &all[place] {
            needs
        } else {
            implied = (0..place).map(|above| Need { place: above, ..first }).collect();
            &implied
        };
        for need in needs {
            if came_from[need.place].is_none() {
                came_from[need.place] = Some((place, *need));
                open.push(need.place);
            }
        }
    }
    let mut edges = Vec::new();
    let mut at = start;
    loop {
        let (from, need) = came_from[at]?;
        edges.push((from, need));
        if from == start {
            break;
        }
        at = from;
    }
    edges.reverse();
    Some(edges)
}

/// Where text has to go so that a step needs one more; the name stands between `before` and `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insertion {
    pub at: Span,
    pub before: String,
    pub after: &'static str,
}

/// In a `needs` list that is written in brackets.
fn end_of(needs: &Node, source: &Source) -> Option<Insertion> {
    let items = needs.as_list()?;
    if !needs.span.text(&source.text).starts_with('[') {
        return None;
    }
    let (at, before) = match items.last() {
        Some(last) => (last.span.end, ", \""),
        None => (needs.span.start + 1, "\""),
    };
    Some(Insertion { at: Span::at(at), before: before.to_owned(), after: "\"" })
}

/// A `needs` of its own, behind the step's id.
fn beside_id(step: &Node, source: &Source) -> Option<Insertion> {
    let id = step.as_map()?.iter().find(|entry| entry.key == "id")?;
    let at = Span::at(id.value.span.end);
    let key = match source.format {
        Format::Json => "\"needs\"",
        Format::Yaml => "needs",
    };
    if step.span.text(&source.text).starts_with('{') {
        return Some(Insertion { at, before: format!(", {key}: [\""), after: "\"]" });
    }
    let line = source.text[..id.key_span.start].rfind('\n').map_or(0, |line| line + 1);
    let margin = &source.text[line..id.key_span.start];
    // A tab, or a letter of several bytes, could not be replaced by one blank.
    if !margin.bytes().all(|byte| matches!(byte, b' ' | b'-')) {
        return None;
    }
    Some(Insertion { at, before: format!("\n{}{key}: [\"", " ".repeat(margin.len())), after: "\"]" })
}
