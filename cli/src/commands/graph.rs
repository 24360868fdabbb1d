//! `onward graph`: the steps of one document as a picture.

use std::path::Path;
use std::process::ExitCode;

use onward_workflows::{GraphFormat, check, graph};
use serde_json::json;

use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub fn draw(settings: &Settings, file: &Path, format: &str) -> Result<ExitCode, Failure> {
    let source = documents::read_one(file)?;
    let checked = check(&source, &catalog());
    let Some(definition) = &checked.definition else {
        documents::print_findings(&source, &checked, settings);
        output::hint("the document is invalid, so there is nothing to draw");
        return Ok(Exit::Invalid.into());
    };
    let kind = match format {
        "mermaid" => GraphFormat::Mermaid,
        "svg" => GraphFormat::Svg,
        _ => GraphFormat::Text,
    };
    let picture = graph(definition, kind);
    output::line(&if settings.json {
        json!({ "workflow": definition.id, "format": format, "graph": picture }).to_string()
    } else {
        picture.trim_end().to_owned()
    });
    Ok(ExitCode::SUCCESS)
}
