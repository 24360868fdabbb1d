//! `onward validate --fix`: what diagnostics propose is done, then the rest is shown.

use onward_workflows::{Checked, Fixed, Source, Trust, repair};
use serde_json::json;

use crate::database::catalog;
use crate::documents;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

/// Writes the document if something could be done; from standard input it goes to standard output in any case.
pub fn fix(settings: &Settings, source: &Source, trust: Trust) -> Result<Checked, Failure> {
    let repaired = repair(source, &catalog(), trust);
    let is_stdin = documents::is_stdin(source);
    let print: fn(&str) = if is_stdin { output::hint } else { output::line };
    if is_stdin {
        output::text(&repaired.source.text);
    } else if !repaired.fixed.is_empty() {
        documents::replace(source, &repaired.source.text)?;
    }
    for fixed in &repaired.fixed {
        print(&shown(fixed, settings));
    }
    if !repaired.fixed.is_empty() && !settings.json {
        print("");
    }
    let checked = repaired.checked;
    let findings: Vec<_> = checked.diagnostics.iter().chain(&checked.unoffered).cloned().collect();
    documents::print_diagnostics(&repaired.source, &findings, checked.omitted, settings, print);
    let left = findings.iter().filter(|finding| !finding.fixes.is_empty()).count();
    if trust == Trust::Safe && left > 0 && !settings.json {
        let what = if left == 1 { "1 fix".to_owned() } else { format!("{left} fixes") };
        output::hint(&format!("{what} can change what the document means; to apply: onward validate --fix --unsafe"));
    }
    Ok(checked)
}

fn shown(fixed: &Fixed, settings: &Settings) -> String {
    let found = &fixed.diagnostic;
    if settings.json {
        return json!({ "file": found.file, "fixed": found.code, "title": fixed.title, "range": found.range })
            .to_string();
    }
    let start = found.range.start;
    format!("fixed {} {}:{}:{}  {}", found.code, found.file, start.line, start.column, fixed.title)
}
