//! The text that is being laid out, and the comments that have not found their place in it yet.

use crate::source::Span;

/// The longest line on which a map or a list stands whole, in characters.
pub(super) const WIDTH: usize = 100;
/// Spaces for each level.
pub(super) const STEP: usize = 2;

/// Writes line by line, in the order of the source, so that every comment meets the value beside which it stood.
pub(super) struct Page<'a> {
    text: &'a str,
    comments: Vec<Span>,
    next: usize,
    out: String,
    /// A block has just begun: no empty line goes here.
    opened: bool,
}

impl<'a> Page<'a> {
    pub fn new(text: &'a str, comments: Vec<Span>) -> Self {
        Self { text, comments, next: 0, out: String::with_capacity(text.len() + text.len() / 8), opened: false }
    }

    pub fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub fn open(&mut self) {
        self.opened = true;
    }

    /// Characters on the line so far.
    pub fn column(&self) -> usize {
        let line = self.out.rfind('\n').map_or(0, |at| at + 1);
        self.out[line..].chars().count()
    }

    /// A line for what stands at `offset` in the source; an empty line that stood above it stays.
    pub fn line(&mut self, offset: usize, indent: usize) {
        if !self.out.is_empty() {
            // The empty lines at the end of a block scalar are there already.
            let is_apart = self.out.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
            self.out.push('\n');
            if !self.opened && !is_apart && has_empty_line_above(self.text, offset) {
                self.out.push('\n');
            }
        }
        self.opened = false;
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// A line for an item that begins at `offset`, below the comments that stand above it, or inside it before `until`.
    pub fn item(&mut self, offset: usize, until: usize, indent: usize) {
        self.comments_before(offset, indent);
        if let Some(comment) = self.next_comment().filter(|comment| comment.start < until) {
            self.line(offset, indent);
            self.push_comment(comment);
            self.comments_before(until, indent);
            self.opened = true;
        }
        self.line(offset, indent);
    }

    /// Each comment that starts before `offset`, on a line of its own.
    pub fn comments_before(&mut self, offset: usize, indent: usize) {
        while let Some(comment) = self.next_comment().filter(|comment| comment.start < offset) {
            self.line(comment.start, indent);
            self.push_comment(comment);
        }
    }

    /// Comments that stand behind what ended at `end`; only `between` may stand between them.
    pub fn comments_beside(&mut self, mut end: usize, between: &[char]) {
        while let Some(comment) = self.next_comment() {
            let gap = self.text.get(end..comment.start);
            let stands_beside = gap.is_some_and(|gap| gap.chars().all(|letter| between.contains(&letter)));
            if !stands_beside || !self.ends_line(comment, between) {
                return;
            }
            self.out.push(' ');
            self.push_comment(comment);
            end = comment.end;
        }
    }

    /// The comment behind a block's head: on the line of one of `ends`, and before the block's first value.
    pub fn comment_at_head(&mut self, ends: &[usize], first: usize) {
        let Some(comment) = self.next_comment().filter(|comment| comment.start < first) else { return };
        let is_beside = |end: &usize| self.text.get(*end..comment.start).is_some_and(|gap| !gap.contains('\n'));
        if ends.iter().any(is_beside) {
            self.out.push(' ');
            self.push_comment(comment);
        }
    }

    pub fn next_comment(&self) -> Option<Span> {
        self.comments.get(self.next).copied()
    }

    pub fn finish(mut self) -> String {
        self.out.push('\n');
        self.out
    }

    fn push_comment(&mut self, comment: Span) {
        self.next += 1;
        for (place, line) in comment.text(self.text).lines().enumerate() {
            if place > 0 {
                self.out.push('\n');
            }
            self.out.push_str(line.trim_end());
        }
    }

    /// Whether no value follows the comment on its line: such a comment belongs to that value.
    fn ends_line(&self, comment: Span, between: &[char]) -> bool {
        let rest = self.text[comment.end..].lines().next().unwrap_or_default();
        let rest = rest.trim_start_matches(|letter: char| between.contains(&letter) || matches!(letter, ']' | '}'));
        rest.trim_start().is_empty() || rest.trim_start().starts_with('/')
    }
}

/// Whether what stands at `offset` begins its line, and the line above is empty.
fn has_empty_line_above(text: &str, offset: usize) -> bool {
    let line = text[..offset].trim_end_matches([' ', '\t', '-', '?']);
    let Some(above) = line.strip_suffix('\n') else { return false };
    let above = above.trim_end_matches([' ', '\t', '\r']);
    above.is_empty() || above.ends_with('\n')
}
