//! `steps.send-update` is a subtraction to the expression language; nobody means it.

use std::ops::Range;

use crate::check::expressions::Snippet;
use crate::check::{Facts, Finding, Report};

/// Reports names with hyphens that are read as subtractions, and returns the bytes that are explained by that.
pub(super) fn report(
    found: &[(Vec<String>, Range<usize>)],
    snippet: &Snippet<'_>,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Vec<Range<usize>> {
    let source = snippet.text();
    let mut explained = Vec::new();
    for (segments, range) in found {
        let Some(root) = segments.first() else { continue };
        let Some(after) = source[range.start..].strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        let len = after
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-')
            .unwrap_or(after.len());
        let name = &after[..len];
        if !name.contains('-') || !is_known(root, name, facts) {
            continue;
        }
        let whole = range.start..range.start + root.len() + 1 + len;
        let bracketed = format!("{root}['{name}']");
        let span = snippet.span(whole.clone());
        let finding = Finding::error("E125", span, format!("`{root}.{name}` is read as a subtraction"))
            .label("`-` means minus here");
        report.add(if root == "steps" {
            let alias = format!("steps.{}", name.replace('-', "_"));
            finding.help(format!("write `{alias}`, or `{bracketed}`")).fix(
                format!("Write `{alias}`"),
                true,
                vec![(span, alias)],
            )
        } else {
            finding.help(format!("write `{bracketed}`")).fix(
                format!("Write `{bracketed}`"),
                true,
                vec![(span, snippet.written(&bracketed))],
            )
        });
        explained.push(whole);
    }
    explained
}

fn is_known(root: &str, name: &str, facts: &Facts<'_>) -> bool {
    match root {
        "steps" => facts.outline.find(name).is_some(),
        "inputs" => facts.inputs.contains_key(name),
        "variables" => facts.variables.iter().flatten().any(|variable| variable == name),
        _ => false,
    }
}
