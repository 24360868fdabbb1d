//! `onward validate`: the checker, without a server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use onward_workflows::check;

use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub fn validate(settings: &Settings, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let (sources, catalog) = (documents::read(files)?, catalog());
    let (mut steps, mut broken) = (0, 0);
    for source in &sources {
        let checked = check(source, &catalog);
        documents::print_findings(source, &checked, settings);
        match &checked.definition {
            Some(definition) => steps += definition.steps.len() + definition.on_error.len(),
            None => broken += 1,
        }
    }
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let documents = plural(sources.len(), "document");
    if broken > 0 {
        output::hint(&format!("{broken} of {documents} {} invalid", if broken == 1 { "is" } else { "are" }));
        return Ok(Exit::Invalid.into());
    }
    if !settings.json {
        let millis = began.elapsed().as_millis();
        output::line(&format!("ok  {documents}, {}  {millis} ms", plural(steps, "step")));
    }
    Ok(ExitCode::SUCCESS)
}
