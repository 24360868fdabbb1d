//! `onward runs`: list, show, follow, and what people do to runs.

mod show;
mod step;

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::operate::Settling;
use super::{follow, operate};
use crate::arguments::Runs;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

const PAGE: usize = 200;

pub async fn runs(settings: &Settings, wish: Runs) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    match wish {
        Runs::List { status, workflow, since, limit } => {
            let filters = [("status", status), ("workflow", workflow), ("since", since.into_iter().collect())];
            Ok(list(settings, read_pages(&client, "/runs", &filters, limit).await?))
        }
        Runs::Show { run, step: None } => show::show(settings, &client, &run).await,
        Runs::Show { run, step: Some(path) } => step::show(settings, &client, &run, &path).await,
        Runs::Follow { run, timeout } => {
            follow::follow(settings, &client, &run, follow::parse_timeout(timeout.as_deref())?).await
        }
        Runs::Cancel { run, reason, undo } => operate::cancel(settings, &client, &run, reason, undo).await,
        Runs::Complete { run, path, output, output_file } => {
            let settling = Settling::Complete { output, file: output_file };
            operate::settle(settings, &client, &run, &path, settling).await
        }
        Runs::Skip { run, path } => operate::settle(settings, &client, &run, &path, Settling::Skip).await,
        Runs::RetryStep { run, path } => operate::settle(settings, &client, &run, &path, Settling::Retry).await,
    }
}

/// Rows of a list, page after page.
pub async fn read_pages(
    client: &Client,
    path: &str,
    filters: &[(&str, Vec<String>)],
    limit: usize,
) -> Result<Vec<Value>, Failure> {
    let query: Vec<String> = filters
        .iter()
        .flat_map(|(name, values)| {
            values.iter().map(move |value| format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        })
        .collect();
    let (query, mut cursor, mut rows) = (query.concat(), String::new(), Vec::new());
    while rows.len() < limit {
        let size = (limit - rows.len()).min(PAGE);
        let page = client.get(&format!("{path}?limit={size}{query}{cursor}")).await?;
        rows.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(rows)
}

fn list(settings: &Settings, rows: Vec<Value>) -> ExitCode {
    if settings.json {
        output::objects(&Value::Array(rows));
        return ExitCode::SUCCESS;
    }
    let cells: Vec<Vec<String>> = rows.iter().map(row).collect();
    output::table(&["RUN", "WORKFLOW", "VERSION", "STATUS", "STARTED", "TOOK", "ERROR"], &cells);
    match rows.iter().find(|run| run["status"] == "failed").or(rows.first()) {
        Some(run) => output::hint(&format!("one of them: onward runs show {}", run["id"].as_str().unwrap_or_default())),
        None => output::hint("no runs; start one with: onward run NAME"),
    }
    ExitCode::SUCCESS
}

fn row(run: &Value) -> Vec<String> {
    let text = |name: &str| run[name].as_str().unwrap_or("-").to_owned();
    let status = text("status");
    let error = run["error"]["message"].as_str().and_then(|message| message.lines().next()).unwrap_or_default();
    vec![
        text("id"),
        text("workflow"),
        format!("v{}", run["version"]),
        format!("{} {status}", output::mark(&status)),
        output::local(&run["created_at"]),
        output::took(&run["created_at"], &run["finished_at"]),
        error.to_owned(),
    ]
}
