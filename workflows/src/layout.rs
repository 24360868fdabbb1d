//! The canonical layout of a document: the same values and comments in the same order, spaced alike everywhere.

mod json;
mod page;
mod yaml;

use crate::Diagnostic;
use crate::check::Finding;
use crate::source::{Format, Lines, Source, Span};
use crate::tree::{DOCUMENT_MAX, Kind, Node, parse_tree};

/// The document's text, laid out; or why it cannot be read, or not be laid out without changing what it means.
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let tree = parse_tree(source).map_err(|findings| diagnostics(source, findings))?;
    let laid_out = match source.format {
        Format::Json => json::lay_out(&source.text, &tree),
        Format::Yaml => yaml::lay_out(&source.text).map_err(|finding| diagnostics(source, vec![*finding]))?,
    };
    if laid_out.len() > DOCUMENT_MAX {
        let message = format!("laid out, this document would be larger than {} KiB", DOCUMENT_MAX / 1024);
        return Err(diagnostics(source, vec![refusal(Span::at(0), &message).label("it stays as it is")]));
    }
    if means_the_same(source, &tree, &laid_out) {
        return Ok(laid_out);
    }
    let finding = refusal(Span::at(0), "the layout of this document cannot be changed without changing what it means")
        .label("it stays as it is");
    Err(diagnostics(source, vec![finding]))
}

fn refusal(span: Span, message: &str) -> Finding {
    Finding::error("E008", span, message)
}

fn diagnostics(source: &Source, mut findings: Vec<Finding>) -> Vec<Diagnostic> {
    let lines = Lines::new(&source.text);
    findings.sort_by_key(Finding::span);
    findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, &lines, None)).collect()
}

/// Reads the new text as anybody would and compares all that matters.
fn means_the_same(source: &Source, tree: &Node, laid_out: &str) -> bool {
    let again = Source { file: source.file.clone(), text: laid_out.to_owned(), format: source.format };
    let is_same_tree = parse_tree(&again).is_ok_and(|again| same(tree, &again));
    is_same_tree && remarks(source) == remarks(&again)
}

fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(one), Kind::Bool(other)) => one == other,
        (Kind::Number(one), Kind::Number(other)) => one == other,
        (Kind::Text(one), Kind::Text(other)) => one.value == other.value,
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.key == other.key && same(&one.value, &other.value))
        }
        _ => false,
    }
}

/// What is in the text beside its values: comments, by their words, then anchors, aliases and tags in their order.
fn remarks(source: &Source) -> (Vec<String>, Vec<String>) {
    let text = &source.text;
    let (comments, properties) = match source.format {
        Format::Json => (json::comments(text), Vec::new()),
        Format::Yaml => yaml::remarks(text),
    };
    let words = |span: Span| span.text(text).lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut comments: Vec<String> = comments.into_iter().map(words).collect();
    // One that stood between a name and its value may have moved above both.
    comments.sort_unstable();
    (comments, properties)
}
