//! `onward validate --watch`: the same again whenever something changes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use onward_workflows::Source;
use tokio::signal::unix::{SignalKind, signal};

use super::Tally;
use crate::changes::Changes;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

/// Checks now and after each change until Ctrl-C.
pub async fn watch(settings: &Settings, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    if files.iter().any(|file| documents::is_stdin_argument(file)) {
        return Err(Failure::new(Exit::Usage, "standard input cannot be watched"));
    }
    let mut interrupts = signal(SignalKind::interrupt()).map_err(|error| Failure::because(Exit::Failed, error))?;
    let mut changes = Changes::of(&folders(files));
    let mut seen = documents::read(files)?;
    check(settings, &seen);
    output::hint("watching; Ctrl-C ends it");
    loop {
        tokio::select! {
            () = changes.next() => {}
            _ = interrupts.recv() => return Ok(Exit::Interrupted.into()),
        }
        // A file may be away for a moment, while an editor puts a new one in its place.
        let Ok(sources) = documents::read(files) else { continue };
        if sources == seen {
            continue;
        }
        for source in sources.iter().filter(|source| !seen.contains(source)) {
            output::hint(&format!("changed  {}", source.file));
        }
        seen = sources;
        check(settings, &seen);
    }
}

fn check(settings: &Settings, sources: &[Source]) {
    let began = Instant::now();
    let mut tally = Tally::default();
    tally.check(settings, sources);
    tally.sum_up(settings, began, output::line);
}

/// Where the files lie: a file that is replaced would be lost sight of.
fn folders(files: &[PathBuf]) -> Vec<PathBuf> {
    let folder = |file: &PathBuf| match file {
        file if file.is_dir() => documents::home_of(file),
        file => match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        },
    };
    let mut folders: Vec<PathBuf> = files.iter().map(folder).collect();
    if files.is_empty() {
        folders.push(documents::home_of(Path::new(".")));
    }
    folders.sort();
    folders.dedup();
    folders
}
