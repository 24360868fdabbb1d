//! The document's own fields, in both shapes.

pub(crate) mod identity;
pub(crate) mod secrets;
pub(crate) mod starts;

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value};

use super::expressions::{Reads, STEP_ROOTS, Site, VARIABLE_ROOTS};
use super::fields::Fields;
use super::outline::{ListKind, Outline};
use super::{Facts, Finding, Outside, Report, attempts, inputs, shared, steps, templates, triggers, values};
use crate::source::{Lines, Source, Span};
use crate::tree::Node;
use crate::{Catalog, Definition, Template, Trigger, TriggerKind};

pub(crate) const DOCUMENT_FIELDS: [&str; 24] = [
    "version",
    "name",
    "id",
    "description",
    "enabled",
    "triggers",
    "inputs",
    "variables",
    "secrets",
    "output",
    "timeout",
    "steps",
    "on_error",
    "finally",
    "defaults",
    "concurrency",
    "rate_limit",
    "idempotency_key",
    "idempotency_ttl",
    "queue",
    "priority",
    "owner",
    "labels",
    "$schema",
];
/// What the replaced system's API wrapped into `schema`.
pub(crate) const WRAPPED_FIELDS: [&str; 3] = ["triggers", "steps", "variables"];
const VARIABLES_MAX: usize = 64 * 1024;

pub(super) fn check<'a>(
    tree: &'a Node,
    source: &'a Source,
    lines: &'a Lines<'a>,
    catalog: &'a Catalog,
    report: &mut Report,
) -> Option<(Definition, Outside)> {
    let Some(entries) = tree.as_map() else {
        report.add(
            Finding::error("E105", tree.span, "a document is a map with `name` and `steps`")
                .label(format!("this is {}", tree.what())),
        );
        return None;
    };
    let versioned = identity::version(tree, report);
    let inputs = tree.field("inputs").map(|node| inputs::read(node, report)).unwrap_or_default();
    let variables = part(tree, "variables");
    let lists = [
        (ListKind::Main, list_of_steps(part(tree, "steps"), "steps", report)),
        (ListKind::OnError, list_of_steps(tree.field("on_error"), "on_error", report)),
        (ListKind::Finally, list_of_steps(tree.field("finally"), "finally", report)),
    ];
    let secrets = tree.field("secrets").map(|node| secrets::read(node, report)).unwrap_or_default();
    let facts = Facts {
        source,
        lines,
        catalog,
        versioned,
        inputs: inputs.iter().map(|(name, input)| (name.clone(), inputs::json_type(&input.schema))).collect(),
        variables: variable_names(variables),
        secrets: secrets.iter().map(|(name, _)| name.clone()).collect(),
        defaults: tree.field("defaults"),
        outline: Outline::read(lists, source, report),
        shared: RefCell::default(),
        calls: RefCell::default(),
        expressions: Cell::new(0),
    };
    Fields { place: "in the document", known: &DOCUMENT_FIELDS }.check(
        entries.iter().filter(|entry| !entry.key.starts_with("x-") && !is_wrapper(tree, &entry.key)),
        &facts,
        report,
        |_| None,
    );
    check_wrapper(tree, &facts, report);
    let name = identity::name(tree, report);
    let id = identity::id(tree, name.as_ref().map(|(name, span)| (name.as_str(), *span)), versioned, report);
    check_steps_exist(tree, report);
    if let Some(defaults) = facts.defaults {
        attempts::check_defaults(defaults, &facts, report);
    }
    let variables =
        variables.map_or(Template::Literal(Value::Object(Map::new())), |node| variables_template(node, &facts, report));
    let end = Site { roots: &STEP_ROOTS, reads: Reads::Everything, calls: true };
    let output = tree.field("output").map(|node| templates::build(node, end, &facts, report));
    let [steps, on_error, finally] = lists.map(|(kind, nodes)| match facts.outline.list(None, kind) {
        Some(list) => steps::read_list(nodes, list, &facts, report),
        None => Vec::new(),
    });
    shared::report(&facts, report);
    let triggers = match part(tree, "triggers") {
        Some(node) => triggers::read(node, id.as_deref().unwrap_or_default(), &inputs, &facts, report),
        None => Vec::new(),
    };
    let starts = starts::read(tree, &facts, report);
    let (owner, labels) = identity::metadata(tree, report);
    let timeout = tree.field("timeout").and_then(|node| attempts::positive("timeout", node, report));
    let description = identity::description(tree, report);
    let enabled = tree.field("enabled").and_then(|node| values::boolean("enabled", node, report)).unwrap_or(true);
    let outside = Outside { calls: facts.calls.take(), secrets };
    let bare = Definition::new(id?, name?.0, steps);
    let definition = Definition {
        description,
        enabled,
        owner,
        labels,
        triggers: if triggers.is_empty() { vec![Trigger::new("manual", TriggerKind::Manual)] } else { triggers },
        inputs,
        variables,
        secrets: outside.secrets.iter().map(|(name, _)| name.clone()).collect(),
        output,
        timeout: timeout.unwrap_or(bare.timeout),
        on_error,
        finally,
        concurrency: starts.concurrency,
        rate_limit: starts.rate_limit,
        idempotency_key: starts.idempotency_key,
        idempotency_ttl: starts.idempotency_ttl.unwrap_or(bare.idempotency_ttl),
        queue: starts.queue,
        priority: starts.priority,
        ..bare
    };
    let own_secrets = catalog.own_secrets(&definition);
    Some((Definition { own_secrets, ..definition }.numbered(), outside))
}

