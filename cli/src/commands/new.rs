//! `onward new`: a workflow from a template, with what an author needs beside it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use onward_workflows::{Source, check, format, slug};
use serde_json::{Value, json};

use crate::database::catalog;
use crate::documents::home_of;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

struct Template {
    name: &'static str,
    title: &'static str,
    text: &'static str,
}

macro_rules! template {
    ($name:literal, $title:literal) => {
        Template { name: $name, title: $title, text: include_str!(concat!("../../templates/", $name, ".yaml")) }
    };
}

const TEMPLATES: [Template; 6] = [
    template!("hello", "one input, one step, one result"),
    template!("cron-report", "a schedule, requests side by side, an alert"),
    template!("webhook", "a request that is checked, handled once and answered"),
    template!("loop", "each item of a list, some at once, past bad ones"),
    template!("approval", "waiting for a person's answer"),
    template!("saga", "effects that are undone when a later one fails"),
];
const AGENTS: (&str, &str) = ("AGENTS.md", include_str!("../../templates/AGENTS.md"));
/// As `onward schema --out` is usually told.
const SCHEMA: &str = "workflow.schema.json";

pub fn new(settings: &Settings, template: Option<&str>, name: Option<&str>) -> Result<ExitCode, Failure> {
    let Some(asked) = template else {
        list(settings);
        return Ok(ExitCode::SUCCESS);
    };
    let template = TEMPLATES.iter().find(|template| template.name == asked).ok_or_else(|| {
        let known = TEMPLATES.map(|template| template.name).join(", ");
        Failure::new(Exit::NotFound, format!("there is no template `{asked}`")).with_hint(&format!("there is {known}"))
    })?;
    let name = name.unwrap_or(template.name);
    let home = home_of(Path::new("."));
    let (id, text) = filled(template, name, schema_beside(&home).as_deref())?;
    let file = home.join(format!("{id}.yaml"));
    let file = file.strip_prefix(".").map(Path::to_owned).unwrap_or(file);
    if !write_new(&file, &text)? {
        return Err(Failure::new(
            Exit::Conflict,
            format!("{} is already there; choose another --name", file.display()),
        ));
    }
    let agents = write_new(Path::new(AGENTS.0), AGENTS.1)?;
    if settings.json {
        let row = json!({ "id": id, "file": file.display().to_string(), "template": template.name, "agents": agents });
        output::line(&row.to_string());
    } else {
        output::line(&format!("  + {}", file.display()));
        if agents {
            output::line(&format!("  + {}", AGENTS.0));
        }
        output::hint(&format!("try it: onward validate {0}, then onward dev, then onward run {id}", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(settings: &Settings) {
    for Template { name, title, .. } in &TEMPLATES {
        output::line(&if settings.json {
            json!({ "name": name, "title": title }).to_string()
        } else {
            format!("  {name:12} {title}")
        });
    }
    if !settings.json {
        output::hint("write one with: onward new TEMPLATE --name NAME");
    }
}

/// The id and the text of the new document.
fn filled(template: &Template, name: &str, schema: Option<&str>) -> Result<(String, String), Failure> {
    let Some(id) = slug(name) else {
        let text = format!("no id can be made from `{name}`; choose a name with Latin letters");
        return Err(Failure::new(Exit::Usage, text));
    };
    let written = format!("name: {}", template.name);
    // The layout takes away quotes that are not needed.
    let mut text = template.text.replacen(&written, &format!("name: {}", Value::from(name)), 1);
    // What the comments say to type.
    for verb in ["run", "schedule next", "trigger"] {
        text = text.replace(&format!("onward {verb} {}", template.name), &format!("onward {verb} {id}"));
    }
    if let Some(schema) = schema {
        text = format!("# yaml-language-server: $schema={schema}\n{text}");
    }
    let source = Source::from_file(format!("{id}.yaml"), text);
    let laid_out = format(&source).unwrap_or_else(|_| source.text.clone());
    let checked = check(&Source { text: laid_out.clone(), ..source }, &catalog());
    match checked.definition {
        Some(definition) if definition.id == id => Ok((id, laid_out)),
        _ => {
            let why = checked.diagnostics.first().map_or("it is not a name", |found| found.message.as_str());
            Err(Failure::new(Exit::Usage, format!("`{name}` cannot be the name of a workflow: {why}")))
        }
    }
}

/// Where the schema is, seen from the documents.
fn schema_beside(home: &Path) -> Option<String> {
    if home.join(SCHEMA).exists() {
        return Some(SCHEMA.to_owned());
    }
    (home != Path::new(".") && PathBuf::from(SCHEMA).exists()).then(|| format!("../{SCHEMA}"))
}

/// False when there is such a file already; it stays as it is.
fn write_new(file: &Path, text: &str) -> Result<bool, Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    match opened.and_then(|mut opened| opened.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Failure::new(Exit::Failed, format!("write {}: {error}", file.display()))),
    }
}
