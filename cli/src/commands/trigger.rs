//! `onward trigger`: the call of an outside service.

use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::follow;
use crate::client::Client;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub struct Wish {
    pub endpoint: String,
    pub data: String,
    pub idempotency_key: Option<String>,
    pub wait: bool,
}

pub async fn trigger(settings: &Settings, wish: Wish) -> Result<ExitCode, Failure> {
    let text = match wish.data.strip_prefix('@') {
        Some(file) => documents::read_one(Path::new(file))?.text,
        None => wish.data.clone(),
    };
    let body: Value =
        serde_json::from_str(&text).map_err(|error| Failure::new(Exit::Usage, format!("--data: {error}")))?;
    let client = Client::new(settings)?;
    let headers: Vec<(&str, &str)> = wish.idempotency_key.iter().map(|key| ("idempotency-key", key.as_str())).collect();
    let answer = client.send(Method::POST, &format!("/triggers/{}", wish.endpoint), Some(&body), &headers).await?;
    // The document may answer in words of its own, or not want the request.
    let Some(run) = answer["run_id"].as_str().map(str::to_owned) else {
        output::line(&answer.to_string());
        output::hint("what it has started: onward runs list -n 1");
        return Ok(ExitCode::SUCCESS);
    };
    if wish.wait {
        return follow::follow(settings, &client, &run, None).await;
    }
    output::line(&if settings.json {
        answer.to_string()
    } else {
        format!("{}  {run}", answer["status"].as_str().unwrap_or_default())
    });
    output::hint(&format!("follow it with: onward runs follow {run}"));
    Ok(ExitCode::SUCCESS)
}
