//! A test file: which document, and its cases.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::code;
use super::expect::{self, Expect};
use super::outcomes::{self, Mock};
use super::path::Known;
use super::read::{Named, Reader};
use crate::Definition;
use crate::check::Finding;
use crate::source::Span;
use crate::tree::Node;

const FILE_FIELDS: [&str; 7] = ["workflow", "description", "now", "secrets", "env", "outcomes", "cases"];
const CASE_FIELDS: [&str; 11] =
    ["name", "description", "inputs", "trigger", "now", "secrets", "env", "outcomes", "events", "cancel_at", "expect"];
const EVENT_FIELDS: [&str; 5] = ["name", "key", "data", "after", "taken"];
const CANCEL_FIELDS: [&str; 2] = ["after", "undo"];
const CASES_MAX: usize = 1_000;

#[derive(Debug)]
pub(super) struct TestFile<'t> {
    pub setting: Setting,
    pub outcomes: Vec<Mock>,
    pub cases: Vec<Case<'t>>,
}

/// What a case, or the whole file, says of the world around a run.
#[derive(Debug, Default)]
pub(super) struct Setting {
    pub now: Option<DateTime<Utc>>,
    pub secrets: Map<String, Value>,
    pub env: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct Case<'t> {
    pub name: Named,
    pub inputs: Option<&'t Node>,
    pub trigger: Option<&'t Node>,
    pub setting: Setting,
    pub outcomes: Vec<Mock>,
    pub events: Vec<Sent>,
    pub cancel: Option<Cancel>,
    pub expect: Expect<'t>,
}

/// An event that comes while the run goes on, or before a step waits for it.
#[derive(Debug)]
pub(super) struct Sent {
    pub name: Named,
    pub key: Option<String>,
    pub data: Value,
    pub after: Duration,
    /// False: no step is to end with it.
    pub taken: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cancel {
    pub after: Duration,
    pub undo: bool,
}

/// The name of the document's file.
pub(super) fn workflow(tree: &Node) -> Result<Named, Box<Finding>> {
    let Some(node) = tree.field("workflow") else {
        let finding = Finding::error(code::SHAPE, Span::at(tree.span.start), "`workflow` is missing");
        return Err(Box::new(
            finding
                .label("a test file begins with it")
                .help("name the document to test, as seen from this file: workflow: deliver.yaml"),
        ));
    };
    match node.as_str() {
        Some(text) if !text.is_empty() => Ok(Named { text: text.to_owned(), span: node.span }),
        _ => {
            let finding = Finding::error(code::SHAPE, node.span, "`workflow` is the name of a file");
            Err(Box::new(finding.label(format!("this is {}", node.what()))))
        }
    }
}

pub(super) fn read<'t>(tree: &'t Node, definition: &Definition, reader: &mut Reader) -> TestFile<'t> {
    let known = Known::new(definition);
    let mut file = TestFile { setting: Setting::default(), outcomes: Vec::new(), cases: Vec::new() };
    for entry in reader.fields(tree, "a test file", &FILE_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "outcomes" => file.outcomes = outcomes::read(value, &known, reader),
            "cases" => {
                let cases = reader.list(value, "`cases`");
                if cases.is_empty() || cases.len() > CASES_MAX {
                    reader.refuse(entry.key_span, format!("a test file has 1 to {CASES_MAX} cases"), "not so many");
                }
                file.cases = cases.iter().take(CASES_MAX).map(|node| case(node, definition, &known, reader)).collect();
            }
            name => setting(&mut file.setting, name, value, definition, reader),
        }
    }
    if tree.field("cases").is_none() {
        reader.refuse(Span::at(tree.span.start), "`cases` is missing", "a test file lists at least one case");
    }
    for (place, case) in file.cases.iter().enumerate() {
        if file.cases[..place].iter().any(|other| other.name.text == case.name.text) {
            reader.refuse(case.name.span, format!("two cases are called `{}`", case.name.text), "the second one");
        }
    }
    file
}

fn setting(setting: &mut Setting, name: &str, value: &Node, definition: &Definition, reader: &mut Reader) {
    match name {
        "now" => setting.now = reader.instant(value, "`now`"),
        "env" => setting.env = reader.values(value, "`env`"),
        "secrets" => {
            for entry in reader.entries(value, "`secrets`") {
                if !definition.secrets.contains(&entry.key) {
                    reader.refuse(
                        entry.key_span,
                        format!("the document declares no secret `{}`", entry.key),
                        "no step could read it",
                    );
                }
            }
            setting.secrets = reader.values(value, "`secrets`");
        }
        _ => {}
    }
}

fn case<'t>(node: &'t Node, definition: &Definition, known: &Known<'_>, reader: &mut Reader) -> Case<'t> {
    let mut case = Case {
        name: Named { text: String::new(), span: Span::at(node.span.start) },
        inputs: None,
        trigger: None,
        setting: Setting::default(),
        outcomes: Vec::new(),
        events: Vec::new(),
        cancel: None,
        expect: Expect::default(),
    };
    for entry in reader.fields(node, "a case", &CASE_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "name" => {
                let text = reader.text(value, "`name`").unwrap_or_default();
                case.name = Named { text, span: value.span };
            }
            "inputs" => {
                reader.entries(value, "`inputs`");
                case.inputs = Some(value);
            }
            "trigger" => {
                reader.entries(value, "`trigger`");
                case.trigger = Some(value);
            }
            "outcomes" => case.outcomes = outcomes::read(value, known, reader),
            "events" => {
                case.events = reader.list(value, "`events`").iter().filter_map(|node| sent(node, reader)).collect();
            }
            "cancel_at" => case.cancel = cancel(value, reader),
            "expect" => case.expect = expect::read(value, known, reader),
            name => setting(&mut case.setting, name, value, definition, reader),
        }
    }
    if case.name.text.is_empty() {
        reader.refuse(case.name.span, "a case needs a `name`", "what does it show?");
    }
    if let (Some(_), Some(trigger)) = (case.inputs, case.trigger) {
        reader.refuse(trigger.span, "a case has `inputs` or a `trigger`", "the trigger's inputs follow from it");
    }
    case
}

fn sent(node: &Node, reader: &mut Reader) -> Option<Sent> {
    let mut name = None;
    let (mut key, mut data, mut after, mut taken) = (None, Value::Null, Duration::ZERO, true);
    for entry in reader.fields(node, "an event", &EVENT_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "name" => name = reader.text(value, "`name`").map(|text| Named { text, span: value.span }),
            "key" => key = reader.text(value, "`key`"),
            "data" => data = value.to_value(),
            "after" => after = reader.duration(value, "`after`").unwrap_or_default(),
            "taken" => taken = reader.boolean(value, "`taken`").unwrap_or(true),
            _ => {}
        }
    }
    if name.is_none() && node.field("name").is_none() {
        reader.refuse(node.span, "an event needs a `name`", "which one comes?");
    }
    Some(Sent { name: name?, key, data, after, taken })
}

fn cancel(node: &Node, reader: &mut Reader) -> Option<Cancel> {
    if node.as_str().is_some() {
        return Some(Cancel { after: reader.duration(node, "`cancel_at`")?, undo: false });
    }
    let mut cancel = Cancel { after: Duration::ZERO, undo: false };
    for entry in reader.fields(node, "`cancel_at`", &CANCEL_FIELDS) {
        match entry.key.as_str() {
            "after" => cancel.after = reader.duration(&entry.value, "`after`")?,
            "undo" => cancel.undo = reader.boolean(&entry.value, "`undo`")?,
            _ => {}
        }
    }
    Some(cancel)
}
