//! `onward run`: start a run and follow it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::{deploy, follow};
use crate::client::Client;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub struct Wish {
    pub workflow: String,
    pub inputs: Vec<String>,
    pub inputs_from: Option<PathBuf>,
    pub detach: bool,
    pub timeout: Option<String>,
}

pub async fn run(settings: &Settings, wish: Wish) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    let timeout = follow::parse_timeout(wish.timeout.as_deref())?;
    let inputs = Value::Object(read_inputs(Map::new(), wish.inputs_from.as_deref(), &wish.inputs)?);
    let workflow = if is_file(&wish.workflow) {
        deploy_file(settings, &client, &wish.workflow).await?
    } else {
        wish.workflow.clone()
    };
    let started = client.post(&format!("/workflows/{workflow}/runs"), &json!({ "inputs": inputs })).await;
    let started = started.map_err(|failure| explain(failure, &wish.inputs))?;
    let run = started["id"].as_str().unwrap_or_default().to_owned();
    if wish.detach {
        output::line(&if settings.json { started.to_string() } else { run.clone() });
        output::hint(&format!("follow it with: onward runs follow {run}"));
        return Ok(ExitCode::SUCCESS);
    }
    output::hint(&format!("{run}  {workflow}  {}/api/v1/runs/{run}", client.base));
    follow::follow(settings, &client, &run, timeout).await
}

fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ["json", "yaml", "yml"].iter().any(|known| ending == *known))
}

async fn deploy_file(settings: &Settings, client: &Client, file: &str) -> Result<String, Failure> {
    let source = documents::read_one(Path::new(file))?;
    let deployed = deploy::send(settings, client, std::slice::from_ref(&source), false, false).await?;
    let id = deployed["workflows"][0]["id"].as_str();
    id.map(str::to_owned).ok_or_else(|| Failure::new(Exit::Failed, "the server does not say what it deployed"))
}

/// What is known, or a file's inputs, then those given one by one.
pub fn read_inputs(
    known: Map<String, Value>,
    file: Option<&Path>,
    given: &[String],
) -> Result<Map<String, Value>, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let mut inputs = match file {
        None => known,
        Some(file) => {
            let text = documents::read_one(file)?.text;
            match serde_json::from_str(&text) {
                Ok(Value::Object(inputs)) => inputs,
                Ok(_) => return Err(usage(format!("{}: inputs are a JSON object", file.display()))),
                Err(error) => return Err(usage(format!("{}: {error}", file.display()))),
            }
        }
    };
    inputs.extend(documents::pairs(given)?);
    Ok(inputs)
}

/// `-i code=5` is a number, which is the commonest way to miss an input that is a text.
pub fn explain(failure: Failure, given: &[String]) -> Failure {
    let text = failure.text();
    let missed = given.iter().filter_map(|given| given.split_once('=')).find(|(name, _)| {
        text.lines().any(|line| line.contains(&format!("/{name}: ")) && line.contains("is not of type \"string\""))
    });
    match missed {
        Some((name, value)) => failure.with_hint(&format!("for a text write -i '{name}=\"{value}\"'")),
        None => failure,
    }
}
