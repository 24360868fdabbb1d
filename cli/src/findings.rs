//! Diagnostics of a server about documents that are at hand, shown as those of this program are.

use onward_workflows::{Diagnostic, Fix, Found, Range, Related, RunPlace, Severity, Source, Style, render_alone};
use serde::Deserialize;
use serde_json::Value;

use crate::documents;
use crate::output;
use crate::settings::Settings;

#[derive(Deserialize)]
struct Finding {
    file: String,
    severity: Severity,
    code: String,
    message: String,
    path: String,
    range: Range,
    label: Option<String>,
    #[serde(default)]
    related: Vec<Related>,
    found: Option<Found>,
    help: Option<String>,
    #[serde(default)]
    fixes: Vec<Fix>,
    at: Option<Box<RunPlace>>,
}

/// Prints those that are about these documents, and takes them out of the answer.
pub fn print(settings: &Settings, sources: &[Source], answer: &mut Value) {
    let Some(findings) = answer.get_mut("diagnostics").and_then(Value::as_array_mut) else { return };
    for source in sources {
        let mut about = Vec::new();
        findings.retain(|finding| match read(finding) {
            Some(diagnostic) if diagnostic.file == source.file => {
                about.push(diagnostic);
                false
            }
            _ => true,
        });
        documents::print_diagnostics(source, &about, 0, settings, output::line);
    }
}

/// What a run's or a step's `diagnostic` says, as text; None where there is none.
pub fn of_run(settings: &Settings, shown: &Value) -> Option<String> {
    let style = Style { color: output::is_terminal() && !settings.plain, ..Style::default() };
    Some(render_alone(&read(shown.get("diagnostic")?)?, style).trim_end().to_owned())
}

fn read(finding: &Value) -> Option<Diagnostic> {
    let finding = Finding::deserialize(finding).ok()?;
    let Finding { file, severity, code, message, path, range, label, related, found, help, fixes, at } = finding;
    // A few bytes each, and the program ends soon.
    let code = code.leak();
    Some(Diagnostic { file, severity, code, message, path, range, label, related, found, help, fixes, at })
}