/// There has to be something to do.
fn check_steps_exist(tree: &Node, report: &mut Report) {
    let steps = part(tree, "steps");
    let (span, message) = match steps.map(|node| (node, node.as_list())) {
        None => {
            let first = tree.as_map().and_then(<[_]>::first).map_or(tree.span, |entry| entry.key_span);
            (first, "the document has no `steps`")
        }
        Some((node, Some([]))) => (node.span, "`steps` is empty"),
        Some(_) => return,
    };
    report.add(Finding::error("E103", span, message).label("there is nothing to do"));
}

/// A field of the document, or of the old `schema` wrapper.
fn part<'n>(tree: &'n Node, key: &str) -> Option<&'n Node> {
    tree.field(key).or_else(|| tree.field("schema").filter(|schema| is_wrapped(schema))?.field(key))
}

fn is_wrapped(schema: &Node) -> bool {
    schema.field("steps").is_some() || schema.field("triggers").is_some()
}

fn is_wrapper(tree: &Node, key: &str) -> bool {
    key == "schema" && tree.field("schema").is_some_and(is_wrapped)
}

fn check_wrapper(tree: &Node, facts: &Facts<'_>, report: &mut Report) {
    let Some(schema) = tree.field("schema").filter(|schema| is_wrapped(schema)) else { return };
    let entries = schema.as_map().unwrap_or_default();
    Fields { place: "in `schema`", known: &WRAPPED_FIELDS }.check(entries, facts, report, |_| None);
    for entry in entries {
        if let Some(other) = tree.field(&entry.key) {
            report.add(
                Finding::error("E104", entry.key_span, format!("`{}` is there twice", entry.key))
                    .label("inside `schema`")
                    .related(Span::new(other.span.start, other.span.start + 1), "and beside it")
                    .help("keep one of them"),
            );
        }
    }
}

fn list_of_steps<'n>(node: Option<&'n Node>, field: &str, report: &mut Report) -> &'n [Node] {
    node.and_then(|node| values::list(field, node, report)).unwrap_or_default()
}

/// None when the names are not known before the run.
fn variable_names(node: Option<&Node>) -> Option<Vec<String>> {
    match node {
        None => Some(Vec::new()),
        Some(node) => node.as_map().map(|entries| entries.iter().map(|entry| entry.key.clone()).collect()),
    }
}

fn variables_template(node: &Node, facts: &Facts<'_>, report: &mut Report) -> Template {
    let bytes = node.to_value().to_string().len();
    if bytes > VARIABLES_MAX {
        report.add(
            Finding::error("E115", node.span, format!("`variables` is larger than {} kB", VARIABLES_MAX / 1024))
                .label(format!("it has {bytes} bytes")),
        );
    }
    let site = Site { roots: &VARIABLE_ROOTS, reads: Reads::NoStep, calls: true };
    templates::build(node, site, facts, report)
}
