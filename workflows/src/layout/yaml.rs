//! YAML: blocks, except for maps and lists that stood on one line.

mod read;
mod scalar;

use serde_saphyr::granit_parser::ScalarStyle;

use super::page::{Page, STEP, WIDTH};
use super::refusal;
use crate::check::Finding;
use crate::source::Span;
use read::{Document, Form, Written};

/// What may stand between a value and a comment that belongs to it.
const BETWEEN: [char; 7] = [' ', '\t', '\r', ',', ':', ']', '}'];

pub(super) fn lay_out(text: &str) -> Result<String, Box<Finding>> {
    let Some(Document { marker, root, comments, .. }) = read::read(text) else {
        return Err(Box::new(refusal(Span::at(0), "this document cannot be laid out").label("it stays as it is")));
    };
    if let Some(directive) = marker.and_then(|marker| directive(text, marker)) {
        return Err(Box::new(
            refusal(directive, "documents with directives are not laid out").label("remove it: nothing here needs one"),
        ));
    }
    let mut writer = Writer { text, page: Page::new(text, comments), columns: Vec::new() };
    if let Some(marker) = marker {
        writer.page.comments_before(marker.start, 0);
        writer.page.line(marker.start, 0);
        writer.page.push("---");
        writer.page.comments_beside(marker.end, &[' ', '\t', '\r']);
    }
    writer.document(&root);
    Ok(writer.page.finish())
}

/// Comments; then anchors, aliases and tags as they follow one another.
pub(super) fn remarks(text: &str) -> (Vec<Span>, Vec<String>) {
    let Some(document) = read::read(text) else { return (Vec::new(), Vec::new()) };
    (document.comments, document.properties.iter().map(|span| span.text(text).to_owned()).collect())
}

fn directive(text: &str, marker: Span) -> Option<Span> {
    let before = &text[..marker.start];
    let at = if before.starts_with('%') { 0 } else { before.find("\n%")? + 1 };
    Some(Span::new(at, at + 1))
}

struct Writer<'a> {
    text: &'a str,
    page: Page<'a>,
    /// Where the blocks begin that are being written, in bytes from the start of their lines in the source.
    columns: Vec<usize>,
}

