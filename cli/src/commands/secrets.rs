//! `onward secrets`: values are read from a prompt, standard input or a file, never from the command line, where others
//! could see them.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use onward_engine::SECRET_BYTES_MAX;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::arguments::Secrets;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::prompt;
use crate::settings::Settings;

pub async fn secrets(settings: &Settings, wish: Secrets) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    match wish {
        Secrets::Set { name, file } => {
            let value = read(&name, file.as_deref())?;
            let body = json!({ "value": value.expose_secret() });
            let secret = client.send(Method::PUT, &path(&name), Some(&body), &[]).await?;
            told(settings, &secret, &format!("{name} is set; runs use it within seconds"));
        }
        Secrets::List => list(settings, &client.get("/secrets").await?),
        Secrets::Unset { name } => {
            client.send(Method::DELETE, &path(&name), None, &[]).await?;
            told(settings, &json!({ "name": name }), &format!("{name} is not set any more"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(name: &str) -> String {
    format!("/secrets/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn read(name: &str, file: Option<&Path>) -> Result<SecretString, Failure> {
    let Some(file) = file else {
        return prompt::read_hidden(&format!("Value of {name} (not shown): "), SECRET_BYTES_MAX);
    };
    let text = File::open(file).and_then(|opened| prompt::read_text(opened, SECRET_BYTES_MAX));
    text.map_err(|error| Failure::new(Exit::Usage, format!("read {}: {error}", file.display())))
}

fn told(settings: &Settings, row: &Value, text: &str) {
    output::line(&if settings.json { row.to_string() } else { text.to_owned() });
}

fn list(settings: &Settings, page: &Value) {
    if settings.json {
        output::objects(&page["data"]);
        return;
    }
    let secrets = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<Vec<String>> = secrets
        .iter()
        .map(|secret| {
            let text = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
            let state = if secret["readable"] == true { "good" } else { "sealed with another key" };
            let used: Vec<&str> =
                secret["used_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let used = if used.is_empty() { "-".to_owned() } else { used.join(",") };
            vec![text("name"), state.to_owned(), output::local(&secret["updated_at"]), text("updated_by"), used]
        })
        .collect();
    output::table(&["NAME", "STATE", "SET AT", "SET BY", "USED BY"], &rows);
}
