//! What a server takes: the built `onward serve`, idle, with a loop of 10,000 items, and with 10,000 runs that wait. Its
//! private Postgres is not counted.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use onward_engine::embedded;
use serde_json::json;

use crate::bed::Bed;
use crate::report::Report;

/// Long enough for a few sweeps and heartbeats.
const REST: Duration = Duration::from_secs(5);
/// Over which a server at rest is watched.
const WATCH: Duration = Duration::from_secs(10);
const ITEMS: usize = 10_000;
const WAITING: usize = 10_000;

const LOOP: &str = "
version: 1
name: loop
inputs: { rows: { type: array } }
steps:
  - id: each
    foreach: { in: inputs.rows, as: row, concurrency: 50 }
    steps:
      - { id: line, type: log, config: { message: 'row {{ row.id }}' } }
      - { id: seen, type: value, config: { id: '{{ row.id }}' } }
";
const WAIT: &str = "
version: 1
name: wait
steps:
  - { id: wait, type: wait, config: { for: 24h } }
";

pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find the benchmark")?.with_file_name("onward");
    anyhow::ensure!(program.exists(), "{} is not built; run the benchmark with `make bench`", program.display());
    let folder = tempfile::tempdir().context("make a folder for the server")?;
    let mut server = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .context("start onward serve")?;
    let measured = observe(&mut server, folder.path(), report).await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.id().try_into()?), nix::sys::signal::Signal::SIGTERM)?;
    server.wait().context("wait for the server's end")?;
    measured
}

async fn observe(server: &mut Child, folder: &std::path::Path, report: &mut Report) -> anyhow::Result<()> {
    let output = server.stdout.take().context("the output is piped")?;
    let ready = BufReader::new(output).lines().map_while(Result::ok).any(|line| line.starts_with("ready"));
    anyhow::ensure!(ready, "onward serve ended before it was ready");
    tokio::time::sleep(REST).await;
    report.add("resident memory of an idle `onward serve`", vec![memory(server, "VmRSS")?], "MB");

    // The server's own database: it carries what is started there.
    let database = embedded::start(embedded::Options::new(folder)).context("find the server's Postgres")?;
    let bed = Bed::new(database.connect_options()).await?;
    let idle = transactions(&bed).await?;
    waiting_runs(&bed, server, report, idle).await?;
    big_loop(&bed, server, report).await
}

/// Runs that wait for a day: what they take of the server, and what it asks the database because of them. What it took to
/// start and park the first ones stays with the allocator; what each of them takes shows when as many follow.
async fn waiting_runs(bed: &Bed, server: &Child, report: &mut Report, idle: f64) -> anyhow::Result<()> {
    let version = bed.deploy("wait.yaml", WAIT).await?;
    let parked = [
        ("the same with 10,000 runs that wait 24 h", "select count(*) = 10000 from onward.pending"),
        ("the same with 20,000 such runs", "select count(*) = 20000 from onward.pending"),
    ];
    for (name, all) in parked {
        bed.start(&version, WAITING).await?;
        bed.until(all).await?;
        tokio::time::sleep(REST).await;
        report.add(name, vec![memory(server, "VmRSS")?], "MB");
    }
    report.add("transactions of that server, idle", vec![idle], "a second");
    report.add("the same with those runs", vec![transactions(bed).await?], "a second");
    Ok(())
}

/// One run with a loop of 10,000 items: how long, and the most memory that the server ever had.
async fn big_loop(bed: &Bed, server: &Child, report: &mut Report) -> anyhow::Result<()> {
    let version = bed.deploy("loop.yaml", LOOP).await?;
    let rows: Vec<_> = (0..ITEMS).map(|id| json!({ "id": id, "name": "a row of a loop" })).collect();
    let start = bed.prepare_with(&version, json!({ "rows": rows }))?;
    let (run, began) = (start.run, Instant::now());
    bed.engine.start(start).await?;
    bed.ended(run).await?;
    report.add("a run with a loop of 10,000 items, 50 at once", vec![began.elapsed().as_secs_f64()], "s");
    report.add("peak memory of that server", vec![memory(server, "VmHWM")?], "MB");
    let items = "select count(*) = 10000 from onward.checkpoint where path like 'each[%].line'";
    anyhow::ensure!(bed.holds(items).await?, "the loop has not gone through all its items");
    Ok(())
}

/// What the database counts in ten seconds, a second. Counting is one of them, and the process that counts asks too.
async fn transactions(bed: &Bed) -> anyhow::Result<f64> {
    let before = bed.transactions().await?;
    tokio::time::sleep(WATCH).await;
    let counted = u32::try_from(bed.transactions().await? - before).context("few transactions")?;
    Ok(f64::from(counted) / WATCH.as_secs_f64())
}

fn memory(server: &Child, name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).context("read its status")?;
    let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let text = found.with_context(|| format!("{name} is in its status"))?;
    let kilobytes: f64 = text.trim().trim_end_matches(" kB").parse().context("a number of kB")?;
    Ok(kilobytes / 1024.0)
}
