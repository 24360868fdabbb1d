//! YAML 1.2, core schema, read strictly from parser events.

mod braces;
mod scalar;

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, Tag};

use super::{DEPTH_MAX, DOCUMENT_MAX, Entry, Kind, NODES_MAX, Node, check_duplicates, nul, too_deep, too_many};
use crate::check::Finding;
use crate::source::Span;

pub(super) fn parse(text: &str) -> Result<Node, Vec<Finding>> {
    let mut reader = Reader {
        text,
        parser: Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false }),
        anchors: HashMap::new(),
        nodes: 0,
        repeated: 0,
        findings: Vec::new(),
    };
    match reader.document() {
        Ok(node) if reader.findings.is_empty() => return Ok(node),
        Ok(_) => {}
        Err(finding) => reader.findings.push(*finding),
    }
    // Whatever the parser made of `{{ … }}` without quotes, the missing quotes are what has to be said.
    Err(braces::unquoted(text).map_or(reader.findings, |finding| vec![finding]))
}

type Stop = Box<Finding>;

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// Bytes of text that aliases have repeated.
    repeated: usize,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Stop> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Err(Box::new(
                        Finding::error("E001", Span::at(0), "the document is empty").label("expected `name:`"),
                    ));
                }
                event => {
                    let node = self.node(event, span, 0)?;
                    self.end()?;
                    return Ok(node);
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(..), span) => {
                    return Err(Box::new(
                        Finding::error("E007", span, "a file holds one document").label("a second one starts here"),
                    ));
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        let Some(event) = self.parser.next_event() else { return Ok((Event::StreamEnd, Span::at(self.text.len()))) };
        let (event, span) = event.map_err(|error| Box::new(scan_error(self.text, &error)))?;
        let range = span.byte_range().unwrap_or_default();
        Ok((event, Span::new(range.start, range.end)))
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Box::new(too_many(span)));
        }
        if depth > DEPTH_MAX {
            return Err(Box::new(too_deep(span)));
        }
        let (node, anchor) = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let node = self.scalar(value.into_owned(), style, tag.as_deref(), span);
                (node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", span);
                (self.list(span, depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", span);
                (self.map(span, depth)?, anchor)
            }
            Event::Alias(id) => return self.alias(id, span, depth),
            _ => return Err(Box::new(Finding::error("E001", span, "a value is missing").label("expected one here"))),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// The copy keeps the places of the definition, which is where a mistake has to be corrected.
    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Box::new(
                Finding::error("E001", span, "there is no complete anchor of this name above")
                    .label("an unknown alias"),
            ));
        };
        let (values, levels, bytes) = size(node);
        self.nodes += values;
        self.repeated += bytes;
        if self.nodes > NODES_MAX || self.repeated > DOCUMENT_MAX {
            return Err(Box::new(too_many(span)));
        }
        if depth + levels > DEPTH_MAX {
            return Err(Box::new(too_deep(span)));
        }
        Ok(node.clone())
    }

    fn scalar(&mut self, value: String, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
        if value.contains('\0') {
            self.findings.push(nul(span));
        }
        let forced_text = tag.and_then(Tag::core_suffix) == Some("str");
        if !forced_text {
            self.check_tag(tag, "", span);
        }
        let kind = match scalar::resolve(value, style, forced_text) {
            Ok(kind) => kind,
            Err((message, label)) => {
                let raw = span.text(self.text).to_owned();
                self.findings.push(Finding::error("E005", span, message).label(label).fix(
                    format!("Write `\"{raw}\"`"),
                    false,
                    vec![(span, format!("\"{raw}\""))],
                ));
                Kind::Null
            }
        };
        Node { span, kind }
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let end = if self.text[start.start..].starts_with('[') {
                    span.end
                } else {
                    items.last().map_or(start.end, |item: &Node| item.span.end)
                };
                return Ok(Node { span: Span::new(start.start, end), kind: Kind::List(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let end = loop {
            let (event, key_span) = self.next()?;
            let (key, is_merge) = match event {
                Event::MappingEnd => break key_span.end,
                Event::Scalar(key, style, _, _) => {
                    let is_merge = key == "<<" && style == ScalarStyle::Plain;
                    (key.into_owned(), is_merge)
                }
                _ => {
                    return Err(Box::new(
                        Finding::error("E007", key_span, "a key is a string").label("this key is not"),
                    ));
                }
            };
            if key.contains('\0') {
                self.findings.push(nul(key_span));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if is_merge { self.merge(value, &mut merged) } else { entries.push(Entry { key, key_span, value }) }
        };
        check_duplicates(&entries, &mut self.findings);
        for entry in merged {
            if entries.iter().all(|known| known.key != entry.key) {
                entries.push(entry);
            }
        }
        let start_at = entries.first().map_or(start.start, |entry| entry.key_span.start.min(start.start));
        let end = if self.text[start.start..].starts_with('{') {
            end
        } else {
            entries.last().map_or(start.end, |entry| entry.value.span.end.max(entry.key_span.end))
        };
        Ok(Node { span: Span::new(start_at, end), kind: Kind::Map(entries) })
    }

    fn merge(&mut self, value: Node, into: &mut Vec<Entry>) {
        match value.kind {
            Kind::Map(entries) => into.extend(entries),
            Kind::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                for item in items {
                    self.merge(item, into);
                }
            }
            _ => self.findings.push(
                Finding::error("E007", value.span, "`<<` takes a map or a list of maps")
                    .label("this is something else"),
            ),
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, allowed: &str, span: Span) {
        let Some(tag) = tag else { return };
        let core = tag.core_suffix();
        let fits = match core {
            Some("null" | "bool" | "int" | "float") if allowed.is_empty() => false,
            Some(suffix) => suffix == allowed,
            None => false,
        };
        if !fits {
            self.findings.push(
                Finding::error("E007", span, format!("the tag `{}` is not supported", tag.original()))
                    .label("write the value without a tag")
                    .help("quote the value if it has to be a string"),
            );
        }
    }
}

/// How many values a subtree has, how deep it goes, and how much text is in it.
fn size(node: &Node) -> (usize, usize, usize) {
    let (mut values, mut levels, mut bytes) = (1, 0, 0);
    let mut add = |inner: &Node| {
        let (more, depth, text) = size(inner);
        values += more;
        levels = levels.max(depth + 1);
        bytes += text;
    };
    match &node.kind {
        Kind::List(items) => items.iter().for_each(&mut add),
        Kind::Map(entries) => entries.iter().for_each(|entry| add(&entry.value)),
        _ => {}
    }
    match &node.kind {
        Kind::Text(text) => bytes += text.value.len(),
        Kind::Map(entries) => bytes += entries.iter().map(|entry| entry.key.len()).sum::<usize>(),
        _ => {}
    }
    (values, levels, bytes)
}

fn scan_error(text: &str, error: &ScanError) -> Finding {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let end = text[at..].chars().next().map_or(at, |letter| at + letter.len_utf8());
    Finding::error("E001", Span::new(at, end), format!("this is not YAML: {}", error.info()))
        .label("the document cannot be read from here on")
}
