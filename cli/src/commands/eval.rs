//! `onward eval`: one expression or template, tried out over a file or over the data of a run.

use std::path::PathBuf;
use std::process::ExitCode;

use onward_workflows::{Format, Source, Style, evaluate, parse_data, render};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::local_time;
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

pub struct Wish {
    pub expression: String,
    pub data: Option<PathBuf>,
    pub run: Option<String>,
    pub inputs: Vec<String>,
}

pub fn eval(settings: &Settings, wish: Wish) -> Result<ExitCode, Failure> {
    let style = Style { color: output::is_terminal() && !settings.plain, ..Style::default() };
    let mut roots = match (&wish.data, &wish.run) {
        (None, None) => Map::new(),
        (None, Some(run)) => runtime()?.block_on(names_of(settings, run))?,
        (Some(file), _) => {
            let source = documents::read_one(file)?;
            match parse_data(&source) {
                Ok(Value::Object(roots)) => roots,
                Ok(_) => {
                    let text = format!("{}: a map from names (inputs, steps, item, …) to values", source.file);
                    return Err(Failure::new(Exit::Usage, text));
                }
                Err(findings) => {
                    eprintln!("{}", render(&findings, &source, style).trim_end());
                    return Ok(Exit::Failed.into());
                }
            }
        }
    };
    let inputs = documents::pairs(&wish.inputs)?;
    if !inputs.is_empty() {
        match roots.entry("inputs").or_insert_with(|| json!({})) {
            Value::Object(known) => known.extend(inputs),
            other => *other = Value::Object(inputs),
        }
    }
    let source = Source::new("<expression>", wish.expression, Format::Yaml);
    match evaluate(&source, &roots, local_time::now()) {
        Ok(Value::String(text)) if !settings.json => output::line(&text),
        Ok(value) => output::line(&value.to_string()),
        Err(finding) if settings.json => {
            output::line(&json!(finding).to_string());
            return Ok(Exit::Failed.into());
        }
        Err(finding) => {
            eprintln!("{}", render(&[*finding], &source, style).trim_end());
            return Ok(Exit::Failed.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn names_of(settings: &Settings, run: &str) -> Result<Map<String, Value>, Failure> {
    let mut detail = Client::new(settings)?.get(&format!("/runs/{run}?expand=names")).await?;
    match detail["names"].take() {
        Value::Object(names) => Ok(names),
        _ => Err(Failure::new(Exit::Failed, "the server does not tell a run's names; it is older than this program")),
    }
}
