//! What a step does: its type and its `config`, a block, or a choice.

use super::conditions::condition;
use super::expressions::Site;
use super::fields::Fields;
use super::outline::{ListKind, StepAt};
use super::steps::read_inner;
use super::{Facts, Finding, Report, config, steering, templates, tokens, values};
use crate::suggest::closest;
use crate::tree::{Entry, Kind, Node};
use crate::{Arm, Body};

const TYPES_HELP: &str = "`onward types` lists every built-in type and the types that connected workers offer";
const BODIES: [&str; 3] = ["type", "steps", "switch"];
pub(crate) const ARMS_MAX: usize = 50;
/// Children of a block at once.
pub(crate) const PARALLEL_MAX: u32 = 200;

pub(super) fn read(
    step: &Node,
    index: StepAt,
    id: &str,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Body> {
    let entries = step.as_map().unwrap_or_default();
    let bodies: Vec<&Entry> = entries.iter().filter(|entry| BODIES.contains(&entry.key.as_str())).collect();
    if let [first, second, ..] = bodies.as_slice() {
        report.add(
            Finding::error(
                "E128",
                second.key_span,
                format!("step `{id}` has both `{}` and `{}`", first.key, second.key),
            )
            .label("a step does one thing")
            .related(first.key_span, "the other one")
            .help("a step has exactly one of `type`, `steps` and `switch`; put the other one into a step of its own"),
        );
        return None;
    }
    let first = bodies.first();
    for (field, with, wanted) in [("config", "type", "`type`"), ("parallel", "steps", "`steps`")] {
        if let Some(entry) = entries.iter().find(|entry| entry.key == field)
            && let Some(body) = first.filter(|body| body.key != with)
        {
            report.add(
                Finding::error("E128", entry.key_span, format!("step `{id}` has `{field}` beside `{}`", body.key))
                    .label(format!("`{field}` goes with {wanted}")),
            );
        }
    }
    match first.map(|entry| entry.key.as_str()) {
        Some("steps") => block(step, index, id, facts, report),
        Some("switch") => switch(step, index, id, site, facts, report),
        _ => of_type(step, id, site, facts, report),
    }
}

fn block(step: &Node, index: StepAt, id: &str, facts: &Facts<'_>, report: &mut Report) -> Option<Body> {
    let list = step.field("steps")?;
    let nodes = values::list("steps", list, report)?;
    if nodes.is_empty() {
        report.add(
            Finding::error("E103", list.span, format!("`steps` of step `{id}` is empty"))
                .label("there is nothing to do"),
        );
    }
    let (parallel, at_once) = match step.field("parallel").map(|node| (node, &node.kind)) {
        None | Some((_, Kind::Bool(false))) => (false, None),
        Some((_, Kind::Bool(true))) => (true, None),
        Some((node, Kind::Number(_))) => {
            let limit = values::count("parallel", node, PARALLEL_MAX, report).unwrap_or(1);
            if limit == 0 {
                report.add(
                    Finding::error("E105", node.span, "`parallel` must be at least 1").label("nothing would ever run"),
                );
            }
            (true, usize::try_from(limit.max(1)).ok())
        }
        Some((node, _)) => {
            report.add(values::wrong_kind("parallel", node, "true, false, or how many at once"));
            (false, None)
        }
    };
    let kind = ListKind::Block { parallel };
    Some(Body::Block { steps: read_inner(nodes, index, kind, facts, report), at_once, parallel })
}

fn switch(
    step: &Node,
    index: StepAt,
    id: &str,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Body> {
    let list = step.field("switch")?;
    let nodes = values::list("switch", list, report)?;
    if nodes.is_empty() {
        let message = format!("`switch` of step `{id}` is empty");
        report.add(Finding::error("E103", list.span, message).label("there is nothing to choose from"));
    }
    if let Some(extra) = nodes.get(ARMS_MAX) {
        report.add(
            Finding::error("E115", extra.span, format!("a `switch` has at most {ARMS_MAX} arms"))
                .label(format!("this one has {}", nodes.len())),
        );
    }
    let mut arms = Vec::with_capacity(nodes.len());
    for (place, node) in nodes.iter().enumerate().take(ARMS_MAX) {
        let Some(entries) = node.as_map() else {
            report.add(values::wrong_kind("switch", node, "a list of maps `{if, steps}`"));
            continue;
        };
        Fields { place: "in an arm of `switch`", known: &["if", "steps"] }.check(entries, facts, report, |_| None);
        let when = node.field("if").and_then(|when| condition("if", when, site, facts, report));
        if node.field("if").is_none() && place + 1 < nodes.len() {
            report.add(
                Finding::error(
                    "E129",
                    entries.first().map_or(node.span, |entry| entry.key_span),
                    "an arm without `if` must be the last one",
                )
                .label("the arms below it would never run")
                .help("it is the \"else\": move it to the end"),
            );
        }
        let Some(steps) = node.field("steps") else {
            report.add(
                Finding::error(
                    "E103",
                    entries.first().map_or(node.span, |entry| entry.key_span),
                    "an arm has no `steps`",
                )
                .label("there is nothing to do")
                .help("to do nothing in this case write \"steps\": []"),
            );
            continue;
        };
        let Some(steps) = values::list("steps", steps, report) else { continue };
        let steps = read_inner(steps, index, ListKind::Arm(place), facts, report);
        arms.push(Arm { condition: when, steps });
    }
    Some(Body::Switch(arms))
}

/// `{type, config}`.
pub(super) fn of_type(step: &Node, id: &str, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Body> {
    let entries = step.as_map().unwrap_or_default();
    let Some(type_node) = step.field("type") else {
        let first = entries.first().map_or(step.span, |entry| entry.key_span);
        report.add(
            Finding::error("E103", first, format!("step `{id}` has no `type`"))
                .label("it does nothing")
                .help("a step has exactly one of `type`, `steps` and `switch`"),
        );
        return None;
    };
    let step_type = values::text("type", type_node, report)?;
    let empty = Node { span: type_node.span, kind: Kind::Map(Vec::new()) };
    let written = step.field("config");
    let config = written.unwrap_or(&empty);
    tokens::check(config, facts, report);
    if step_type == "value" {
        return Some(Body::Value(templates::build(config, site, facts, report)));
    }
    let is_offered = facts.catalog.is_offered(step_type);
    let known = facts.catalog.find(step_type);
    if known.is_none() && !is_offered {
        report.add(unknown_type(step_type, type_node, facts));
        return None;
    }
    if !matches!(config.kind, Kind::Map(_)) {
        report.add(values::wrong_kind("config", config, "a map"));
        return None;
    }
    // Inside a handler it raises again what is being handled.
    if step_type == "fail" && written.is_none() && site.roots.contains(&"error") {
        return Some(Body::Fail(None));
    }
    let roots: Vec<&str> = site.roots.iter().copied().chain(["secrets"]).collect();
    let Some(known) = known else {
        let config = templates::build(config, Site { roots: &roots, ..site }, facts, report);
        return Some(Body::Work { step_type: step_type.to_owned(), config });
    };
    config::check(known, config, type_node, id, facts, report);
    if !step_type.contains('.') {
        return steering::read(step_type, step, config, type_node, site, facts, report);
    }
    if !known.built_in && !is_offered {
        report.unoffered.push(
            Finding::warning("E203", type_node.span, format!("no worker offers `{step_type}` yet"))
                .label("nothing can carry this out")
                .help("the document can be deployed; its runs wait at this step until a worker offers the type"),
        );
    }
    let config = config::template(known, config, Site { roots: &roots, ..site }, facts, report);
    Some(Body::Work { step_type: step_type.to_owned(), config })
}

fn unknown_type(step_type: &str, node: &Node, facts: &Facts<'_>) -> Finding {
    let finding = Finding::error("E114", node.span, format!("unknown step type `{step_type}`"));
    let known = facts.catalog.types().iter().map(|known| known.name);
    let finding = match closest(step_type, known) {
        Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
            format!("Change to `{meant}`"),
            false,
            vec![(node.span, format!("\"{meant}\""))],
        ),
        None => finding.label("no type has a name like this"),
    };
    finding.help(TYPES_HELP)
}
