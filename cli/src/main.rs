//! The binary `onward`: server, worker and command line in one.
//!
//! Every command is a function in `commands/` that takes the settings; this file only parses and chooses.

mod arguments;
mod changes;
mod client;
mod commands;
mod database;
mod documents;
mod failure;
mod findings;
mod keyring;
mod local_time;
mod logging;
mod output;
mod process;
mod prompt;
mod secrets_key;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;
use settings::Settings;

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    if let Command::Events(events) = &mut arguments.command {
        events.take_key(&mut arguments.settings.key);
    }
    let settings = Settings::read(&arguments.settings)?;
    logging::start(&settings, &arguments.command)?;
    commands::run(arguments.command, &settings)
}
