//! `onward events`: send, list, show.

use std::path::Path;
use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::runs::read_pages;
use crate::arguments::Events;
use crate::client::Client;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output::{self, plural};
use crate::settings::Settings;

pub async fn events(settings: &Settings, wish: Events) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    match wish {
        Events::Send { name, event_key, data, id } => send(settings, &client, &name, event_key, data, id).await,
        Events::List { name, event_key, since, limit } => {
            let filters = [("name", name), ("key", event_key), ("since", since)];
            let filters = filters.map(|(field, value)| (field, value.into_iter().collect::<Vec<_>>()));
            let rows = read_pages(&client, "/events", &filters, limit).await?;
            Ok(list(settings, rows))
        }
        Events::Show { id } => {
            let event = client.get(&format!("/events/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC))).await?;
            Ok(show(settings, &event))
        }
    }
}

async fn send(
    settings: &Settings,
    client: &Client,
    name: &str,
    key: Option<String>,
    data: Option<String>,
    id: Option<String>,
) -> Result<ExitCode, Failure> {
    let mut event = json!({ "name": name });
    if let Some(data) = data {
        let text = match data.strip_prefix('@') {
            Some(file) => documents::read_one(Path::new(file))?.text,
            None if data == "-" => documents::read_one(Path::new("-"))?.text,
            None => data,
        };
        event["data"] = serde_json::from_str(&text)
            .map_err(|error| Failure::new(Exit::Usage, format!("--data is no JSON: {error}")))?;
    }
    for (field, value) in [("key", key), ("id", id)] {
        if let Some(value) = value {
            event[field] = json!(value);
        }
    }
    let sent = client.post("/events", &event).await?;
    let id = sent["ids"][0].as_str().unwrap_or_default();
    output::line(&if settings.json {
        sent.to_string()
    } else {
        format!("{id}  woke {}, started {}", runs(&sent["woke"]), runs(&sent["started"]))
    });
    output::hint(&format!("what it has done: onward events show {id}"));
    Ok(ExitCode::SUCCESS)
}

fn runs(count: &Value) -> String {
    plural(count.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default(), "run")
}

fn list(settings: &Settings, rows: Vec<Value>) -> ExitCode {
    if settings.json {
        output::objects(&Value::Array(rows));
        return ExitCode::SUCCESS;
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
            let count = |name: &str| event[name].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
            vec![
                text("id"),
                text("name"),
                text("key"),
                output::local(&event["received_at"]),
                count("woke"),
                count("started"),
            ]
        })
        .collect();
    output::table(&["EVENT", "NAME", "KEY", "RECEIVED", "WOKE", "STARTED"], &cells);
    match rows.first().and_then(|event| event["id"].as_str()) {
        Some(id) => output::hint(&format!("one of them: onward events show {id}")),
        None => output::hint("no events; send one with: onward events send NAME"),
    }
    ExitCode::SUCCESS
}

fn show(settings: &Settings, event: &Value) -> ExitCode {
    if settings.json {
        output::line(&event.to_string());
        return ExitCode::SUCCESS;
    }
    let text = |name: &str| event[name].as_str().unwrap_or("-");
    output::line(&format!(
        "{}  {}  key {}  {}",
        text("id"),
        text("name"),
        text("key"),
        output::local(&event["received_at"])
    ));
    output::line(&format!("woke {}, started {}", runs(&event["woke"]), runs(&event["started"])));
    if let Some(run) = event["run_id"].as_str() {
        output::line(&format!("sent by: {run}"));
    }
    let started = event["runs"].as_array().into_iter().flatten();
    let started: Vec<&str> = started
        .filter_map(|run| {
            let id = run["run_id"].as_str()?;
            output::line(&format!("started: {id}  {}", run["workflow"].as_str().unwrap_or_default()));
            Some(id)
        })
        .collect();
    output::line(&format!("data: {}", event["data"]));
    if let Some(run) = started.first() {
        output::hint(&format!("watch it: onward runs follow {run}"));
    }
    ExitCode::SUCCESS
}
