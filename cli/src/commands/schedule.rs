//! `onward schedule`: when what will start by itself.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::arguments::Schedule;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

pub async fn schedule(settings: &Settings, wish: Schedule) -> Result<ExitCode, Failure> {
    let Schedule::Next { workflow, count } = wish;
    let client = Client::new(settings)?;
    let filter =
        workflow.map(|id| format!("&workflow={}", utf8_percent_encode(&id, NON_ALPHANUMERIC))).unwrap_or_default();
    let fires = client.get(&format!("/schedules/next?n={count}{filter}")).await?;
    if settings.json {
        output::objects(&fires["data"]);
        return Ok(ExitCode::SUCCESS);
    }
    let now = now();
    let rows: Vec<Vec<String>> = fires["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|fire| {
            let text = |name: &str| fire[name].as_str().unwrap_or("-").to_owned();
            let until = output::parse(&fire["at"]).map_or(0, |at| (at - now).num_milliseconds());
            vec![
                output::duration(until),
                output::local(&fire["at"]),
                text("at"),
                text("workflow"),
                format!("{} \"{}\" {}", text("trigger_id"), text("schedule"), text("timezone")),
            ]
        })
        .collect();
    output::table(&["IN", "LOCAL", "UTC", "WORKFLOW", "TRIGGER"], &rows);
    if rows.is_empty() {
        output::hint("no cron trigger is enabled");
    }
    Ok(ExitCode::SUCCESS)
}

/// Only to say how far away an instant is; nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "a distance shown to a person on this machine")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
