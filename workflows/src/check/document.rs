//! The document's own fields, in both shapes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::expressions::{Reads, STEP_ROOTS, Site, VARIABLE_ROOTS};
use super::fields::Fields;
use super::limits::Of;
use super::outline::{ListKind, Outline};
use super::{Facts, Finding, Outside, Report, attempts, inputs, limits, shared, steps, templates, triggers, values};
use crate::slug::{SLUG_MAX, derived, is_workflow_id, slug};
use crate::source::{Lines, Source, Span};
use crate::tree::{Kind, Node};
use crate::{Catalog, Definition, Template, Trigger, TriggerKind};

const DOCUMENT_FIELDS: [&str; 24] = [
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
const WRAPPED_FIELDS: [&str; 3] = ["triggers", "steps", "variables"];
const NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 2000;
const LABELS_MAX: usize = 16;
const VARIABLES_MAX: usize = 64 * 1024;
const SECRETS_MAX: usize = 50;
const SECRET_NAME_MAX: usize = 100;
const IDEMPOTENCY_TTL_MAX: Duration = Duration::from_hours(90 * 24);
/// What can be read before a run has begun.
const START_ROOTS: [&str; 3] = ["inputs", "trigger", "env"];

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
    let versioned = version(tree, report);
    let inputs = tree.field("inputs").map(|node| inputs::read(node, report)).unwrap_or_default();
    let variables = part(tree, "variables");
    let lists = [
        (ListKind::Main, list_of_steps(part(tree, "steps"), "steps", report)),
        (ListKind::OnError, list_of_steps(tree.field("on_error"), "on_error", report)),
        (ListKind::Finally, list_of_steps(tree.field("finally"), "finally", report)),
    ];
    let secrets = tree.field("secrets").map(|node| secrets(node, report)).unwrap_or_default();
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
    let name = name(tree, report);
    let id = id(tree, name.as_ref().map(|(name, span)| (name.as_str(), *span)), versioned, report);
    if part(tree, "steps").is_none() {
        let first = entries.first().map_or(tree.span, |entry| entry.key_span);
        report.add(Finding::error("E103", first, "the document has no `steps`").label("there is nothing to do"));
    } else if part(tree, "steps").and_then(Node::as_list).is_some_and(<[Node]>::is_empty) {
        report.findings.extend(
            part(tree, "steps")
                .map(|node| Finding::error("E103", node.span, "`steps` is empty").label("there is nothing to do")),
        );
    }
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
        Some(node) => triggers::read(node, id.as_deref().unwrap_or_default(), &facts, report),
        None => Vec::new(),
    };
    triggers::check_inputs(&triggers, part(tree, "triggers"), &inputs, report);
    let start = Site { roots: &START_ROOTS, reads: Reads::NoStep, calls: false };
    let concurrency =
        tree.field("concurrency").and_then(|node| limits::concurrency(node, Of::Runs, start, &facts, report));
    let rate_limit = tree.field("rate_limit").and_then(|node| limits::rate_limit(node, start, &facts, report));
    let idempotency_key = tree.field("idempotency_key").and_then(|node| {
        values::text("idempotency_key", node, report)?;
        Some(templates::build(node, start, &facts, report))
    });
    let queue = tree.field("queue").and_then(|node| limits::queue(node, start, &facts, report));
    let priority = tree.field("priority").and_then(|node| limits::priority(node, start, &facts, report));
    let (owner, labels) = metadata(tree, report);
    let idempotency_ttl = ttl(tree, report);
    let timeout = tree.field("timeout").and_then(|node| attempts::positive("timeout", node, report));
    let description = tree
        .field("description")
        .and_then(|node| values::short_text("description", node, DESCRIPTION_MAX, report))
        .unwrap_or_default()
        .to_owned();
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
        concurrency,
        rate_limit,
        idempotency_key,
        idempotency_ttl: idempotency_ttl.unwrap_or(bare.idempotency_ttl),
        queue,
        priority,
        ..bare
    };
    Some((definition.numbered(), outside))
}

