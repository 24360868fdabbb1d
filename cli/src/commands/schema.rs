//! `onward schema`: what editors complete documents from.

use std::path::Path;
use std::process::ExitCode;

use crate::database::catalog;
use crate::failure::{Exit, Failure};
use crate::output;

pub fn schema(out: Option<&Path>) -> Result<ExitCode, Failure> {
    let text = format!("{:#}\n", onward_workflows::schema(&catalog()));
    let Some(file) = out else {
        output::text(&text);
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::write(file, text)
        .map_err(|error| Failure::new(Exit::Failed, format!("write {}: {error}", file.display())))?;
    output::hint(&format!("written; a document begins with: # yaml-language-server: $schema={}", file.display()));
    Ok(ExitCode::SUCCESS)
}
