//! Finding documents: named files, standard input, or those of a folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use onward_workflows::{Checked, Source, Style, render};

use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

/// Bytes of a document, read a little beyond its limit so that the checker can say that it is too large.
const BYTES_MAX: u64 = 300 * 1024;
const FILES_MAX: usize = 1_000;

/// The named files; without any, the documents of the current folder.
pub fn read(files: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    if files.is_empty() {
        let found = find(Path::new("."))?;
        if found.is_empty() {
            let text = "there are no workflow documents here: name files, or a folder with *.json, *.yaml or *.yml";
            return Err(Failure::new(Exit::Usage, text));
        }
        return found.iter().map(|file| read_one(file)).collect();
    }
    let mut sources = Vec::new();
    for file in files {
        if file.is_dir() {
            for file in find(file)? {
                sources.push(read_one(&file)?);
            }
        } else {
            sources.push(read_one(file)?);
        }
    }
    Ok(sources)
}

pub fn read_one(file: &Path) -> Result<Source, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| {
        let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Failed };
        Failure::new(exit, format!("read {}: {error}", file.display()))
    })?;
    if file != Path::new("-") {
        return Ok(Source::from_file(file.display().to_string(), text));
    }
    // Standard input has no name: JSON begins with a brace or a comment.
    let format = if text.trim_start().starts_with(['{', '/']) {
        onward_workflows::Format::Json
    } else {
        onward_workflows::Format::Yaml
    };
    Ok(Source::new("<stdin>", text, format))
}

/// The workflow documents of a folder: its `workflows` folder if it has one, else itself; not below.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = home_of(folder);
    let listed = std::fs::read_dir(&folder)
        .map_err(|error| Failure::new(Exit::NotFound, format!("read the folder {}: {error}", folder.display())))?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .map(|file| file.strip_prefix(".").map(Path::to_owned).unwrap_or(file))
        .filter(|file| file.is_file() && is_document(file))
        .take(FILES_MAX)
        .collect();
    files.sort();
    Ok(files)
}

pub fn home_of(folder: &Path) -> PathBuf {
    let below = folder.join("workflows");
    // A crate of that name is no folder of documents.
    if below.is_dir() && !below.join("Cargo.toml").exists() { below } else { folder.to_owned() }
}

/// By its name, and by having steps: a `package.json` beside the workflows is none.
fn is_document(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let named = ["json", "yaml", "yml"].contains(&ending) && !name.starts_with('.') && !name.contains(".test.");
    named && std::fs::read_to_string(file).is_ok_and(|text| text.contains("steps"))
}

/// Prints what a check found, for people or for programs.
pub fn print_findings(source: &Source, checked: &Checked, settings: &Settings) {
    let findings: Vec<_> = checked.diagnostics.iter().chain(&checked.unoffered).cloned().collect();
    if settings.json {
        for finding in &findings {
            output::line(&serde_json::json!(finding).to_string());
        }
        return;
    }
    if findings.is_empty() {
        return;
    }
    let style = Style { color: output::is_terminal() && !settings.plain, ..Style::default() };
    output::line(render(&findings, source, style).trim_end());
    if checked.omitted > 0 {
        output::line(&format!("and {} more", checked.omitted));
    }
    output::line("");
}