/// Names that the document may read; each has to be set on the server.
fn secrets(node: &Node, report: &mut Report) -> Vec<(String, Span)> {
    let Some(items) = values::list("secrets", node, report) else { return Vec::new() };
    if let Some(extra) = items.get(SECRETS_MAX) {
        report.add(
            Finding::error("E115", extra.span, format!("a document has at most {SECRETS_MAX} secrets"))
                .label(format!("this one has {}", items.len())),
        );
    }
    let mut names: Vec<(String, Span)> = Vec::new();
    for item in items.iter().take(SECRETS_MAX) {
        let Some(name) = values::short_text("secrets", item, SECRET_NAME_MAX, report) else { continue };
        let is_name = !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            report.add(
                Finding::error("E112", item.span, format!("`{name}` cannot be the name of a secret"))
                    .label("letters, digits and `_`, not beginning with a digit; only the name, never the value"),
            );
        } else if let Some((_, other)) = names.iter().find(|(known, _)| known == name) {
            report.add(
                Finding::error("E104", item.span, format!("the secret `{name}` is there twice"))
                    .label("the second one")
                    .related(*other, "the first one"),
            );
        } else {
            names.push((name.to_owned(), item.span));
        }
    }
    names
}

fn ttl(tree: &Node, report: &mut Report) -> Option<Duration> {
    let node = tree.field("idempotency_ttl")?;
    let ttl = attempts::positive("idempotency_ttl", node, report)?;
    if ttl > IDEMPOTENCY_TTL_MAX {
        report.add(
            Finding::error("E115", node.span, "`idempotency_ttl` is longer than 90 days")
                .label("keys are not kept longer"),
        );
        return None;
    }
    if tree.field("idempotency_key").is_none() {
        report.add(
            Finding::warning("W102", node.span, "`idempotency_ttl` has no effect without `idempotency_key`")
                .label("nothing has a key"),
        );
    }
    Some(ttl)
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

/// Whether the document says which version of the format it is written in.
fn version(tree: &Node, report: &mut Report) -> bool {
    let Some(node) = tree.field("version") else { return false };
    let is_one = matches!(&node.kind, Kind::Number(number) if number.as_u64() == Some(1));
    if !is_one {
        let finding = Finding::error("E127", node.span, "`version` must be 1")
            .label("it is the version of the format, not of your workflow")
            .fix("Write `1`", false, vec![(node.span, "1".to_owned())]);
        report.add(finding);
    }
    true
}

fn name(tree: &Node, report: &mut Report) -> Option<(String, Span)> {
    let Some(node) = tree.field("name") else {
        let first = tree.as_map().and_then(<[_]>::first).map_or(tree.span, |entry| entry.key_span);
        report.add(Finding::error("E103", first, "the document has no `name`").label("every workflow has one"));
        return None;
    };
    let name = values::short_text("name", node, NAME_MAX, report)?;
    if name.trim().is_empty() {
        report.add(Finding::error("E112", node.span, "`name` is empty").label("every workflow has a name"));
        return None;
    }
    Some((name.to_owned(), node.span))
}

fn id(tree: &Node, name: Option<(&str, Span)>, versioned: bool, report: &mut Report) -> Option<String> {
    if let Some(node) = tree.field("id") {
        let id = values::text("id", node, report)?;
        if !is_workflow_id(id) {
            let finding = Finding::error("E112", node.span, format!("`{id}` cannot be the id of a workflow"))
                .label(format!("lower-case letters, digits, `_` and `-`, at most {SLUG_MAX}; or a UUID"));
            report.add(match slug(id) {
                Some(slug) => finding.fix(format!("Write `{slug}`"), false, vec![(node.span, format!("\"{slug}\""))]),
                None => finding,
            });
            return None;
        }
        return Some(id.to_owned());
    }
    let (name, span) = name?;
    if let Some(slug) = slug(name) {
        return Some(slug);
    }
    if versioned {
        report.add(
            Finding::error("E103", span, "the document needs an `id`")
                .label("no id can be made from a name without Latin letters")
                .help("for example \"id\": \"visa-status\"; it stands in URLs and stays when the name changes"),
        );
        return None;
    }
    Some(derived(name))
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

/// `owner` and `labels` change nothing in a run, but a wrong one would be missed in a filter.
fn metadata(tree: &Node, report: &mut Report) -> (Option<String>, BTreeMap<String, String>) {
    let owner = tree.field("owner").and_then(|owner| values::short_text("owner", owner, NAME_MAX, report));
    let mut labels = BTreeMap::new();
    match tree.field("labels").map(|node| (node, node.as_map())) {
        None => {}
        Some((node, None)) => report.add(values::wrong_kind("labels", node, "a map from names to strings")),
        Some((_, Some(entries))) => {
            if let Some(extra) = entries.get(LABELS_MAX) {
                report.add(Finding::error(
                    "E115",
                    extra.key_span,
                    format!("a document has at most {LABELS_MAX} labels"),
                ));
            }
            for entry in entries {
                if let Some(value) = values::text(&format!("labels.{}", entry.key), &entry.value, report) {
                    labels.insert(entry.key.clone(), value.to_owned());
                }
            }
        }
    }
    (owner.map(str::to_owned), labels)
}
