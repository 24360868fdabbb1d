//! `onward runs`: list, show, follow, cancel.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::follow;
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
            list(settings, &client, &filters, limit).await
        }
        Runs::Show { run } => show(settings, &client, &run).await,
        Runs::Follow { run, timeout } => {
            follow::follow(settings, &client, &run, follow::parse_timeout(timeout.as_deref())?).await
        }
        Runs::Cancel { run, reason } => cancel(settings, &client, &run, reason).await,
    }
}

async fn list(
    settings: &Settings,
    client: &Client,
    filters: &[(&str, Vec<String>)],
    limit: usize,
) -> Result<ExitCode, Failure> {
    let query: Vec<String> = filters
        .iter()
        .flat_map(|(name, values)| {
            values.iter().map(move |value| format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        })
        .collect();
    let (query, mut cursor, mut rows) = (query.concat(), String::new(), Vec::new());
    while rows.len() < limit {
        let size = (limit - rows.len()).min(PAGE);
        let page = client.get(&format!("/runs?limit={size}{query}{cursor}")).await?;
        rows.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if settings.json {
        output::objects(&Value::Array(rows));
        return Ok(ExitCode::SUCCESS);
    }
    let cells: Vec<Vec<String>> = rows.iter().map(row).collect();
    output::table(&["RUN", "WORKFLOW", "VERSION", "STATUS", "STARTED", "TOOK", "ERROR"], &cells);
    match rows.iter().find(|run| run["status"] == "failed").or(rows.first()) {
        Some(run) => output::hint(&format!("one of them: onward runs show {}", run["id"].as_str().unwrap_or_default())),
        None => output::hint("no runs; start one with: onward run NAME"),
    }
    Ok(ExitCode::SUCCESS)
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

/// Why first, then the steps.
async fn show(settings: &Settings, client: &Client, run: &str) -> Result<ExitCode, Failure> {
    let detail = client.get(&format!("/runs/{run}?expand=steps")).await?;
    if settings.json {
        output::line(&detail.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| detail[name].as_str().unwrap_or("-");
    let status = text("status");
    output::line(&format!(
        "{}  {} v{}  {} {status}  {}",
        text("id"),
        text("workflow"),
        detail["version"],
        output::mark(status),
        output::took(&detail["created_at"], &detail["finished_at"]),
    ));
    if let Some(message) = detail["error"]["message"].as_str() {
        let step = detail["error"]["step"].as_str().map(|step| format!("{step}: ")).unwrap_or_default();
        output::line(&format!("why: {step}{message}"));
    }
    for wait in detail["waiting_for"].as_array().into_iter().flatten() {
        let (kind, path) = (wait["kind"].as_str().unwrap_or("-"), wait["path"].as_str().unwrap_or("-"));
        output::line(&format!("waits for: {kind} in {path}, until {}", output::local(&wait["due_at"])));
    }
    for step in detail["steps"].as_array().into_iter().flatten() {
        output::line(&follow::line(step));
    }
    output::line(&format!("inputs: {}", detail["inputs"]));
    if !detail["output"].is_null() {
        output::line(&format!("output: {}", detail["output"]));
    }
    if !["succeeded", "failed", "canceled"].contains(&status) {
        output::hint(&format!("watch it: onward runs follow {}", text("id")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn cancel(settings: &Settings, client: &Client, run: &str, reason: Option<String>) -> Result<ExitCode, Failure> {
    let answer = client.post(&format!("/runs/{run}/cancel"), &json!({ "reason": reason })).await?;
    if settings.json {
        output::line(&answer.to_string());
    } else {
        output::line(match answer["cancel"].as_str() {
            Some("acknowledged") => "canceled: no step of it starts any more",
            _ => "asked for; the worker that has it stops within seconds",
        });
        output::hint(&format!("watch it: onward runs follow {}", answer["id"].as_str().unwrap_or(run)));
    }
    Ok(ExitCode::SUCCESS)
}
