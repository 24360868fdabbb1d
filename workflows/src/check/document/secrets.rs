//! `secrets`: names of what a workflow may read.

use crate::check::{Finding, Report, values};
use crate::source::Span;
use crate::tree::Node;

pub(crate) const SECRETS_MAX: usize = 50;
pub(crate) const SECRET_NAME_MAX: usize = 100;

/// Names that the document may read; each has to be set on the server.
pub(super) fn read(node: &Node, report: &mut Report) -> Vec<(String, Span)> {
    let Some(items) = values::list("secrets", node, report) else { return Vec::new() };
    if let Some(extra) = items.get(SECRETS_MAX) {
        report.add(
            Finding::error("E115", extra.span, format!("a document has at most {SECRETS_MAX} secrets"))
                .label(format!("this one has {}", items.len())),
        );
    }
    let mut names: Vec<(String, Span)> = Vec::new();
    for item in items.iter().take(SECRETS_MAX) {
        let Some(name) = values::short_text("secrets", item, SECRET_NAME_MAX, report) else { continue };
        let is_name = !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            report.add(
                Finding::error("E112", item.span, format!("`{name}` cannot be the name of a secret"))
                    .label("letters, digits and `_`, not beginning with a digit; only the name, never the value"),
            );
        } else if let Some((_, other)) = names.iter().find(|(known, _)| known == name) {
            report.add(
                Finding::error("E104", item.span, format!("the secret `{name}` is there twice"))
                    .label("the second one")
                    .related(*other, "the first one"),
            );
        } else {
            names.push((name.to_owned(), item.span));
        }
    }
    names
}
