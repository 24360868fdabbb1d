//! `onward simulate`: what a changed document would have done with the runs that are recorded.

use std::path::Path;
use std::process::ExitCode;

use onward_workflows::check;
use serde_json::{Value, json};

use crate::client::Client;
use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

/// Differences shown of one run.
const SHOWN_MAX: usize = 8;

pub async fn simulate(settings: &Settings, file: &Path, last: u16) -> Result<ExitCode, Failure> {
    let source = documents::read_one(file)?;
    let checked = check(&source, &catalog());
    let Some(definition) = &checked.definition else {
        documents::print_findings(&source, &checked, settings);
        return Ok(Exit::Invalid.into());
    };
    let client = Client::new(settings)?;
    let body = json!({ "format": source.format.as_str(), "text": source.text, "last": last });
    let answer = client.post("/workflows/simulate", &body).await?;
    let runs = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if settings.json {
        for run in runs {
            output::line(&run.to_string());
        }
    } else {
        for run in runs.iter().filter(|run| run["same"] != true) {
            show(run);
        }
        let same = runs.iter().filter(|run| run["same"] == true).count();
        output::line(&format!("{} of {} runs of {} would go the same way", same, runs.len(), definition.id));
        if runs.is_empty() {
            output::hint("no run of it has ended yet");
        }
    }
    let all_same = runs.iter().all(|run| run["same"] == true);
    Ok(if all_same { ExitCode::SUCCESS } else { Exit::Different.into() })
}

fn show(run: &Value) {
    let text = |field: &str| run[field].as_str().unwrap_or_default();
    let status = |place: usize| run["status"][place].as_str().unwrap_or("still at work");
    output::line(&format!("{}  v{}  {} → {}", text("run"), run["version"], status(0), status(1)));
    if let Some(why) = run["refused"].as_str() {
        output::line(&format!("    its inputs would be refused: {why}"));
    }
    let differences = run["differences"].as_array().map(Vec::as_slice).unwrap_or_default();
    for difference in differences.iter().take(SHOWN_MAX) {
        let path = difference["path"].as_str().unwrap_or_default();
        let line = match difference["change"].as_str().unwrap_or_default() {
            "would_run" => format!("+ {path}   would run"),
            "would_not_run" => format!("- {path}   had run, and would not"),
            "status" => format!("~ {path}   {} → {}", difference["before"], difference["after"]),
            _ => format!("~ {path}   another output"),
        };
        output::line(&format!("    {line}"));
    }
    if differences.len() > SHOWN_MAX {
        output::line(&format!("    and {} more", differences.len() - SHOWN_MAX));
    }
}
