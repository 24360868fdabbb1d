//! `onward deploy`: check here, plan there, ask, apply.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use onward_workflows::{Source, check};
use reqwest::Method;
use serde_json::{Value, json};

use super::plan;
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
    let mut planned = send(settings, &client, &sources, wish.prune, true).await?;
    plan::explain(&client, &sources, &mut planned).await?;
    let changes = plan::rows(&planned).iter().filter(|row| row["action"] != "unchanged").count();
    if !settings.json {
        plan::show(&planned);
        warn(settings, &sources, &mut planned);
    }
    if wish.dry_run || changes == 0 {
        if settings.json {
            output::line(&planned.to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !wish.yes {
        if settings.json {
            output::line(&planned.to_string());
        }
        if !confirm(&client.base)? {
            output::hint("nothing was changed");
            return Ok(Exit::Failed.into());
        }
    }
    let mut done = send(settings, &client, &sources, wish.prune, false).await?;
    plan::carry_over(&planned, &mut done);
    if settings.json {
        output::line(&done.to_string());
    } else {
        if plan::differs(&planned, &done) {
            output::hint("somebody else has deployed meanwhile; this is what was done:");
            plan::show(&done);
        }
        let first = plan::rows(&done).iter().find_map(|row| row["id"].as_str()).unwrap_or("NAME");
        output::hint(&format!("deployed to {}; start one with: onward run {first}", client.base));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server thinks of the documents that it takes.
fn warn(settings: &Settings, sources: &[Source], planned: &mut Value) {
    let rows = planned["workflows"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for (row, source) in rows.iter_mut().zip(sources).filter(|(row, _)| row["action"] != "unchanged") {
        findings::print(settings, std::slice::from_ref(source), row);
    }
}

/// Which step types there are is for the server to say: its workers may have more than this binary knows.
pub fn all_valid(settings: &Settings, sources: &[Source]) -> bool {
    let catalog = catalog().trusting();
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
