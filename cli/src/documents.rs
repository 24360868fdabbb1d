//! Finding documents: named files, standard input, or those of a folder.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use onward_workflows::{Checked, Diagnostic, Format, Source, Style, render};
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

/// Far beyond what a document or a body may have, so that the checker or the server can say what their limit is.
const BYTES_MAX: usize = 6 * 1024 * 1024;
const FILES_MAX: usize = 1_000;
/// How standard input is called on the command line, and in diagnostics.
const STDIN: &str = "-";
const STDIN_NAME: &str = "<stdin>";

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
    let read = if is_stdin_argument(file) { read_text(io::stdin()) } else { fs::File::open(file).and_then(read_text) };
    let text = read.map_err(|error| {
        let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Failed };
        Failure::new(exit, format!("read {}: {error}", file.display()))
    })?;
    if !is_stdin_argument(file) {
        return Ok(Source::from_file(file.display().to_string(), text));
    }
    // Standard input has no name: JSON begins with a brace or a comment.
    let format = if text.trim_start().starts_with(['{', '/']) { Format::Json } else { Format::Yaml };
    Ok(Source::new(STDIN_NAME, text, format))
}

/// All of it or nothing: half a file would be another mistake than the one that was made.
fn read_text(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > BYTES_MAX {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is larger than 6 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// The workflow documents of a folder: its `workflows` folder if it has one, else itself; not below.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = home_of(folder);
    let listed = fs::read_dir(&folder)
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

/// By its name, and by having steps of its own: a `package.json` beside the workflows is none.
fn is_document(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let named = ["json", "yaml", "yml"].contains(&ending) && !name.starts_with('.') && !name.contains(".test.");
    named && read_one(file).is_ok_and(|source| has_steps(&source))
}

/// Whether `steps` stands at the top, or below `schema` as in old documents. A text that cannot be parsed gets the benefit
/// of the doubt: a broken document has to be reported.
fn has_steps(source: &Source) -> bool {
    let text = &source.text;
    match source.format {
        Format::Json => serde_json::from_str::<Value>(text).map_or_else(
            |_| text.contains("\"steps\""),
            |document| document.get("steps").or_else(|| document.get("schema")?.get("steps")).is_some(),
        ),
        Format::Yaml => {
            let top = |name: &str| {
                text.lines()
                    .any(|line| line.trim_start_matches(['"', '\'']).strip_prefix(name).is_some_and(begins_value))
            };
            top("steps") || ((top("schema") || text.trim_start().starts_with('{')) && text.contains("steps"))
        }
    }
}

/// What follows a key in YAML.
fn begins_value(rest: &str) -> bool {
    rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':')
}

pub fn is_stdin_argument(file: &Path) -> bool {
    file == Path::new(STDIN)
}

pub fn is_stdin(source: &Source) -> bool {
    source.file == STDIN_NAME
}

/// Puts a new text in the place of a document: there is always a whole one under its name.
pub fn replace(source: &Source, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Failed, format!("write {}: {error}", source.file));
    // A link stays one.
    let file = fs::canonicalize(&source.file).map_err(failed)?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let beside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_beside(&beside, text, &file).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

fn write_beside(beside: &Path, text: &str, file: &Path) -> io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create_new(true).open(beside)?;
    opened.set_permissions(fs::metadata(file)?.permissions())?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

/// `NAME=VALUE`; a value is JSON if it can be read as JSON, else a text.
pub fn pairs(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let pair = |given: &String| {
        let (name, text) = given.split_once('=').ok_or_else(|| usage(format!("-i {given}: write NAME=VALUE")))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        Ok((name.to_owned(), value))
    };
    given.iter().map(pair).collect()
}

/// Prints what a check found, for people or for programs.
pub fn print_findings(source: &Source, checked: &Checked, settings: &Settings) {
    let findings: Vec<_> = checked.diagnostics.iter().chain(&checked.unoffered).cloned().collect();
    print_diagnostics(source, &findings, checked.omitted, settings, output::line);
}

/// The same with any diagnostics, and any way to print a line.
pub fn print_diagnostics(
    source: &Source,
    diagnostics: &[Diagnostic],
    omitted: usize,
    settings: &Settings,
    print: fn(&str),
) {
    if settings.json {
        for diagnostic in diagnostics {
            print(&serde_json::json!(diagnostic).to_string());
        }
        return;
    }
    if diagnostics.is_empty() {
        return;
    }
    let style = Style { color: output::is_terminal() && !settings.plain, ..Style::default() };
    print(render(diagnostics, source, style).trim_end());
    if omitted > 0 {
        print(&format!("and {omitted} more"));
    }
    print("");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_what_has_steps_at_the_top_or_below_schema() {
        let check = |file: &str, text: &str, expected: bool| {
            assert_eq!(has_steps(&Source::from_file(file, text)), expected, "{text}");
        };
        check("a.yaml", "version: 1\nsteps:\n  - {}\n", true);
        check("a.yaml", "'steps' : []\n", true);
        check("a.yaml", "schema:\n  steps: []\n", true);
        check("a.yaml", "{ name: a, steps: [] }", true);
        check("a.yaml", "steps:\n  - [unclosed\n", true);
        check("build.yaml", "jobs:\n  build:\n    steps:\n      - run: make\n", false);
        check("notes.yaml", "text: |\n  next steps: none\nstepsize: 3\n", false);
        check("a.json", r#"{ "name": "a", "steps": [] }"#, true);
        check("a.json", r#"{ "schema": { "steps": [] } }"#, true);
        check("a.json", r#"{ "name": "a", "steps": [ "#, true);
        check("a.json", "// a comment\n{ \"steps\": [] }", true);
        check("package.json", r#"{ "scripts": { "steps": "make" } }"#, false);
    }

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        assert_eq!(read_text("א".repeat(BYTES_MAX / 2).as_bytes()).unwrap().len(), BYTES_MAX);
        let too_large = read_text(io::repeat(b'a')).unwrap_err();
        assert_eq!(too_large.kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_text(&[0xff][..]).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
