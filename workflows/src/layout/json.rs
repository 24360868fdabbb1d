//! JSON with comments: strict otherwise, no trailing commas.

use std::fmt::Write as _;

use jsonc_parser::tokens::Token;
use jsonc_parser::{Scanner, ScannerOptions};

use super::page::{Page, STEP, WIDTH};
use crate::source::Span;
use crate::tree::{Entry, Kind, Node};

/// What may stand between a value and a comment that belongs to it.
const BETWEEN: [char; 4] = [' ', '\t', '\r', ','];

pub(super) fn lay_out(text: &str, tree: &Node) -> String {
    let mut writer = Writer { text, page: Page::new(text, comments(text)) };
    writer.page.item(tree.span.start, tree.span.start, 0);
    writer.value(tree, 0, 0);
    writer.page.comments_beside(tree.span.end, &BETWEEN);
    writer.page.comments_before(usize::MAX, 0);
    writer.page.finish()
}

/// Places of all comments; nothing behind the first mistake.
pub(super) fn comments(text: &str) -> Vec<Span> {
    let mut scanner = Scanner::new(text, &ScannerOptions::default());
    let mut comments = Vec::new();
    while let Ok(Some(token)) = scanner.scan() {
        if matches!(token, Token::CommentLine(_) | Token::CommentBlock(_)) {
            comments.push(Span::new(scanner.token_start(), scanner.token_end()));
        }
    }
    comments
}

struct Writer<'a> {
    text: &'a str,
    page: Page<'a>,
}

impl Writer<'_> {
    /// `behind`: characters that follow the value on its line.
    fn value(&mut self, node: &Node, indent: usize, behind: usize) {
        if let Some(line) = self.on_one_line(node, behind) {
            self.page.push(&line);
            return;
        }
        match &node.kind {
            Kind::List(items) => {
                self.open("[", node);
                for (place, item) in items.iter().enumerate() {
                    self.page.item(item.span.start, item.span.start, indent + STEP);
                    self.item(item, indent + STEP, place + 1 == items.len());
                }
                self.close("]", node, indent);
            }
            Kind::Map(entries) => {
                self.open("{", node);
                for (place, entry) in entries.iter().enumerate() {
                    self.page.item(entry.key_span.start, entry.value.span.start, indent + STEP);
                    let key = self.key(entry);
                    self.page.push(&key);
                    self.item(&entry.value, indent + STEP, place + 1 == entries.len());
                }
                self.close("}", node, indent);
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => self.page.push(&self.scalar(node.span)),
        }
    }

    fn item(&mut self, node: &Node, indent: usize, is_last: bool) {
        self.value(node, indent, usize::from(!is_last));
        if !is_last {
            self.page.push(",");
        }
        self.page.comments_beside(node.span.end, &BETWEEN);
    }

    fn open(&mut self, bracket: &str, node: &Node) {
        self.page.push(bracket);
        self.page.comments_beside(node.span.start + 1, &[' ', '\t', '\r']);
        self.page.open();
    }

    fn close(&mut self, bracket: &str, node: &Node, indent: usize) {
        let end = node.span.end - 1;
        self.page.comments_before(end, indent + STEP);
        self.page.open();
        self.page.line(end, indent);
        self.page.push(bracket);
    }

    /// A map or a list that stood on one line and still fits on it, and everything that has no other form.
    fn on_one_line(&self, node: &Node, behind: usize) -> Option<String> {
        let is_inside = |comment: Span| node.span.start < comment.start && comment.start < node.span.end;
        if self.page.next_comment().is_some_and(is_inside) {
            return None;
        }
        let is_empty = match &node.kind {
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => return None,
        };
        if is_empty {
            return Some(self.flat(node));
        }
        if node.span.text(self.text).contains('\n') {
            return None;
        }
        Some(self.flat(node)).filter(|line| self.page.column() + line.chars().count() + behind <= WIDTH)
    }

    fn flat(&self, node: &Node) -> String {
        match &node.kind {
            Kind::List(items) => {
                format!("[{}]", items.iter().map(|item| self.flat(item)).collect::<Vec<_>>().join(", "))
            }
            Kind::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Kind::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|entry| self.key(entry) + &self.flat(&entry.value)).collect();
                format!("{{ {} }}", entries.join(", "))
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => self.scalar(node.span),
        }
    }

    fn key(&self, entry: &Entry) -> String {
        self.scalar(entry.key_span) + ": "
    }

    /// As it is written, except for control characters that JSON wants escaped.
    fn scalar(&self, span: Span) -> String {
        let mut text = String::with_capacity(span.end - span.start);
        for letter in span.text(self.text).chars() {
            match letter {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\0'..' ' => write!(text, "\\u{:04x}", u32::from(letter)).expect("a string takes everything"),
                _ => text.push(letter),
            }
        }
        text
    }
}
