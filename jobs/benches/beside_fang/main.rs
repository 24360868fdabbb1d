//! The same tasks on fang's own queue and on Onward, side by side: a private Postgres with its default durability, as many
//! workers each, and figures.
//!
//! `beside_fang [--quick] [--workers N]` prints a table; there are eight workers unless told otherwise. Tasks are enqueued first and then carried out by one process. In the second
//! part that process is killed in the middle and started again.

mod contestant;
mod killed;
mod ledger;
mod speed;
mod tasks;

use std::process::ExitCode;

use anyhow::{Context, bail};

use contestant::Contestant;

const WORKERS: u32 = 8;

/// How much is measured, and with how many workers.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub quick: bool,
    pub workers: u32,
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("beside_fang: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // How this program starts itself, to be killed.
    if let ["work", name, workers, url] = words.as_slice() {
        let contestant = Contestant::find(name).context("no such contestant")?;
        return killed::work(contestant, workers.parse()?, url);
    }
    let mut extent = Extent { quick: false, workers: WORKERS };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            "--quick" => extent.quick = true,
            "--workers" => extent.workers = words.next().context("how many?")?.parse()?,
            // Cargo says so by itself.
            "--bench" => {}
            _ => bail!("`beside_fang [--quick] [--workers N]`"),
        }
    }
    measure(extent)
}

fn measure(extent: Extent) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the database")?;
    let server = onward_engine::embedded::start(onward_engine::embedded::Options::new(folder.path()))
        .context("start a private Postgres")?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "debug build: NOT A FIGURE TO QUOTE" } else { "release build" };
    let short = if extent.quick { ", --quick: NOT A FIGURE TO QUOTE" } else { "" };
    println!(
        "PostgreSQL {}, fsync and synchronous_commit on, {cores} cores for everything, {} workers each, {build}{short}\n",
        server.report().version,
        extent.workers
    );
    let options = server.connect_options();
    speed::measure(&options, extent)?;
    killed::measure(&options, folder.path(), extent)?;
    server.stop();
    Ok(())
}
