//! What people do to runs: `onward retry`, `onward replay`, and the verbs of `onward runs`.

use std::path::PathBuf;
use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{follow, run};
use crate::arguments::Replay;
use crate::client::Client;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub async fn retry(settings: &Settings, run: &str, only: Option<String>) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    let answer = client.post(&format!("/runs/{run}/retry"), &json!({ "only": only })).await?;
    let again: Vec<&str> = answer["again"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok(tell(settings, &answer, &format!("goes on with {}", again.join(", "))))
}

pub async fn replay(settings: &Settings, wish: Replay) -> Result<ExitCode, Failure> {
    let version = match wish.version.as_str() {
        word @ ("same" | "latest") => json!(word),
        number => json!(number.parse::<u32>().map_err(|_| {
            Failure::new(Exit::Usage, format!("--version {number}: write same, latest or a number"))
        })?),
    };
    let client = Client::new(settings)?;
    let mut body = json!({ "version": version, "from": wish.from });
    if !wish.inputs.is_empty() || wish.inputs_from.is_some() {
        // Those that are given one by one change what there is.
        let known = if wish.inputs_from.is_some() {
            Map::new()
        } else {
            let old = client.get(&format!("/runs/{}", wish.run)).await?;
            old["inputs"].as_object().cloned().unwrap_or_default()
        };
        body["inputs"] = Value::Object(run::read_inputs(known, wish.inputs_from.as_deref(), &wish.inputs)?);
    }
    let answer = client.post(&format!("/runs/{}/replay", wish.run), &body).await;
    let answer = answer.map_err(|failure| run::explain(failure, &wish.inputs))?;
    let new = answer["id"].as_str().unwrap_or_default();
    if wish.follow {
        output::hint(&format!("{new}  replay of {}", answer["replay_of"].as_str().unwrap_or_default()));
        return follow::follow(settings, &client, new, None).await;
    }
    output::line(&if settings.json { answer.to_string() } else { new.to_owned() });
    output::hint(&format!("follow it with: onward runs follow {new}"));
    Ok(ExitCode::SUCCESS)
}

/// What becomes of a step that waits.
pub enum Settling {
    Complete { output: Option<String>, file: Option<PathBuf> },
    Skip,
    Retry,
}

pub async fn settle(
    settings: &Settings,
    client: &Client,
    run: &str,
    path: &str,
    settling: Settling,
) -> Result<ExitCode, Failure> {
    let (verb, body, done) = match settling {
        Settling::Complete { output, file } => {
            let (option, text) = match (output, file) {
                (Some(text), _) => ("--output", text),
                (None, Some(file)) => ("--output-file", documents::read_one(&file)?.text),
                (None, None) => ("--output", "null".to_owned()),
            };
            let output: Value = serde_json::from_str(&text)
                .map_err(|error| Failure::new(Exit::Usage, format!("{option} is no JSON: {error}")))?;
            ("complete", json!({ "output": output }), "is completed")
        }
        Settling::Skip => ("skip", json!({}), "is skipped"),
        Settling::Retry => ("retry", json!({}), "is tried again"),
    };
    let encoded = utf8_percent_encode(path, NON_ALPHANUMERIC);
    let answer = client.post(&format!("/runs/{run}/steps/{encoded}/{verb}"), &body).await?;
    Ok(tell(settings, &answer, &format!("{path} {done}")))
}

pub async fn cancel(
    settings: &Settings,
    client: &Client,
    run: &str,
    reason: Option<String>,
    undo: bool,
) -> Result<ExitCode, Failure> {
    let answer = client.post(&format!("/runs/{run}/cancel"), &json!({ "reason": reason, "undo": undo })).await?;
    let text = match (answer["cancel"].as_str(), undo) {
        (Some("acknowledged"), false) => "canceled: no step of it starts any more",
        (Some("acknowledged"), true) => "canceled: what has succeeded is undone now",
        _ => "asked for; the worker that has it stops within seconds",
    };
    Ok(tell(settings, &answer, text))
}

fn tell(settings: &Settings, answer: &Value, text: &str) -> ExitCode {
    output::line(&if settings.json { answer.to_string() } else { text.to_owned() });
    output::hint(&format!("watch it: onward runs follow {}", answer["id"].as_str().unwrap_or_default()));
    ExitCode::SUCCESS
}
