//! Diagnostics as people read them in a terminal.

use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};

use crate::source::{Lines, Source};
use crate::tree::DOCUMENT_MAX;
use crate::{Diagnostic, Range, RunPlace, Severity};

/// Where lines are cut when nobody says how wide the terminal is.
const WIDTH_DEFAULT: usize = 140;
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// Columns; longer lines are cut around the caret.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: WIDTH_DEFAULT }
    }
}

/// One block of text for each diagnostic, with an empty line between.
pub fn render(diagnostics: &[Diagnostic], source: &Source, style: Style) -> String {
    let renderer = renderer(style);
    let blocks: Vec<String> =
        diagnostics.iter().map(|diagnostic| block(diagnostic, source, &renderer, style)).collect();
    blocks.join("\n")
}

/// A diagnostic that brings its line along, as those of runs do; without the document.
pub fn render_alone(diagnostic: &Diagnostic, style: Style) -> String {
    let (excerpt, before) = match &diagnostic.at {
        Some(at) => (at.excerpt.as_str(), at.excerpt_column.saturating_sub(1)),
        None => ("", 0),
    };
    // What is left out is never seen: the line is cut around the caret.
    let line = " ".repeat(usize::try_from(before).unwrap_or_default().min(DOCUMENT_MAX)) + excerpt;
    let lines = Lines::new(&line);
    let Range { start, end } = diagnostic.range;
    let end_column = if end.line == start.line { end.column } else { u32::MAX };
    let place = |column| lines.offset(1, column).unwrap_or_default();
    let span = place(start.column)..place(end_column);
    let snippet = Snippet::source(line.as_str())
        .line_start(usize::try_from(start.line).unwrap_or_default())
        .fold(true)
        .annotation(AnnotationKind::Primary.span(span).label(diagnostic.label.as_deref()));
    finish(diagnostic, snippet, &renderer(style), style)
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(style.width)
}

fn block(diagnostic: &Diagnostic, source: &Source, renderer: &Renderer, style: Style) -> String {
    let text = &source.text;
    let primary = AnnotationKind::Primary.span(visible(text, diagnostic.range)).label(diagnostic.label.as_deref());
    let related = diagnostic
        .related
        .iter()
        .map(|related| AnnotationKind::Context.span(visible(text, related.range)).label(related.message.as_str()));
    let snippet = Snippet::source(text.as_str()).fold(true).annotation(primary).annotations(related);
    finish(diagnostic, snippet, renderer, style)
}

fn finish<'a>(
    diagnostic: &'a Diagnostic,
    snippet: Snippet<'a, Annotation<'a>>,
    renderer: &Renderer,
    style: Style,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let origin = origin(diagnostic);
    let mut block = renderer.render(&[title.element(snippet.path(origin.as_str()))]);
    if diagnostic.at.is_some() {
        // The renderer knows of files only.
        block = block.replacen(&format!("{origin}:"), &format!("{origin} "), 1);
    }
    block.push('\n');
    notes(&mut block, diagnostic, style);
    block
}

/// What stands before the line's number: a file, or `orders v3, step each[17].send, line`.
fn origin(diagnostic: &Diagnostic) -> String {
    let Some(at) = &diagnostic.at else { return diagnostic.file.clone() };
    let step = at.step.as_ref().map(|step| format!(", step {step}")).unwrap_or_default();
    format!("{}{step}, line", diagnostic.file)
}

/// `= help:` and the like under the snippet; aligned with each other, indented like the snippet's bar.
fn notes(block: &mut String, diagnostic: &Diagnostic, style: Style) {
    let mut notes: Vec<(&str, String)> = Vec::new();
    notes.extend(diagnostic.found.iter().map(|found| ("found:", found.to_string())));
    notes.extend(diagnostic.help.iter().map(|help| ("help:", help.clone())));
    // After a blank line, unless there are only fixes.
    let is_set_off = !notes.is_empty();
    notes.extend(diagnostic.fixes.iter().map(|fix| ("fix: ", fix.title.clone())));
    notes.extend(diagnostic.at.iter().filter_map(|at| Some(("run: ", command(at)?))));
    let last_line = diagnostic
        .related
        .iter()
        .map(|related| related.range.end.line)
        .chain([diagnostic.range.start.line, diagnostic.range.end.line])
        .max()
        .unwrap_or(1);
    let indent = " ".repeat(last_line.to_string().len());
    let (on, off) = if style.color { (BOLD, RESET) } else { ("", "") };
    if is_set_off {
        writeln!(block, "{indent} |").expect("a string takes everything");
    }
    for (word, text) in notes {
        let (word, space) = word.split_at(word.trim_end().len());
        writeln!(block, "{indent} = {on}{word}{off}{space} {text}").expect("a string takes everything");
    }
}

/// What shows more of it.
fn command(at: &RunPlace) -> Option<String> {
    let run = at.run.as_ref()?;
    Some(match &at.step {
        // A shell would take the brackets for a pattern.
        Some(step) if step.contains(['[', '~']) => format!("onward runs show {run} --step '{step}'"),
        Some(step) => format!("onward runs show {run} --step {step}"),
        None => format!("onward runs show {run}"),
    })
}

/// A range that ends on a later line is shown up to the end of its first line.
fn visible(text: &str, range: Range) -> std::ops::Range<usize> {
    let start = usize::try_from(range.start.offset).unwrap_or_default().min(text.len());
    let end = usize::try_from(range.end.offset).unwrap_or_default().clamp(start, text.len());
    match text[start..end].find('\n') {
        Some(0) => start..start,
        Some(line) => start..start + line,
        None => start..end,
    }
}
