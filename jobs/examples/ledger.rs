//! A worker for the tasks of this crate's own tests, to be killed by them: `ledger DATABASE_URL`.

#[path = "../tests/support/tasks.rs"]
mod tasks;

use onward_jobs::{Jobs, WorkSettings};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("name the database"))?;
    // What nobody calls here is decoded here.
    let _ = tasks::lines;
    let jobs = Jobs::connect(&url).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    println!("ready");
    let settings = WorkSettings { tasks_max: 4, ..WorkSettings::default() };
    let stop = async {
        terminated.recv().await;
    };
    Ok(jobs.work(settings, stop).await?)
}
