//! `onward serve` and `onward worker`: the processes of an installation.

use std::process::ExitCode;

use crate::database::{self, Cluster};
use crate::failure::Failure;
use crate::keyring;
use crate::output;
use crate::process::{Process, bind, metrics, runtime};
use crate::settings::Settings;

pub fn serve(settings: &Settings, with_worker: bool) -> Result<ExitCode, Failure> {
    settings.refuse_http_hosts()?;
    let metrics = metrics()?;
    keyring::prepare(settings)?;
    let cluster = database::open(settings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let mut process = begin(settings, &cluster).await?;
        let listener = bind(settings).await?;
        process.serve(listener, metrics);
        if with_worker {
            process.work(settings)?;
        }
        let worker = if with_worker { format!("   worker with {} seats", settings.seats) } else { String::new() };
        output::line(&format!("ready   http://{}   postgres {}{worker}", settings.listen, cluster.describe()));
        Ok(process.until_stopped().await)
    });
    end(runtime, cluster);
    code
}

pub fn worker(settings: &Settings) -> Result<ExitCode, Failure> {
    settings.refuse_http_hosts()?;
    let cluster = database::open(settings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let mut process = begin(settings, &cluster).await?;
        process.work(settings)?;
        output::line(&format!("ready   worker with {} seats   postgres {}", settings.seats, cluster.describe()));
        Ok(process.until_stopped().await)
    });
    end(runtime, cluster);
    code
}

async fn begin(settings: &Settings, cluster: &Cluster) -> Result<Process, Failure> {
    cluster.migrate().await?;
    let mut process = Process::new(cluster.engine(settings).await?)?;
    cluster.look_after(process.stop.clone());
    process.keep();
    Ok(process)
}

/// The private server goes last, when nothing can need it any more.
pub fn end(runtime: tokio::runtime::Runtime, cluster: Cluster) {
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    drop(cluster);
}
