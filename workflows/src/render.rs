//! Diagnostics as people read them in a terminal.

use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::source::Source;
use crate::{Diagnostic, Range, Severity};

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
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let blocks: Vec<String> =
        diagnostics.iter().map(|diagnostic| block(diagnostic, source, &renderer, style)).collect();
    blocks.join("\n")
}

fn block(diagnostic: &Diagnostic, source: &Source, renderer: &Renderer, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let text = &source.text;
    let primary = AnnotationKind::Primary.span(visible(text, diagnostic.range)).label(diagnostic.label.as_deref());
    let related = diagnostic
        .related
        .iter()
        .map(|related| AnnotationKind::Context.span(visible(text, related.range)).label(related.message.as_str()));
    let snippet = Snippet::source(text.as_str())
        .path(diagnostic.file.as_str())
        .fold(true)
        .annotation(primary)
        .annotations(related);
    let report = [level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).element(snippet)];
    let mut block = renderer.render(&report);
    block.push('\n');
    notes(&mut block, diagnostic, style);
    block
}

/// `= help:` and `= fix:` under the snippet; aligned with each other, indented like the snippet's bar.
fn notes(block: &mut String, diagnostic: &Diagnostic, style: Style) {
    let last_line = diagnostic
        .related
        .iter()
        .map(|related| related.range.end.line)
        .chain([diagnostic.range.start.line, diagnostic.range.end.line])
        .max()
        .unwrap_or(1);
    let indent = " ".repeat(last_line.to_string().len());
    let (on, off) = if style.color { (BOLD, RESET) } else { ("", "") };
    if let Some(help) = &diagnostic.help {
        writeln!(block, "{indent} |\n{indent} = {on}help:{off} {help}").expect("a string takes everything");
    }
    for fix in &diagnostic.fixes {
        writeln!(block, "{indent} = {on}fix:{off}  {}", fix.title).expect("a string takes everything");
    }
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
