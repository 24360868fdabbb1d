//! `onward help`: the help of a command, or a page that belongs to no command.

use std::process::ExitCode;

use clap::CommandFactory;

use super::explain;
use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

const PAGES: [&str; 3] = ["agents", "exit-codes", "environment"];

pub fn help(settings: &Settings, topic: &[String]) -> Result<ExitCode, Failure> {
    if let [page] = topic
        && PAGES.contains(&page.as_str())
    {
        return explain::explain(settings, Some(page));
    }
    let mut command = Arguments::command();
    command.build();
    for word in topic {
        let Some(inner) = command.find_subcommand(word) else {
            let text = format!("there is no command and no page called `{}`", topic.join(" "));
            return Err(Failure::new(Exit::NotFound, text).with_hint(&format!("pages: {}", PAGES.join(", "))));
        };
        command = inner.clone();
    }
    let help = if topic.is_empty() { command.render_help() } else { command.render_long_help() };
    output::text(&help.to_string());
    if topic.is_empty() {
        output::line(&format!("\nPages: onward help {}", PAGES.join(" | ")));
    }
    Ok(ExitCode::SUCCESS)
}
