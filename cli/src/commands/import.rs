//! `onward import`: documents of the replaced system in today's words.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use onward_workflows::{Checked, Format, Imported, Source, check, import_visapi};
use serde_json::json;

use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub fn import(settings: &Settings, file: &Path, out: Option<&Path>, format: &str) -> Result<ExitCode, Failure> {
    let old = documents::read_one(file)?;
    let format = if format == "json" { Format::Json } else { Format::Yaml };
    let imported = match import_visapi(&old, format) {
        Ok(imported) => imported,
        Err(diagnostics) => {
            documents::print_diagnostics(&old, &diagnostics, 0, settings, output::line);
            return Ok(Exit::Invalid.into());
        }
    };
    if imported.len() != 1 && out.is_none() && !settings.json {
        let text =
            format!("there are {}; name a folder for them with --out", output::plural(imported.len(), "document"));
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut broken = 0;
    for document in &imported {
        broken += usize::from(!one(settings, document, out)?);
    }
    if broken > 0 {
        let all = output::plural(imported.len(), "document");
        output::hint(&format!("{broken} of {all} {} invalid", if broken == 1 { "is" } else { "are" }));
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { Exit::Invalid.into() })
}

/// Writes or prints a document with its notes and what the checker says; whether it is valid.
fn one(settings: &Settings, document: &Imported, out: Option<&Path>) -> Result<bool, Failure> {
    let written = out.map(|folder| write_new(folder, document)).transpose()?;
    let name = written.as_ref().map_or(document.file_stem.clone(), |file| file.display().to_string());
    let source = Source::new(name, document.text.as_str(), document.format);
    let checked = check(&source, &catalog());
    if settings.json {
        output::line(&as_object(document, written.as_deref(), &checked));
        return Ok(checked.is_valid());
    }
    match &written {
        Some(file) => output::line(&format!("  + {}", file.display())),
        None => output::text(&document.text),
    }
    // The document may be read by another program; what is said about it is for people.
    let print: fn(&str) = if written.is_some() { output::line } else { output::hint };
    for note in &document.notes {
        print(&format!("      {note}"));
    }
    let findings: Vec<_> = checked.diagnostics.iter().chain(&checked.unoffered).cloned().collect();
    if !findings.is_empty() {
        print("");
        documents::print_diagnostics(&source, &findings, checked.omitted, settings, print);
    }
    Ok(checked.is_valid())
}

fn as_object(document: &Imported, file: Option<&Path>, checked: &Checked) -> String {
    let diagnostics: Vec<_> = checked.diagnostics.iter().chain(&checked.unoffered).collect();
    let object = json!({
        "id": checked.definition.as_ref().map(|definition| definition.id.as_str()),
        "file": file.map(|file| file.display().to_string()),
        "format": document.format.as_str(),
        "document": document.text,
        "valid": checked.is_valid(),
        "notes": document.notes,
        "diagnostics": diagnostics,
    });
    object.to_string()
}

fn write_new(folder: &Path, document: &Imported) -> Result<PathBuf, Failure> {
    let file = folder.join(format!("{}.{}", document.file_stem, document.format.as_str()));
    let failed = |error: std::io::Error| {
        let exit = if error.kind() == ErrorKind::AlreadyExists { Exit::Conflict } else { Exit::Failed };
        Failure::new(exit, format!("write {}: {error}", file.display()))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut opened = OpenOptions::new().write(true).create_new(true).open(&file).map_err(failed)?;
    opened.write_all(document.text.as_bytes()).map_err(failed)?;
    Ok(file)
}
