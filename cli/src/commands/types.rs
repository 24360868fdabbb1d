//! `onward types`: what a step can be.

use std::process::ExitCode;

use serde_json::json;

use crate::database::catalog;
use crate::output;
use crate::settings::Settings;

pub fn types(settings: &Settings) -> ExitCode {
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
    ExitCode::SUCCESS
}
