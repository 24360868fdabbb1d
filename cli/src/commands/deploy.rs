//! `onward deploy`: check here, plan there, ask, apply.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use onward_workflows::{Source, check};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::findings;
use crate::output;
use crate::settings::Settings;

pub struct Wish {
    pub files: Vec<PathBuf>,
    pub yes: bool,
    pub dry_run: bool,
    pub prune: bool,
}

pub async fn deploy(settings: &Settings, wish: Wish) -> Result<ExitCode, Failure> {
    let sources = documents::read(&wish.files)?;
    if !all_valid(settings, &sources) {
        return Ok(Exit::Invalid.into());
    }
    let client = Client::new(settings)?;
    let plan = send(settings, &client, &sources, wish.prune, true).await?;
    let changes = rows(&plan).iter().filter(|row| row["action"] != "unchanged").count();
    if wish.dry_run || changes == 0 {
        show(settings, &plan);
        return Ok(ExitCode::SUCCESS);
    }
    if !wish.yes {
        show(settings, &plan);
        if !confirm(&client.base)? {
            output::hint("nothing was changed");
            return Ok(Exit::Failed.into());
        }
    }
    let done = send(settings, &client, &sources, wish.prune, false).await?;
    if settings.json || wish.yes {
        show(settings, &done);
    }
    if !settings.json {
        let first = rows(&done).iter().find_map(|row| row["id"].as_str()).unwrap_or("NAME");
        output::hint(&format!("deployed to {}; start one with: onward run {first}", client.base));
    }
    Ok(ExitCode::SUCCESS)
}

fn all_valid(settings: &Settings, sources: &[Source]) -> bool {
    let catalog = catalog();
    let mut valid = true;
    for source in sources {
        let checked = check(source, &catalog);
        if !checked.is_valid() {
            documents::print_findings(source, &checked, settings);
            valid = false;
        }
    }
    valid
}

/// What is wrong on the server's side is printed like what is wrong here.
pub async fn send(
    settings: &Settings,
    client: &Client,
    sources: &[Source],
    prune: bool,
    dry_run: bool,
) -> Result<Value, Failure> {
    let documents: Vec<Value> = sources
        .iter()
        .map(|source| json!({ "file": source.file, "format": source.format.as_str(), "text": source.text }))
        .collect();
    let body = json!({ "documents": documents, "prune": prune, "dry_run": dry_run });
    let (status, mut answer) = client.exchange(Method::POST, "/workflows/deploy", Some(&body), &[]).await?;
    if status.is_success() {
        return Ok(answer);
    }
    findings::print(settings, sources, &mut answer);
    Err(client.refused(status, &answer))
}

fn rows(deployed: &Value) -> &[Value] {
    deployed["workflows"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn show(settings: &Settings, deployed: &Value) {
    if settings.json {
        output::line(&deployed.to_string());
        return;
    }
    for row in rows(deployed) {
        let id = row["id"].as_str().unwrap_or_default();
        let (sign, what) = match row["action"].as_str() {
            Some("created") => ("+", format!("v{}, new", row["version"])),
            Some("updated") => ("~", format!("v{} → v{}", row["previous_version"], row["version"])),
            Some("removed") => ("-", "switched off".to_owned()),
            _ => ("=", format!("v{}, unchanged", row["version"])),
        };
        output::line(format!("  {sign} {id:24} {what:18} {}", triggers(row)).trim_end());
    }
    match deployed["secrets"].as_array().map_or(0, Vec::len) {
        0 => {}
        1 => output::line("  secrets: the one that is declared is set"),
        count => output::line(&format!("  secrets: all {count} are set")),
    }
}

/// What starts a workflow, in a few words.
pub fn triggers(row: &Value) -> String {
    let shown: Vec<String> = row["triggers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|trigger| match trigger["type"].as_str().or(trigger["kind"].as_str()) {
            Some("cron") => {
                format!(
                    "cron {} {}, next {}",
                    text(trigger, "schedule"),
                    text(trigger, "timezone"),
                    output::local(&trigger["next_at"])
                )
            }
            Some("webhook") => format!("POST /api/v1/triggers/{}", text(trigger, "endpoint")),
            Some(other) => other.to_owned(),
            None => String::new(),
        })
        .collect();
    shown.join(", ")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// Asks on a terminal; refuses elsewhere, because nobody would answer.
pub fn confirm(server: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "this changes a server and nobody can be asked; say --yes"));
    }
    eprint!("Apply to {server}? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::because(Exit::Failed, error))?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
