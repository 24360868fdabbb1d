//! `onward migrate`.

use std::process::ExitCode;

use onward_engine::MIGRATOR;
use onward_engine::database::applied_migrations;
use serde_json::json;

use crate::arguments::Migrate;
use crate::database;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

pub fn migrate(settings: &Settings, action: Option<Migrate>) -> Result<ExitCode, Failure> {
    let cluster = database::open(settings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        if action.unwrap_or(Migrate::Up) == Migrate::Up {
            cluster.migrate().await?;
        }
        let applied =
            applied_migrations(cluster.options()).await.map_err(|error| Failure::because(Exit::Unreachable, error))?;
        for migration in MIGRATOR.iter() {
            let done = applied.contains(&migration.version);
            if settings.json {
                let row =
                    json!({ "version": migration.version, "description": migration.description, "applied": done });
                output::line(&row.to_string());
            } else {
                output::line(&format!(
                    "{} {:04} {}",
                    if done { "✓" } else { "○" },
                    migration.version,
                    migration.description
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    });
    super::serve::end(runtime, cluster);
    code
}