impl Writer<'_> {
    fn document(&mut self, root: &Written) {
        if self.is_bare_block(root, 0) {
            self.block(root, 0, false);
        } else {
            self.page.item(root.start(), self.first(root), 0);
            self.value(root, 0, root.start(), "");
        }
        self.page.comments_before(usize::MAX, 0);
    }

    /// The lines of a map or a list; the first one may have begun already, behind a dash.
    fn block(&mut self, node: &Written, indent: usize, mut has_begun: bool) {
        let mut begin = |writer: &mut Self, offset, comments_until| {
            if !std::mem::take(&mut has_begun) {
                writer.page.item(offset, comments_until, indent);
            }
        };
        if !node.is_flow() {
            let has_own_dash = node.items().first().is_none_or(|item| item.start() > node.span.start);
            // A list may stand right below its key; then the parser gives the place of its first item.
            let outer = self.columns.last().copied().filter(|_| !has_own_dash);
            self.columns.push(outer.unwrap_or_else(|| self.column(node.span.start)));
        }
        match &node.form {
            Form::List { items, .. } => {
                for item in items {
                    begin(self, item.start(), self.first(item));
                    self.page.push("-");
                    if self.is_bare_block(item, self.page.column() + 1) {
                        self.page.push(" ");
                        self.block(item, indent + STEP, true);
                    } else {
                        self.value(item, indent, item.start(), " ");
                    }
                }
            }
            Form::Map { entries, .. } => {
                for (key, value) in entries {
                    begin(self, key.start(), self.first_of_entry(key, value));
                    self.page.push(&self.flat(key));
                    self.page.push(":");
                    self.value(value, indent, key.span.end, " ");
                }
            }
            Form::Alias | Form::Scalar { .. } => {}
        }
        self.comments_at_end(node, indent);
    }

    /// What follows a key or a dash, which ended at `head` in the source.
    fn value(&mut self, node: &Written, indent: usize, head: usize, mut separator: &'static str) {
        for property in node.properties() {
            self.page.push(separator);
            self.page.push(property.text(self.text));
            separator = " ";
        }
        if let Some(line) = self.on_one_line(node, self.page.column() + separator.len()) {
            if !line.is_empty() {
                self.page.push(separator);
                self.page.push(&line);
            }
            let end = if node.span.start == node.span.end { head } else { node.span.end };
            self.page.comments_beside(end, &BETWEEN);
            return;
        }
        match &node.form {
            Form::List { .. } | Form::Map { .. } => {
                let properties_end = node.properties().map(|property| property.end).max();
                self.page.comment_at_head(&[head, properties_end.unwrap_or(head)], self.first_inside(node));
                self.page.open();
                self.block(node, indent + STEP, false);
            }
            Form::Scalar { value, style } => {
                self.page.push(separator);
                self.lines(node.span, value, *style, indent + STEP);
            }
            Form::Alias => {}
        }
    }

    /// A scalar of several lines.
    fn lines(&mut self, span: Span, value: &str, style: ScalarStyle, indent: usize) {
        let raw = span.text(self.text);
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            self.page.push(&scalar::folded(raw, style, indent));
            self.page.comments_beside(span.end, &BETWEEN);
            return;
        }
        let (header, content) = match scalar::block(raw, value, indent) {
            Some(block) => (block.header, block.content),
            None => (serde_json::Value::from(value).to_string(), String::new()),
        };
        self.page.push(&header);
        self.page.comment_at_head(&[span.start], span.end);
        self.page.push(&content);
    }

    /// Comments below the last item that are indented as the items are, or that stand before the closing bracket.
    fn comments_at_end(&mut self, node: &Written, indent: usize) {
        if node.is_flow() {
            self.page.comments_before(node.span.end.saturating_sub(1), indent);
            return;
        }
        let own = self.columns.pop().unwrap_or_default();
        let outer = self.columns.last().copied();
        while let Some(comment) = self.page.next_comment() {
            let column = self.column(comment.start);
            if comment.start >= node.span.end || column < own || outer.map_or(own == 0, |outer| column <= outer) {
                return;
            }
            self.page.comments_before(comment.end, indent);
        }
    }

    fn column(&self, offset: usize) -> usize {
        offset - self.text[..offset].rfind('\n').map_or(0, |at| at + 1)
    }

    /// Comments before this place go above the line on which `node` begins.
    fn first(&self, node: &Written) -> usize {
        if self.stands_on_one_line(node) || node.is_scalar() {
            // In an empty list there is no line for the comments inside.
            return if node.is_empty() { node.span.end } else { node.span.start };
        }
        if node.properties().next().is_some() { node.start() } else { self.first_inside(node) }
    }

    fn first_inside(&self, node: &Written) -> usize {
        match &node.form {
            Form::List { items, .. } => items.first().map(|item| self.first(item)),
            Form::Map { entries, .. } => entries.first().map(|(key, value)| self.first_of_entry(key, value)),
            Form::Alias | Form::Scalar { .. } => None,
        }
        .unwrap_or(node.span.start)
    }

    fn first_of_entry(&self, key: &Written, value: &Written) -> usize {
        let is_beside = (self.stands_on_one_line(value) || value.is_scalar()) && !value.span.text(self.text).is_empty();
        if is_beside { self.first(value).max(key.start()) } else { key.start() }
    }

    fn stands_on_one_line(&self, node: &Written) -> bool {
        node.is_empty() || (node.is_flow() && !node.span.text(self.text).contains('\n'))
    }

    /// Whether the lines of a block can begin right behind a dash.
    fn is_bare_block(&self, node: &Written, column: usize) -> bool {
        !node.is_scalar() && node.properties().next().is_none() && self.on_one_line(node, column).is_none()
    }

    fn on_one_line(&self, node: &Written, column: usize) -> Option<String> {
        if node.is_scalar() {
            let is_block = matches!(node.form, Form::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. });
            let raw = node.span.text(self.text);
            return match raw {
                "" => Some(String::new()),
                _ => (!is_block && !raw.contains('\n')).then(|| self.bare(node)),
            };
        }
        if !self.stands_on_one_line(node) {
            return None;
        }
        let line = self.bare(node);
        (node.is_empty() || column + line.chars().count() <= WIDTH).then_some(line)
    }

    /// As part of a line: with anchor and tag.
    fn flat(&self, node: &Written) -> String {
        let mut text = String::new();
        for property in node.properties() {
            text.push_str(property.text(self.text));
            text.push(' ');
        }
        text.push_str(&self.bare(node));
        text
    }

    fn bare(&self, node: &Written) -> String {
        let raw = node.span.text(self.text);
        match &node.form {
            Form::Alias => raw.to_owned(),
            // Nothing at all is null, and `~` says so where a bracket or a colon follows.
            Form::Scalar { .. } if raw.is_empty() => "~".to_owned(),
            Form::Scalar { value, style } => scalar::one_line(raw, value, *style),
            Form::List { items, .. } => {
                format!("[{}]", items.iter().map(|item| self.flat(item)).collect::<Vec<_>>().join(", "))
            }
            Form::Map { entries, .. } if entries.is_empty() => "{}".to_owned(),
            Form::Map { entries, .. } => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}: {}", self.flat(key), self.flat(value))).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}
