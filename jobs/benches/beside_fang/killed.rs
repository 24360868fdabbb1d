//! What becomes of tasks when the process that carries them out is killed in the middle.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Runtime;

use crate::Extent;
use crate::contestant::Contestant;
use crate::ledger;
use crate::tasks::Written;

/// Nothing has happened for so long: nothing will. Onward's lease is ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const TASK_MILLIS: u64 = 5;

/// The workers of one process, until it is killed.
pub fn work(contestant: Contestant, workers: u32, url: &str) -> anyhow::Result<()> {
    Runtime::new()?.block_on(async {
        contestant.work(url, workers).await?;
        std::future::pending::<anyhow::Result<()>>().await
    })
}

pub fn measure(server: &PgConnectOptions, folder: &Path, extent: Extent) -> anyhow::Result<()> {
    let (rounds, tasks) = if extent.quick { (1, 300) } else { (3, 2_000) };
    println!(
        "{tasks} tasks of {TASK_MILLIS} ms; `kill -9` when half of them are done, then another process; {rounds} rounds\n"
    );
    println!("| queue | lost | run more than once | seconds from the kill to the last task |");
    println!("| --- | --- | --- | --- |");
    for contestant in Contestant::ALL {
        let (mut lost, mut again, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let ledger = folder.join(format!("{contestant:?}-{round}"));
            let url = Runtime::new()?.block_on(async {
                let url = contestant.database(server).await?;
                let task = |number| Written { number, ledger: ledger.clone(), millis: TASK_MILLIS };
                contestant.enqueue(&url, &(0..tasks).map(task).collect::<Vec<_>>()).await?;
                anyhow::Ok(url)
            })?;
            let mut doomed = start(contestant, extent.workers, &url)?;
            ledger::wait(&ledger, tasks / 2, PATIENCE);
            doomed.kill()?;
            doomed.wait()?;
            let killed_at = Instant::now();
            let mut next = start(contestant, extent.workers, &url)?;
            ledger::wait(&ledger, tasks, PATIENCE);
            let runs = ledger::read(&ledger);
            next.kill()?;
            next.wait()?;
            lost.push(tasks - runs.len());
            again.push(runs.values().filter(|runs| **runs > 1).count());
            let complete = runs.len() == tasks;
            seconds.push(if complete {
                format!("{:.1}", killed_at.elapsed().as_secs_f64())
            } else {
                "never".to_owned()
            });
        }
        println!("| {} | {lost:?} | {again:?} | {} |", contestant.name(), seconds.join(", "));
    }
    Ok(())
}

fn start(contestant: Contestant, workers: u32, url: &str) -> anyhow::Result<Child> {
    let program = std::env::current_exe()?;
    Ok(Command::new(program).args(["work", contestant.name(), &workers.to_string(), url]).spawn()?)
}
