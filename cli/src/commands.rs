//! The commands, one file each.

mod deploy;
mod dev;
mod diff;
mod doctor;
mod eval;
mod events;
mod explain;
mod fmt;
mod follow;
mod graph;
mod help;
mod import;
mod import_tasks;
mod keys;
mod limits;
mod migrate;
mod new;
mod operate;
mod plan;
mod run;
mod runs;
mod schedule;
mod schema;
mod secrets;
mod serve;
mod simulate;
mod simulated;
mod test;
mod trigger;
mod types;
mod validate;
mod watch;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::arguments::{Arguments, Author, Command};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

pub fn run(command: Command, settings: &Settings) -> Result<ExitCode, Failure> {
    match command {
        Command::Dev { folder, once, live } => dev::dev(settings, &folder, once, &live),
        Command::Serve { no_worker } => serve::serve(settings, !no_worker),
        Command::Worker => serve::worker(settings),
        Command::Migrate { action } => migrate::migrate(settings, action),
        Command::Validate { files, fix, any_fix, watch } => {
            validate::validate(settings, &validate::Wish { files, fix, any_fix, watch })
        }
        Command::Fmt { files, check } => fmt::fmt(settings, &files, check),
        Command::Author(wish) => author(settings, wish),
        Command::Types => types::types(settings),
        Command::Help { topic } => help::help(settings, &topic),
        Command::Version => {
            version(settings);
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain { topic } => explain::explain(settings, topic.as_deref()),
        Command::Graph { file, format } => graph::draw(settings, &file, &format),
        Command::Test { files, filter } => test::test(settings, &files, filter.as_deref()),
        Command::Eval { expression, data, run, inputs } => {
            eval::eval(settings, eval::Wish { expression, data, run, inputs })
        }
        Command::Keys(keys) => keys::keys(settings, keys),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "onward", &mut script);
            output::text(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor { probe } => doctor::doctor(settings, probe.as_deref()),
        Command::Deploy { files, yes, dry_run, prune } => {
            let wish = deploy::Wish { files, yes, dry_run, prune };
            runtime()?.block_on(deploy::deploy(settings, wish))
        }
        Command::Simulate { file, last } => runtime()?.block_on(simulate::simulate(settings, &file, last)),
        Command::Run { workflow, inputs, inputs_from, detach, timeout } => {
            let wish = run::Wish { workflow, inputs, inputs_from, detach, timeout };
            runtime()?.block_on(run::run(settings, wish))
        }
        Command::Trigger { endpoint, data, idempotency_key, wait } => {
            let wish = trigger::Wish { endpoint, data, idempotency_key, wait };
            runtime()?.block_on(trigger::trigger(settings, wish))
        }
        Command::Runs(wish) => runtime()?.block_on(runs::runs(settings, wish)),
        Command::Secrets(wish) => runtime()?.block_on(secrets::secrets(settings, wish)),
        Command::Retry { run, only } => runtime()?.block_on(operate::retry(settings, &run, only)),
        Command::Replay(wish) => runtime()?.block_on(operate::replay(settings, wish)),
        Command::Events(wish) => runtime()?.block_on(events::events(settings, wish)),
        Command::Limits => runtime()?.block_on(limits::limits(settings)),
        Command::Schedule(wish) => runtime()?.block_on(schedule::schedule(settings, wish)),
    }
}

fn author(settings: &Settings, wish: Author) -> Result<ExitCode, Failure> {
    match wish {
        Author::New { template, name } => new::new(settings, template.as_deref(), name.as_deref()),
        Author::Diff { files, exit_code } => runtime()?.block_on(diff::diff(settings, &files, exit_code)),
        Author::Import { system, file, from, in_progress, out, format } => match file {
            Some(file) if system == "visapi" => import::import(settings, &file, out.as_deref(), &format),
            Some(_) => {
                Err(Failure::new(Exit::Usage, "fang has no documents: it is `onward import fang`, without a file"))
            }
            None => import_tasks::import(settings, from.as_deref(), in_progress),
        },
        Author::Schema { out } => schema::schema(out.as_deref()),
    }
}

fn version(settings: &Settings) {
    let version = env!("CARGO_PKG_VERSION");
    output::line(&if settings.json {
        serde_json::json!({ "version": version }).to_string()
    } else {
        format!("onward {version}")
    });
}
