//! `onward diff`: what a deploy would change.

use std::path::PathBuf;
use std::process::ExitCode;

use onward_workflows::{Source, check};
use serde_json::json;

use super::{deploy, plan};
use crate::client::Client;
use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub async fn diff(settings: &Settings, files: &[PathBuf], exit_code: bool) -> Result<ExitCode, Failure> {
    let sources = documents::read(files)?;
    if !deploy::all_valid(settings, &sources) {
        return Ok(Exit::Invalid.into());
    }
    let client = Client::new(settings)?;
    let mut different = 0;
    for source in &sources {
        different += usize::from(compare(settings, &client, source).await?);
    }
    if different == 0 && !settings.json {
        output::hint(&format!("no differences from {}", client.base));
    }
    Ok(if exit_code && different > 0 { Exit::Different.into() } else { ExitCode::SUCCESS })
}

/// Whether a deploy would change something.
async fn compare(settings: &Settings, client: &Client, source: &Source) -> Result<bool, Failure> {
    let Some(definition) = check(source, &catalog()).definition else { return Ok(false) };
    let id = &definition.id;
    let Some(stored) = plan::find(client, id).await? else {
        if settings.json {
            output::line(&json!({ "id": id, "action": "created", "changes": [] }).to_string());
        } else {
            output::line(&format!("  + {id:24} new"));
        }
        return Ok(true);
    };
    let changes = stored.changes(source);
    let is_switched = stored.enabled != definition.enabled;
    let is_different = !stored.is(source) || is_switched;
    let version = stored.version;
    if settings.json {
        let action = if is_different { "updated" } else { "unchanged" };
        let row = json!({ "id": id, "action": action, "version": version, "enabled": definition.enabled, "changes": changes });
        output::line(&row.to_string());
        return Ok(is_different);
    }
    if !is_different {
        output::line(&format!("  = {id:24} v{version}, unchanged"));
        return Ok(false);
    }
    output::line(&format!("  ~ {id:24} v{version}"));
    if is_switched {
        let now = if definition.enabled { "on" } else { "off" };
        output::line(&format!("      ~ switched {now}"));
    }
    if !stored.is(source) {
        plan::show_changes(&changes);
    }
    Ok(true)
}
