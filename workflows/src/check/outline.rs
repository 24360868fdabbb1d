//! Which steps there are, where they stand and who waits for whom, before anything else about them is read.

use std::collections::HashMap;

use super::{Finding, Report, needs, values};
use crate::source::{Source, Span};
use crate::tree::{Entry, Node};

pub(crate) const STEPS_IN_LIST_MAX: usize = 200;
const STEPS_MAX: usize = 500;
/// Blocks inside one another.
const NESTING_MAX: usize = 8;
pub(crate) const ID_MAX: usize = 50;

/// Place of a list among the lists of the outline.
pub(super) type ListAt = usize;
/// Place of a step among the steps of the outline, in the order of the text.
pub(super) type StepAt = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    /// The document's `steps`.
    Main,
    /// The document's `on_error`.
    OnError,
    /// The document's `finally`.
    Finally,
    /// `steps` of a step.
    Block { parallel: bool },
    /// One arm of a `switch`, counted from 0.
    Arm(usize),
    /// `on_error` of a step.
    Handler,
    /// `finally` of a step.
    StepFinally,
    /// `compensate` of a step.
    Undo,
}

#[derive(Debug)]
pub(super) struct OutlinedList {
    pub kind: ListKind,
    /// The step that it stands in.
    pub owner: Option<StepAt>,
    /// Its steps, by place.
    pub steps: Vec<StepAt>,
}

#[derive(Debug)]
pub(super) struct OutlinedStep {
    pub id: String,
    pub id_span: Span,
    pub list: ListAt,
    /// Place in its list.
    pub place: usize,
    /// As it goes into the definition.
    pub needs: Vec<usize>,
    /// By place: whether the step there is surely over when this one starts.
    pub waits_for: Vec<bool>,
    /// How another name could be written into `needs`.
    pub more_needs: Option<needs::Insertion>,
    /// The key of its `foreach`.
    pub foreach: Option<Span>,
    /// What its `foreach` calls an item.
    pub item: Option<String>,
    /// Its lists, in the order of the text that the definition has them in.
    pub lists: Vec<ListAt>,
}

#[derive(Debug, Default)]
pub(super) struct Outline {
    pub steps: Vec<OutlinedStep>,
    pub lists: Vec<OutlinedList>,
    /// Ids and the aliases of ids with hyphens.
    places: HashMap<String, StepAt>,
    /// The limit of steps has been reported.
    full: bool,
}

impl Outline {
    pub fn find(&self, name: &str) -> Option<StepAt> {
        self.places.get(name).copied()
    }

    /// Ids only, without aliases.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.id.as_str()).filter(|id| !id.is_empty())
    }

    pub fn list_of(&self, step: StepAt) -> &OutlinedList {
        &self.lists[self.steps[step].list]
    }

    /// The list of this kind in a step, or of the document.
    pub fn list(&self, owner: Option<StepAt>, kind: ListKind) -> Option<ListAt> {
        match owner {
            Some(step) => self.steps[step].lists.iter().copied().find(|list| self.lists[*list].kind == kind),
            None => self.lists.iter().position(|list| list.owner.is_none() && list.kind == kind),
        }
    }

    /// The steps that enclose a list, from the inside out.
    pub fn owners(&self, list: ListAt) -> impl Iterator<Item = StepAt> {
        std::iter::successors(self.lists[list].owner, |step| self.lists[self.steps[*step].list].owner)
    }

    pub fn read(lists: [(ListKind, &[Node]); 3], source: &Source, report: &mut Report) -> Self {
        let mut outline = Self::default();
        for (kind, nodes) in lists {
            outline.add_list(None, kind, nodes, 0, source, report);
        }
        outline
    }

    fn add_list(
        &mut self,
        owner: Option<StepAt>,
        kind: ListKind,
        nodes: &[Node],
        depth: usize,
        source: &Source,
        report: &mut Report,
    ) -> ListAt {
        let list = self.lists.len();
        self.lists.push(OutlinedList { kind, owner, steps: Vec::new() });
        if let Some(extra) = nodes.get(STEPS_IN_LIST_MAX) {
            report.add(
                Finding::error("E115", extra.span, format!("a list has at most {STEPS_IN_LIST_MAX} steps"))
                    .label(format!("this list has {}", nodes.len())),
            );
        }
        for (place, node) in nodes.iter().take(STEPS_IN_LIST_MAX).enumerate() {
            if self.steps.len() >= STEPS_MAX {
                if !std::mem::replace(&mut self.full, true) {
                    let message = format!("a document has at most {STEPS_MAX} steps");
                    report.add(Finding::error("E115", node.span, message).label("one too many"));
                }
                break;
            }
            self.add_step(list, place, node, depth, source, report);
        }
        let steps = self.lists[list].steps.clone();
        let starts_at_once = matches!(kind, ListKind::Block { parallel: true });
        needs::read(&mut self.steps, &steps, nodes, starts_at_once, source, report);
        list
    }

    fn add_step(
        &mut self,
        list: ListAt,
        place: usize,
        node: &Node,
        depth: usize,
        source: &Source,
        report: &mut Report,
    ) {
        let (id, id_span) = match node.as_map() {
            Some(entries) => id(entries, place, node, report),
            None => (String::new(), node.span),
        };
        let index = self.steps.len();
        if !id.is_empty() {
            self.register(&id, id_span, index, report);
        }
        let foreach = node.as_map().into_iter().flatten().find(|entry| entry.key == "foreach");
        self.steps.push(OutlinedStep {
            id,
            id_span,
            list,
            place,
            needs: Vec::new(),
            waits_for: Vec::new(),
            more_needs: None,
            foreach: foreach.map(|entry| entry.key_span),
            item: foreach.map(|entry| item_name(&entry.value)),
            lists: Vec::new(),
        });
        self.lists[list].steps.push(index);
        let inner = lists_in(node);
        if let Some((_, nodes)) = inner.first().filter(|_| depth >= NESTING_MAX)
            && let Some(first) = nodes.first()
        {
            report.add(
                Finding::error(
                    "E115",
                    first.span,
                    format!("steps stand more than {NESTING_MAX} levels inside one another"),
                )
                .label("too deep")
                .help("move a part into a workflow of its own and `call` it"),
            );
            return;
        }
        for (kind, nodes) in inner {
            let added = self.add_list(Some(index), kind, nodes, depth + 1, source, report);
            self.steps[index].lists.push(added);
        }
    }

    fn register(&mut self, id: &str, id_span: Span, index: StepAt, report: &mut Report) {
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

/// The lists of steps inside a step, in the order that the definition numbers them.
fn lists_in(step: &Node) -> Vec<(ListKind, &[Node])> {
    let mut lists = Vec::new();
    if let Some(steps) = step.field("steps").and_then(Node::as_list) {
        let parallel = step.field("parallel").is_some_and(|node| !matches!(node.kind, crate::tree::Kind::Bool(false)));
        lists.push((ListKind::Block { parallel }, steps));
    }
    for (place, arm) in step.field("switch").and_then(Node::as_list).into_iter().flatten().enumerate() {
        if let Some(steps) = arm.field("steps").and_then(Node::as_list) {
            lists.push((ListKind::Arm(place), steps));
        }
    }
    for (field, kind) in
        [("on_error", ListKind::Handler), ("finally", ListKind::StepFinally), ("compensate", ListKind::Undo)]
    {
        if let Some(steps) = step.field(field).and_then(Node::as_list) {
            lists.push((kind, steps));
        }
    }
    lists
}

fn item_name(foreach: &Node) -> String {
    foreach.field("as").and_then(Node::as_str).unwrap_or("item").to_owned()
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
