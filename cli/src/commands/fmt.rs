//! `onward fmt`: one layout for everybody.

use std::path::PathBuf;
use std::process::ExitCode;

use onward_workflows::format;
use serde_json::json;

use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub fn fmt(settings: &Settings, files: &[PathBuf], check: bool) -> Result<ExitCode, Failure> {
    let (mut broken, mut changed) = (0, 0);
    let sources = documents::read(files)?;
    for source in &sources {
        let is_stdin = documents::is_stdin(source);
        let text = match format(source) {
            Ok(text) => text,
            Err(diagnostics) => {
                // Whoever reads the laid out document must not get anything else.
                let print = if is_stdin && !check { output::hint } else { output::line };
                documents::print_diagnostics(source, &diagnostics, 0, settings, print);
                broken += 1;
                continue;
            }
        };
        let is_changed = text != source.text;
        changed += usize::from(is_changed);
        if is_stdin && !check {
            output::text(&text);
            continue;
        }
        if !is_changed {
            continue;
        }
        if !check {
            documents::replace(source, &text)?;
        }
        let changed = json!({ "file": source.file, "written": !check });
        output::line(&if settings.json { changed.to_string() } else { source.file.clone() });
    }
    let documents = output::plural(sources.len(), "document");
    if broken > 0 {
        output::hint(&format!("{broken} of {documents} cannot be laid out"));
    }
    if check && changed > 0 {
        output::hint(&format!("{changed} of {documents} would change; write with: onward fmt"));
    }
    let is_right = broken == 0 && (!check || changed == 0);
    Ok(if is_right { ExitCode::SUCCESS } else { Exit::Invalid.into() })
}
