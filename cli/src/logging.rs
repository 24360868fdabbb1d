//! Where the log goes: to standard error, so that standard output stays data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::arguments::Command;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

pub fn start(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let default = match command {
        Command::Serve { .. } | Command::Worker => "info",
        _ => "warn",
    };
    let filter = settings.log.as_deref().unwrap_or(default);
    let filter: EnvFilter = filter.parse().map_err(|error| Failure::because(Exit::Usage, anyhow::Error::new(error)))?;
    let ansi = std::io::stderr().is_terminal() && !settings.plain;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).init();
    tracing::debug!(?settings, "settings");
    Ok(())
}
