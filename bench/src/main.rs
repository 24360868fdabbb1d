//! The benchmark: a private Postgres with its default durability, our own engine and worker in one process, and figures.
//!
//! `onward-bench [--quick]` prints a table; every figure is the median of several rounds, with the spread beside it.

mod bed;
mod drain;
mod durable;
mod latency;
mod memory;
mod report;

use std::process::ExitCode;

use anyhow::Context;

use bed::Bed;
use report::Report;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("onward-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> anyhow::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let folder = tempfile::tempdir().context("make a folder for the database")?;
    let server = onward_engine::embedded::start(onward_engine::embedded::Options::new(folder.path()))
        .context("start a private Postgres")?;
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    let mut report = Report::new(&server.report().version.to_string(), quick);
    runtime.block_on(async {
        let bed = Bed::new(server.connect_options()).await?;
        let rounds = if quick { 1 } else { 5 };
        drain::measure(&bed, &mut report, rounds, if quick { 5_000 } else { 50_000 }).await?;
        durable::measure(&bed, &mut report, rounds, if quick { 400 } else { 4_000 }).await?;
        latency::measure(&bed, &mut report, rounds, if quick { 50 } else { 200 }).await?;
        memory::measure(&mut report).await
    })?;
    report.print();
    drop(runtime);
    server.stop();
    Ok(())
}
