//! `onward import fang`: the tasks that wait in fang's own table.

use std::process::ExitCode;

use onward_engine::{FangTableError, ImportError, ImportTasks, ImportedTasks, Kinds, database, import_tasks};
use serde_json::json;

use crate::database::open;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

const CONNECTIONS: u32 = 2;
/// Rows that cannot be read and are named.
const NAMED_MAX: usize = 5;

pub fn import(settings: &Settings, from: Option<&str>, minutes: Option<u16>) -> Result<ExitCode, Failure> {
    let cluster = open(settings)?;
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        cluster.migrate().await?;
        let engine = cluster.engine(settings).await?;
        let source = match from {
            Some(url) => {
                let options = database::parse_url(url).map_err(|error| Failure::because(Exit::Usage, error))?;
                let source = database::connect(options, CONNECTIONS).await;
                source.map_err(|error| Failure::because(Exit::Unreachable, error))?
            }
            None => engine.pool().clone(),
        };
        let wish = ImportTasks { in_progress_minutes: minutes.map(i32::from) };
        import_tasks(&engine, &Kinds::default(), &source, wish).await.map_err(failed)
    });
    super::serve::end(runtime, cluster);
    show(settings, &done?);
    Ok(ExitCode::SUCCESS)
}

fn failed(error: ImportError) -> Failure {
    match error {
        ImportError::Table(FangTableError::NoTable) => {
            Failure::because(Exit::NotFound, error).with_hint("--from names the database that has it")
        }
        ImportError::Table(FangTableError::Database(_)) => Failure::because(Exit::Unreachable, error),
        ImportError::Task { .. } => Failure::because(Exit::Failed, error),
    }
}

fn show(settings: &Settings, done: &ImportedTasks) {
    if settings.json {
        output::line(&json!(done).to_string());
        return;
    }
    let tasks = |count: u64| output::plural(usize::try_from(count).unwrap_or(usize::MAX), "task");
    output::line(&format!("imported  {}", tasks(done.imported)));
    for (count, what) in [
        (done.already, "had been imported before"),
        (done.equal, "unique, and an equal one is here and unfinished"),
        (done.in_progress.unsigned_abs(), "left alone: in progress"),
        (done.ended.unsigned_abs(), "left alone: finished or failed"),
        (u64::try_from(done.unreadable.len()).unwrap_or(u64::MAX), "not imported: cannot be read"),
    ] {
        if count > 0 {
            output::line(&format!("          {}  {what}", tasks(count)));
        }
    }
    for id in done.unreadable.iter().take(NAMED_MAX) {
        output::line(&format!("            {id}"));
    }
    if done.in_progress > 0 {
        output::hint(
            "once fang's workers are stopped: --in-progress 10 takes those over that were begun 10 minutes ago",
        );
    }
}
