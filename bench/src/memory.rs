//! What an idle server takes: the built `onward serve`, with a private Postgres that is not counted.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::report::Report;

/// Long enough for a few sweeps and heartbeats.
const REST: Duration = Duration::from_secs(5);

pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find the benchmark")?.with_file_name("onward");
    anyhow::ensure!(program.exists(), "{} is not built; run the benchmark with `make bench`", program.display());
    let folder = tempfile::tempdir().context("make a folder for the server")?;
    let mut server = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .context("start onward serve")?;
    let measured = at_rest(&mut server);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.id().try_into()?), nix::sys::signal::Signal::SIGTERM)?;
    server.wait().context("wait for the server's end")?;
    report.add("resident memory of an idle `onward serve`", vec![measured?], "MB");
    Ok(())
}

fn at_rest(server: &mut Child) -> anyhow::Result<f64> {
    let output = server.stdout.take().context("the output is piped")?;
    let ready = BufReader::new(output).lines().map_while(Result::ok).any(|line| line.starts_with("ready"));
    anyhow::ensure!(ready, "onward serve ended before it was ready");
    std::thread::sleep(REST);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).context("read its status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("its resident memory is there")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().context("a number of kB")?;
    Ok(kilobytes / 1024.0)
}
