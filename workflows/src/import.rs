//! Documents of the `VisAPI` system in the words of today, with notes about what could not be kept or behaves differently.

mod names;
mod notes;
mod ordered;
mod steps;
mod triggers;

use crate::check::Finding;
use crate::source::{Format, Lines, Source};
use crate::tree::parse_tree;
use crate::{Diagnostic, slug};

use names::Names;
use notes::Notes;
use ordered::Ordered;

/// One document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What a file of it may be called, without an ending.
    pub file_stem: String,
    pub text: String,
    pub format: Format,
    /// For whoever reviews it; each begins with what it is about.
    pub notes: Vec<String>,
}

/// Fields of the API's answers that are no part of a workflow.
const ANSWER_FIELDS: [&str; 2] = ["created_at", "updated_at"];
const KEPT_FIELDS: [&str; 5] = ["id", "name", "description", "enabled", "variables"];

/// A document, or a list of them as the API gave it. What comes out is laid out, and still has to be checked.
pub fn import_visapi(source: &Source, format: Format) -> Result<Vec<Imported>, Vec<Diagnostic>> {
    let tree = parse_tree(source).map_err(|findings| diagnostics(source, findings))?;
    let documents = match Ordered::from(&tree) {
        Ordered::List(items) => items,
        mut one => match one.take("data") {
            Some(Ordered::List(items)) => items,
            _ => vec![one],
        },
    };
    Ok(documents.into_iter().map(|document| import(document, format)).collect())
}

fn diagnostics(source: &Source, findings: Vec<Finding>) -> Vec<Diagnostic> {
    let lines = Lines::new(&source.text);
    findings.into_iter().map(|finding| finding.into_diagnostic(&source.file, &lines, None)).collect()
}

fn import(mut old: Ordered, format: Format) -> Imported {
    let mut notes = Notes::default();
    if let Some(Ordered::Map(inner)) = old.take("schema") {
        for (key, value) in inner {
            old.put(&key, value);
        }
    }
    let (triggers, steps) = (old.take_list("triggers"), old.take_list("steps"));
    let variables = old.get("variables").map(Ordered::keys).unwrap_or_default();
    notes.about_document(&steps, &variables);

    let triggers = triggers::convert(triggers, &mut notes);
    let is_by_time = triggers.iter().any(|trigger| trigger.text("type") == Some("cron"));
    let mut names = Names::new(variables, !is_by_time);
    let steps: Vec<Ordered> = steps.into_iter().map(|step| steps::convert(step, &mut names, &mut notes)).collect();
    names.note(is_by_time, &mut notes);

    let mut document = Ordered::default();
    document.put("version", 1.into());
    for field in KEPT_FIELDS {
        if let Some(value) = old.take(field) {
            document.put(field, value);
        }
    }
    for (key, _) in old.entries().filter(|(key, _)| !ANSWER_FIELDS.contains(&key.as_str())) {
        notes.add("document", format!("`{key}` was left out: nothing reads it"));
    }
    let inputs = names.inputs();
    document.put_list("triggers", triggers::with_inputs(triggers, &inputs));
    if !inputs.is_empty() {
        document.put("inputs", inputs);
    }
    document.put_list("steps", steps);
    let file_stem = document.text("name").and_then(slug).or_else(|| document.text("id").and_then(slug));
    let text = match format {
        Format::Json => document.json(),
        Format::Yaml => document.yaml(),
    };
    let laid_out = crate::format(&Source::new("", text.clone(), format)).unwrap_or(text);
    Imported { file_stem: file_stem.unwrap_or("workflow".to_owned()), text: laid_out, format, notes: notes.all() }
}
