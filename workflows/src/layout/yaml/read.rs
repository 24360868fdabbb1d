//! A YAML document as it is written: styles, anchors, aliases and comments, each with its place.

use serde_saphyr::granit_parser;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as EventSpan, StrInput, StructureStyle};

use crate::source::Span;
use crate::tree::DOCUMENT_MAX;

pub(super) struct Document {
    /// `---`, where it is written.
    pub marker: Option<Span>,
    pub root: Written,
    pub comments: Vec<Span>,
    /// Anchors, aliases and tags.
    pub properties: Vec<Span>,
}

/// One value as it stands in the text.
pub(super) struct Written {
    /// With its anchor and tag left out. A block ends where the next value begins.
    pub span: Span,
    pub anchor: Option<Span>,
    pub tag: Option<Span>,
    pub form: Form,
}

pub(super) enum Form {
    Alias,
    Scalar { value: String, style: ScalarStyle },
    List { items: Vec<Written>, is_flow: bool },
    Map { entries: Vec<(Written, Written)>, is_flow: bool },
}

impl Written {
    /// Anchor and tag, in this order.
    pub fn properties(&self) -> impl Iterator<Item = Span> + '_ {
        self.anchor.into_iter().chain(self.tag)
    }

    /// With anchor and tag.
    pub fn start(&self) -> usize {
        self.properties().map(|property| property.start).fold(self.span.start, usize::min)
    }

    pub fn is_scalar(&self) -> bool {
        matches!(self.form, Form::Scalar { .. } | Form::Alias)
    }

    pub fn is_flow(&self) -> bool {
        match self.form {
            Form::List { is_flow, .. } | Form::Map { is_flow, .. } => is_flow,
            Form::Alias | Form::Scalar { .. } => false,
        }
    }

    /// Of a list.
    pub fn items(&self) -> &[Self] {
        match &self.form {
            Form::List { items, .. } => items,
            Form::Alias | Form::Scalar { .. } | Form::Map { .. } => &[],
        }
    }

    /// A list or a map without anything in it.
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::List { items, .. } => items.is_empty(),
            Form::Map { entries, .. } => entries.is_empty(),
            Form::Alias | Form::Scalar { .. } => false,
        }
    }
}

/// None for what the checker refuses anyway.
pub(super) fn read(text: &str) -> Option<Document> {
    let options = granit_parser::options! {
        emit_comments: true,
        emit_anchor_events: true,
        max_buffered_comment_events: DOCUMENT_MAX,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        ahead: None,
        end: 0,
        marker: None,
        comments: Vec::new(),
        properties: Vec::new(),
        text,
    };
    let root = reader.document()?;
    reader.comments.sort_unstable();
    reader.properties.sort_unstable();
    let Reader { marker, comments, properties, .. } = reader;
    Some(Document { marker, root, comments, properties })
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    ahead: Option<(Event<'a>, EventSpan)>,
    /// Where the last token ended.
    end: usize,
    marker: Option<Span>,
    comments: Vec<Span>,
    properties: Vec<Span>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Written> {
        loop {
            match self.next()? {
                (Event::StreamStart, _) => {}
                (Event::DocumentStart(is_explicit, _), span) => self.marker = is_explicit.then(|| place(span)),
                (event, span) => {
                    let root = self.node(event, span)?;
                    while self.next().is_some() {}
                    return Some(root);
                }
            }
        }
    }

    /// The next event that is no comment.
    fn next(&mut self) -> Option<(Event<'a>, EventSpan)> {
        if let Some(ahead) = self.ahead.take() {
            return Some(ahead);
        }
        loop {
            let (event, span) = self.parser.next_event()?.ok()?;
            if !matches!(event, Event::Comment(..)) {
                return Some((event, span));
            }
            self.comments.push(place(span));
        }
    }

    fn node(&mut self, event: Event<'a>, span: EventSpan) -> Option<Written> {
        let tag = span.tag_span().map(place);
        let anchor = self.anchor();
        self.properties.extend(tag.into_iter().chain(anchor));
        let before = self.end.max(tag.map_or(0, |tag| tag.end)).max(anchor.map_or(0, |anchor| anchor.end));
        let mut span = place(span);
        let form = match event {
            Event::Alias(_) => {
                self.properties.push(span);
                Form::Alias
            }
            Event::Scalar(value, style, ..) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    span.start = header(self.text, before)?;
                }
                Form::Scalar { value: value.into_owned(), style }
            }
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                span.end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break place(end).end,
                        (event, span) => items.push(self.node(event, span)?),
                    }
                };
                Form::List { items, is_flow: style == StructureStyle::Flow }
            }
            Event::MappingStart(style, ..) => {
                let mut entries = Vec::new();
                span.end = loop {
                    match self.next()? {
                        (Event::MappingEnd, end) => break place(end).end,
                        (event, span) => {
                            let key = self.node(event, span)?;
                            let (event, span) = self.next()?;
                            entries.push((key, self.node(event, span)?));
                        }
                    }
                };
                Form::Map { entries, is_flow: style == StructureStyle::Flow }
            }
            _ => return None,
        };
        self.end = span.end;
        Some(Written { span, anchor, tag, form })
    }

    /// The anchor of the node whose event came last.
    fn anchor(&mut self) -> Option<Span> {
        match self.next()? {
            (Event::Anchor(..), span) => Some(place(span)),
            other => {
                self.ahead = Some(other);
                None
            }
        }
    }
}

fn place(span: EventSpan) -> Span {
    let range = span.byte_range().unwrap_or_default();
    Span::new(range.start, range.end)
}

/// Where the `|` or `>` of a block scalar stands: behind marks, line breaks and comments.
fn header(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = &text[at..];
        match rest.chars().next()? {
            '|' | '>' => return Some(at),
            '#' => at += rest.find('\n')?,
            letter => at += letter.len_utf8(),
        }
    }
}
