//! One step of a run, with all that is known of it.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::Client;
use crate::failure::Failure;
use crate::findings;
use crate::output;
use crate::settings::Settings;

pub async fn show(settings: &Settings, client: &Client, run: &str, path: &str) -> Result<ExitCode, Failure> {
    let encoded = utf8_percent_encode(path, NON_ALPHANUMERIC);
    let step = client.get(&format!("/runs/{run}/steps/{encoded}")).await?;
    if settings.json {
        output::line(&step.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| step[name].as_str().unwrap_or("-");
    let status = text("status");
    output::line(&format!(
        "{path}  {}  {} {status}  {}",
        text("type"),
        output::mark(status),
        output::took(&step["started_at"], &step["finished_at"]),
    ));
    let attempts = step["attempts"].as_u64().and_then(|attempts| usize::try_from(attempts).ok()).unwrap_or_default();
    output::line(&output::plural(attempts, "attempt"));
    if step["items"].is_object() {
        output::line(&format!("items: {}", step["items"]));
    }
    if step["waits_until"].is_string() {
        output::line(&format!("waits until {}", output::local(&step["waits_until"])));
    }
    if let Some(shown) = findings::of_run(settings, &step) {
        output::line(&shown);
    } else if let Some(message) = step["error"]["message"].as_str() {
        let kind = step["error"]["kind"].as_str().unwrap_or("-");
        output::line(&format!("error: {kind}: {message}"));
        if !step["error"]["details"].is_null() {
            output::line(&format!("details: {}", step["error"]["details"]));
        }
    }
    if step["handled"] == true {
        output::line("its handler made up for it");
    }
    if !step["output"].is_null() {
        let output = serde_json::to_string_pretty(&step["output"]).unwrap_or_default();
        output::line(&format!("output: {output}"));
    }
    Ok(ExitCode::SUCCESS)
}
