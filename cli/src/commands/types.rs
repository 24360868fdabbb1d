//! `onward types`: what a step can be, here and, of a server that is named, with the workers that it has.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;

use crate::client::Client;
use crate::database::catalog;
use crate::failure::Failure;
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

pub fn types(settings: &Settings) -> Result<ExitCode, Failure> {
    let catalog = catalog();
    for step_type in catalog.types().iter().filter(|step_type| step_type.built_in) {
        if settings.json {
            let fields: Vec<_> = step_type
                .fields
                .iter()
                .map(|field| json!({ "name": field.name, "kind": field.kind.to_string(), "required": field.required, "summary": field.summary }))
                .collect();
            let row = json!({ "name": step_type.name, "summary": step_type.summary, "fields": fields });
            output::line(&row.to_string());
            continue;
        }
        output::line(&format!("{}  {}", step_type.name, step_type.summary));
        for field in step_type.fields {
            let need = if field.required { "required" } else { "optional" };
            output::line(&format!("    {:18} {need}  {}  ({})", field.name, field.summary, field.kind));
        }
    }
    if settings.server.is_some() {
        for name in runtime()?.block_on(offered(settings))? {
            if catalog.find(&name).is_none_or(|known| !known.built_in) {
                let summary = "Offered by a connected worker.";
                output::line(&if settings.json {
                    json!({ "name": name, "summary": summary, "fields": null }).to_string()
                } else {
                    format!("{name}  {summary}")
                });
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn offered(settings: &Settings) -> Result<BTreeSet<String>, Failure> {
    let workers = Client::new(settings)?.get("/workers").await?;
    let alive = workers["data"].as_array().into_iter().flatten().filter(|worker| worker["alive"] == true);
    let types = alive.flat_map(|worker| worker["step_types"].as_array().into_iter().flatten());
    Ok(types.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}
