//! The config of the types that the engine carries out itself.

use super::conditions::condition;
use super::expressions::Site;
use super::{Facts, Finding, Report, templates, values};
use crate::tree::{Kind, Node};
use crate::{Body, CallMode, EventPattern, Failure, LogLevel, Template, WaitFor};

/// How long an old `delay` without a `duration` took.
const OLD_DELAY_MILLIS: u64 = 1000;

pub(super) fn read(
    step_type: &str,
    step: &Node,
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
            Some(Body::Fail(Some(Failure { message: message?, code, details })))
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
        "emit" => {
            let (event, key, data) = (template("event"), template("key"), template("data"));
            Some(Body::Emit { event: event?, key, data })
        }
        "call" => {
            let (workflow, input) = (template("workflow"), template("input"));
            let mode = match config.field("mode").and_then(Node::as_str) {
                Some("start") => CallMode::Start,
                _ => CallMode::Wait,
            };
            note_call(config, site, facts);
            Some(Body::Call { workflow: workflow?, input, mode })
        }
        "wait_for_event" => wait_for_event(step, config, type_node, site, facts, report),
        _ => wait(template("for"), template("until"), type_node, report),
    }
}

fn wait(span: Option<Template>, until: Option<Template>, type_node: &Node, report: &mut Report) -> Option<Body> {
    match (span, until) {
        (Some(span), None) => Some(Body::Wait(WaitFor::For(span))),
        (None, Some(until)) => Some(Body::Wait(WaitFor::Until(until))),
        (span, _) => {
            let what = if span.is_some() { "not both" } else { "one of them is missing" };
            report.add(
                Finding::error("E103", type_node.span, "`wait` needs `for` or `until`")
                    .label(what)
                    .help("\"for\": \"5m\" waits that long, \"until\": \"2030-01-01T09:00:00Z\" waits up to then"),
            );
            None
        }
    }
}

fn wait_for_event(
    step: &Node,
    config: &Node,
    type_node: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Body> {
    if step.field("timeout").is_none() {
        report.add(
            Finding::error("E116", type_node.span, "`wait_for_event` needs a `timeout`")
                .label("it could wait for ever")
                .help(
                    "write \"timeout\": \"24h\" beside `config`; when it is over, the step fails with `kind: timeout`",
                ),
        );
    }
    let names = config.field("event")?;
    match &names.kind {
        Kind::Text(_) => {}
        Kind::List(items) if !items.is_empty() => {
            for item in items {
                values::text("config.event", item, report);
            }
        }
        _ => report.add(values::wrong_kind("config.event", names, "the name of an event, or a list of names")),
    }
    let names = templates::build(names, site, facts, report);
    let mut template = |field: &str| config.field(field).map(|node| templates::build(node, site, facts, report));
    let (key, since) = (template("key"), template("since"));
    let roots: Vec<&str> = site.roots.iter().copied().chain(["event"]).collect();
    let reads_event = Site { roots: &roots, calls: false, ..site };
    let condition = config.field("where").and_then(|when| condition("where", when, reads_event, facts, report));
    Some(Body::WaitForEvent(EventPattern { names, key, condition, since }))
}

/// A deploy compares the call with the workflow that it names.
fn note_call(config: &Node, _site: Site<'_>, facts: &Facts<'_>) {
    let Some(workflow) = config.field("workflow") else { return };
    let Some(id) = workflow.as_str().filter(|id| !id.contains("{{")) else { return };
    let input = config.field("input");
    let names = input
        .and_then(Node::as_map)
        .map(|entries| entries.iter().map(|entry| (entry.key.clone(), entry.key_span)).collect::<Vec<_>>());
    facts.calls.borrow_mut().push(super::calls::Call {
        workflow: id.to_owned(),
        workflow_span: workflow.span,
        // Without `input` nothing is given; an input that is one expression is known at run time only.
        inputs: match input {
            None => Some(Vec::new()),
            Some(_) => names,
        },
    });
}
