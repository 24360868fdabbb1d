//! One tree for both formats, in which every node knows its place in the text.

mod json;
mod reading;
mod text;
mod yaml;

use serde_json::{Map, Number, Value};

use crate::check::Finding;
use crate::source::{Format, Source, Span};

pub(crate) use reading::Reading;
pub(crate) use text::{Places, Quoting, Text};

/// The largest document that is parsed at all, in bytes.
pub(crate) const DOCUMENT_MAX: usize = 256 * 1024;
/// Lists and maps inside one another.
const DEPTH_MAX: usize = 64;
/// Values in one document, aliases expanded.
const NODES_MAX: usize = 50_000;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// A syntax error stops everything else, so there is nothing to check beside it.
pub(crate) fn parse_tree(source: &Source) -> Result<Node, Vec<Finding>> {
    if source.text.len() > DOCUMENT_MAX {
        return Err(vec![
            Finding::error("E004", Span::at(0), format!("the document is larger than {} KiB", DOCUMENT_MAX / 1024))
                .label(format!("it has {} bytes", source.text.len())),
        ]);
    }
    if let Some(at) = source.text.find('\0') {
        return Err(vec![nul(Span::new(at, at + 1))]);
    }
    match source.format {
        Format::Json => json::parse(&source.text),
        Format::Yaml => yaml::parse(&source.text),
    }
}

fn nul(span: Span) -> Finding {
    Finding::error("E006", span, "a NUL character cannot be stored").label("remove it")
}

fn too_deep(span: Span) -> Finding {
    Finding::error("E004", span, format!("lists and maps stand more than {DEPTH_MAX} levels inside one another"))
        .label("too deep from here on")
}

fn too_many(span: Span) -> Finding {
    Finding::error("E004", span, format!("the document has more than {NODES_MAX} values"))
        .label("the limit is reached here")
}

fn duplicate_key(key: &str, first: Span, second: Span) -> Finding {
    Finding::error("E003", second, format!("the key `{key}` is there twice"))
        .label("the second one")
        .related(first, "the first one")
        .help("keep one of them: which one counts would depend on who reads the document")
}

fn check_duplicates(entries: &[Entry], findings: &mut Vec<Finding>) {
    let mut seen: std::collections::HashMap<&str, Span> = std::collections::HashMap::with_capacity(entries.len());
    for entry in entries {
        if let Some(first) = seen.insert(&entry.key, entry.key_span) {
            findings.push(duplicate_key(&entry.key, first, entry.key_span));
        }
    }
}

impl Node {
    pub fn as_text(&self) -> Option<&Text> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| text.value.as_str())
    }

    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn field(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What the value is, for messages: "a string", "a list".
    pub fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(text) => Value::String(text.value.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Whether a `|` or `>` scalar stands exactly there. Its span lacks the header, so it cannot be replaced by that.
    pub fn has_block_scalar_at(&self, span: Span) -> bool {
        match &self.kind {
            Kind::List(items) => items.iter().any(|item| item.has_block_scalar_at(span)),
            Kind::Map(entries) => entries.iter().any(|entry| entry.value.has_block_scalar_at(span)),
            Kind::Text(text) => text.quoting == Quoting::YamlBlock && self.span == span,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => false,
        }
    }

    /// JSON Pointer of the innermost node or key that holds `span`.
    pub fn pointer_to(&self, span: Span) -> String {
        let mut path = String::new();
        let mut node = self;
        loop {
            let inner = match &node.kind {
                Kind::List(items) => items
                    .iter()
                    .enumerate()
                    .find(|(_, item)| item.span.contains(span))
                    .map(|(place, item)| (place.to_string(), item)),
                Kind::Map(entries) => entries
                    .iter()
                    .find(|entry| entry.key_span.contains(span) || entry.value.span.contains(span))
                    .map(|entry| (entry.key.replace('~', "~0").replace('/', "~1"), &entry.value)),
                _ => None,
            };
            let Some((segment, inner)) = inner else { return path };
            path.push('/');
            path.push_str(&segment);
            if !inner.span.contains(span) {
                return path;
            }
            node = inner;
        }
    }
}
