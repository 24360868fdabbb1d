//! What a step does: its type and its `config`.

use super::expressions::Site;
use super::fields::not_yet;
use super::{Facts, Finding, Report, config, templates, values};
use crate::suggest::closest;
use crate::tree::{Kind, Node};
use crate::{Body, LogLevel, Template, WaitFor};

const TYPES_HELP: &str = "`onward types` lists every built-in type and the types that connected workers offer";
/// Steering types of the format that come later.
const LATER_TYPES: [&str; 3] = ["wait_for_event", "emit", "call"];
/// How long an old `delay` without a `duration` took.
const OLD_DELAY_MILLIS: u64 = 1000;

pub(super) fn read(step: &Node, id: &str, site: Site<'_>, facts: &Facts<'_>, report: &mut Report) -> Option<Body> {
    let entries = step.as_map().unwrap_or_default();
    let Some(type_node) = step.field("type") else {
        let first = entries.first().map_or(step.span, |entry| entry.key_span);
        report.add(
            Finding::error("E103", first, format!("step `{id}` has no `type`"))
                .label("it does nothing")
                .help(TYPES_HELP),
        );
        return None;
    };
    let step_type = values::text("type", type_node, report)?;
    if LATER_TYPES.contains(&step_type) {
        report.add(not_yet(step_type, type_node.span));
        return None;
    }
    let empty = Node { span: type_node.span, kind: Kind::Map(Vec::new()) };
    let config = step.field("config").unwrap_or(&empty);
    if step_type == "value" {
        return Some(Body::Value(templates::build(config, site, facts, report)));
    }
    let Some(known) = facts.catalog.find(step_type) else {
        report.add(unknown_type(step_type, type_node, facts));
        return None;
    };
    if !matches!(config.kind, Kind::Map(_)) {
        report.add(values::wrong_kind("config", config, "a map"));
        return None;
    }
    config::check(known, config, type_node, id, facts, report);
    if step_type.contains('.') {
        if !known.built_in {
            report.unoffered.push(
                Finding::warning("E203", type_node.span, format!("no worker offers `{step_type}` yet"))
                    .label("nothing can carry this out")
                    .help("the document can be checked, but `deploy` refuses it until a worker offers this type"),
            );
        }
        let config = config::template(known, config, site, facts, report);
        return Some(Body::Work { step_type: step_type.to_owned(), config });
    }
    steering(step_type, config, type_node, site, facts, report)
}

fn steering(
    step_type: &str,
    config: &Node,
    type_node: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Body> {
    let mut template = |field: &str| config.field(field).map(|node| templates::build(node, site, facts, report));
    match step_type {
        "return" => Some(Body::Return(template("value"))),
        "fail" => {
            let (message, code, details) = (template("message"), template("code"), template("details"));
            Some(Body::Fail { message: message?, code, details })
        }
        "log" => {
            let (message, data) = (template("message"), template("data"));
            let level = match config.field("level").and_then(Node::as_str) {
                Some("debug") => LogLevel::Debug,
                Some("warn") => LogLevel::Warn,
                Some("error") => LogLevel::Error,
                _ => LogLevel::Info,
            };
            Some(Body::Log { message: message?, level, data })
        }
        "delay" => {
            let duration = template("duration").unwrap_or(Template::Literal(OLD_DELAY_MILLIS.into()));
            Some(Body::Wait(WaitFor::For(duration)))
        }
        _ => {
            let (span, until) = (template("for"), template("until"));
            match (span, until) {
                (Some(span), None) => Some(Body::Wait(WaitFor::For(span))),
                (None, Some(until)) => Some(Body::Wait(WaitFor::Until(until))),
                (span, _) => {
                    let what = if span.is_some() { "not both" } else { "one of them is missing" };
                    report.add(
                        Finding::error("E103", type_node.span, "`wait` needs `for` or `until`").label(what).help(
                            "\"for\": \"5m\" waits that long, \"until\": \"2030-01-01T09:00:00Z\" waits up to then",
                        ),
                    );
                    None
                }
            }
        }
    }
}

fn unknown_type(step_type: &str, node: &Node, facts: &Facts<'_>) -> Finding {
    let finding = Finding::error("E114", node.span, format!("unknown step type `{step_type}`"));
    let known = facts.catalog.types().iter().map(|known| known.name).chain(LATER_TYPES);
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
