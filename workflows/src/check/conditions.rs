//! Fields that are an expression as they stand, with or without one pair of braces around it.

use super::expressions::{Site, Snippet, compile};
use super::scan::{Piece, Token, pieces, tokens};
use super::{Facts, Finding, Report, values};
use crate::Expression;
use crate::tree::{Kind, Node, Places};

/// A field that is an expression as it stands: `if` and its like.
pub(super) fn condition(
    field: &str,
    node: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Expression> {
    bare(field, Wanted::Truth, node, site, facts, report)
}

/// The same for an expression that gives a list.
pub(super) fn list(
    field: &str,
    node: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Expression> {
    bare(field, Wanted::List, node, site, facts, report)
}

fn bare(
    field: &str,
    wanted: Wanted,
    node: &Node,
    site: Site<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<Expression> {
    let Some(value) = node.as_str() else {
        if let Kind::Bool(value) = node.kind {
            let start = facts.lines.position(node.span.start);
            return Expression::compile(if value { "true" } else { "false" }, start.line, start.column).ok();
        }
        report.add(values::wrong_kind(field, node, "an expression that gives true or false"));
        return None;
    };
    let places = Places::of(node, &facts.source.text);
    let trimmed = value.trim();
    let start = value.len() - value.trim_start().len();
    let whole = start..start + trimmed.len();
    let found = pieces(trimmed);
    let range = match found.as_slice() {
        [Piece::Hole(inner)] => start + inner.start..start + inner.end,
        _ if found.iter().any(|piece| matches!(piece, Piece::Hole(_))) => {
            report.add(mixed(field, wanted, &Snippet { node, range: whole, places: &places }, facts));
            return None;
        }
        _ => whole,
    };
    let snippet = Snippet { node, range, places: &places };
    if let [(Token::Text(_) | Token::Number(_), _)] = tokens(snippet.text()).as_slice() {
        let finding = Finding::error("E122", snippet.whole(), format!("`{field}` is {}", wanted.not()))
            .label("this is always the same value");
        report.add(match wanted {
            Wanted::Truth => finding.help(format!("compare it with something: inputs.name == {}", snippet.text())),
            Wanted::List => finding.help(format!("a list of one item is written [{}]", snippet.text())),
        });
        return None;
    }
    let compiled = compile(&snippet, site, facts, report)?;
    if let Some(finding) = input_of_other_type(field, wanted, &snippet, &compiled, facts) {
        report.add(finding);
        return None;
    }
    Some(compiled)
}

/// A field that is nothing but an input whose schema gives another type.
fn input_of_other_type(
    field: &str,
    wanted: Wanted,
    snippet: &Snippet<'_>,
    compiled: &Expression,
    facts: &Facts<'_>,
) -> Option<Finding> {
    let source = snippet.text().trim();
    let references = compiled.references();
    let [(segments, range)] = references.as_slice() else { return None };
    let is_all = range.len() == source.len();
    let [root, name] = segments.as_slice() else { return None };
    let json_type = facts.inputs.get(name).filter(|_| is_all && root == "inputs")?.as_deref()?;
    let (fits, comparison) = match (wanted, json_type) {
        (Wanted::Truth, "boolean") | (Wanted::List, "array") => (true, ""),
        (Wanted::Truth, "string") => (false, " != ''"),
        (Wanted::Truth, "number" | "integer") => (false, " > 0"),
        (Wanted::Truth, "array" | "object") => (false, " | length > 0"),
        (Wanted::Truth, _) => (false, " != null"),
        (Wanted::List, _) => (false, ""),
    };
    if fits {
        return None;
    }
    let finding = Finding::error("E122", snippet.whole(), format!("`{field}` is {}", wanted.not()))
        .label(format!("the type of input `{name}` is {json_type}"));
    Some(match wanted {
        Wanted::Truth => finding.help(format!("write a comparison, such as {source}{comparison}")),
        Wanted::List => finding.help(format!("a list of one item is written [{source}]")),
    })
}

/// What the expression of a field has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Truth,
    List,
}

impl Wanted {
    fn not(self) -> &'static str {
        match self {
            Self::Truth => "neither true nor false",
            Self::List => "not a list",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Truth => "not true or false",
            Self::List => "not a list",
        }
    }
}

fn mixed(field: &str, wanted: Wanted, snippet: &Snippet<'_>, facts: &Facts<'_>) -> Finding {
    let span = snippet.whole();
    let finding = Finding::error("E122", span, format!("`{field}` mixes text with `{{{{ }}}}`"))
        .label(format!("this is text, and text is {}", wanted.label()));
    let bare = without_braces(snippet.text());
    if Expression::compile(&bare, 1, 1).is_err() || !keeps_tokens(snippet.text(), &bare) {
        return finding.help("the whole field is already an expression: write it without the braces");
    }
    let raw = without_braces(span.text(&facts.source.text));
    finding.help(format!("the whole field is already an expression: {bare}")).fix(
        "Remove the braces",
        true,
        vec![(span, raw)],
    )
}

fn without_braces(text: &str) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(range) | Piece::Open(range) | Piece::Hole(range) => &text[range],
        })
        .collect()
}

/// Whether the pieces stay what they are when nothing stands between them: no name grows, and no hole was in a string.
fn keeps_tokens(text: &str, bare: &str) -> bool {
    let apart: usize = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(range) | Piece::Open(range) | Piece::Hole(range) => tokens(&text[range]).len(),
        })
        .sum();
    apart == tokens(bare).len()
}
