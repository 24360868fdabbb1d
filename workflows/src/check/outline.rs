//! Which steps there are and who waits for whom, before anything else about them is read.

use std::collections::HashMap;

use super::{Finding, Report, needs, values};
use crate::source::{Source, Span};
use crate::tree::{Entry, Node};

const STEPS_IN_LIST_MAX: usize = 200;
const STEPS_MAX: usize = 500;
const ID_MAX: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Steps,
    OnError,
}

#[derive(Debug)]
pub(super) struct OutlinedStep {
    pub id: String,
    pub id_span: Span,
    pub list: List,
    /// Place in its list.
    pub place: usize,
    /// As it goes into the definition.
    pub needs: Vec<usize>,
    /// By place: whether the step there is surely over when this one starts.
    pub waits_for: Vec<bool>,
    /// Where another name could be written into `needs`, and the text before it.
    pub needs_end: Option<(Span, &'static str)>,
}

#[derive(Debug, Default)]
pub(super) struct Outline {
    pub steps: Vec<OutlinedStep>,
    /// Ids and the aliases of ids with hyphens.
    places: HashMap<String, usize>,
}

impl Outline {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Ids only, without aliases.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.id.as_str()).filter(|id| !id.is_empty())
    }

    pub fn read(steps: &[Node], on_error: &[Node], source: &Source, report: &mut Report) -> Self {
        let mut outline = Self::default();
        for (list, nodes) in [(List::Steps, steps), (List::OnError, on_error)] {
            let first = outline.steps.len();
            for (place, node) in nodes.iter().take(STEPS_IN_LIST_MAX).enumerate() {
                outline.add(list, place, node, report);
            }
            if let Some(extra) = nodes.get(STEPS_IN_LIST_MAX) {
                report.add(
                    Finding::error("E115", extra.span, format!("a list has at most {STEPS_IN_LIST_MAX} steps"))
                        .label(format!("this list has {}", nodes.len())),
                );
            }
            needs::read(&mut outline.steps[first..], nodes, source, report);
        }
        if let (true, Some(step)) = (outline.steps.len() > STEPS_MAX, outline.steps.get(STEPS_MAX)) {
            report.add(Finding::error("E115", step.id_span, format!("a document has at most {STEPS_MAX} steps")));
        }
        outline
    }

    fn add(&mut self, list: List, place: usize, node: &Node, report: &mut Report) {
        let (id, id_span) = match node.as_map() {
            Some(entries) => id(entries, place, node, report),
            None => (String::new(), node.span),
        };
        let index = self.steps.len();
        if !id.is_empty() {
            self.register(&id, id_span, index, report);
        }
        self.steps.push(OutlinedStep {
            id,
            id_span,
            list,
            place,
            needs: Vec::new(),
            waits_for: Vec::new(),
            needs_end: None,
        });
    }

    fn register(&mut self, id: &str, id_span: Span, index: usize, report: &mut Report) {
        let alias = id.replace('-', "_");
        for name in [id, alias.as_str()] {
            let Some(&known) = self.places.get(name) else { continue };
            let other = &self.steps[known];
            let finding = if other.id == id {
                Finding::error("E104", id_span, format!("two steps are called `{id}`"))
                    .label("an id is unique in the whole document")
            } else {
                Finding::error("E104", id_span, format!("`{id}` and `{}` are the same name in expressions", other.id))
                    .label(format!("expressions read it as `steps.{alias}`"))
            };
            report.add(finding.related(other.id_span, "the other one"));
            return;
        }
        self.places.insert(id.to_owned(), index);
        self.places.insert(alias, index);
    }
}

/// An empty id stands for one that is missing or wrong; that is reported here.
fn id(entries: &[Entry], place: usize, node: &Node, report: &mut Report) -> (String, Span) {
    let Some(entry) = entries.iter().find(|entry| entry.key == "id") else {
        let first = entries.first().map_or(node.span, |entry| entry.key_span);
        report.add(
            Finding::error("E103", first, format!("step {} has no `id`", place + 1))
                .label("every step has one: it names the step's result"),
        );
        return (String::new(), first);
    };
    let span = entry.value.span;
    let Some(id) = values::text("id", &entry.value, report) else { return (String::new(), span) };
    let is_valid = !id.is_empty()
        && id.len() <= ID_MAX
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_valid {
        report.add(
            Finding::error("E112", span, format!("`{id}` cannot be the id of a step"))
                .label(format!("letters, digits, `_` and `-`, at most {ID_MAX}")),
        );
        return (String::new(), span);
    }
    (id.to_owned(), span)
}
