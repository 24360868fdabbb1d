//! `onward limits`: what keeps steps and runs waiting at this moment.

use std::process::ExitCode;

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

pub async fn limits(settings: &Settings) -> Result<ExitCode, Failure> {
    let page = Client::new(settings)?.get("/limits").await?;
    if settings.json {
        output::objects(&page["data"]);
        return Ok(ExitCode::SUCCESS);
    }
    let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        output::line("no rate is used up, and nobody holds a slot");
    }
    for row in rows {
        output::line(&format!("{:<48}  {}", row["key"].as_str().unwrap_or("?"), told(row)));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(row: &Value) -> String {
    if row["kind"] == "rate" {
        return format!("next {}", output::local(&row["next_at"]));
    }
    format!("{} of {} held, {} waiting", row["held"], row["limit"], row["waiting"])
}
