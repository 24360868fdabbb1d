//! Holds the private server of a folder, for tests that kill its owner: `hold_postgres FOLDER`. Reads lines: `ensure`
//! makes sure that the server runs; the end of the input stops it.

use std::io::BufRead;

use anyhow::Context;
use onward_engine::embedded::{Options, start};

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("which folder?")?;
    let server = start(Options::new(folder)).context("start Postgres")?;
    let report = server.report();
    println!("created={} adopted={}", report.created, report.adopted);
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "ensure" => println!("{:?}", server.ensure()?),
            other => anyhow::bail!("what is {other}?"),
        }
    }
    server.stop();
    println!("stopped");
    Ok(())
}
