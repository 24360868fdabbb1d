//! What the long-running commands share: signals, and the parts of a process.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use onward_engine::{Engine, listen};
use onward_steps::Steps;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

/// Upper bounds of the buckets of durations, and of batch sizes.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
const SIZES: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 200.0, 500.0];
const DRAIN_MAX: Duration = Duration::from_secs(30);
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// The tasks of a process and the two ways to end them.
pub struct Process {
    pub engine: Engine,
    pub stop: CancellationToken,
    kill: CancellationToken,
    tasks: JoinSet<()>,
    signals: Signals,
}

impl Process {
    /// From here on a signal is kept for [`Process::until_stopped`] instead of ending the process where it stands.
    pub fn new(engine: Engine) -> Result<Self, Failure> {
        let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
        Ok(Self { engine, stop, kill, tasks: JoinSet::new(), signals: Signals::new()? })
    }

    /// What every process does: hear wake-ups, fire schedules, keep house.
    pub fn keep(&mut self) {
        let (engine, stop) = (&self.engine, &self.stop);
        self.tasks.spawn(listen(engine.pool().clone(), engine.wakes().clone(), stop.clone()));
        self.tasks.spawn(onward_worker::fire_schedules(engine.clone(), stop.clone()));
        self.tasks.spawn(onward_worker::keep_house(engine.clone(), stop.clone()));
    }

    pub fn work(&mut self, settings: &Settings) -> Result<(), Failure> {
        let steps = onward_steps::Settings {
            http_hosts: settings.http_hosts.clone(),
            step_types: settings.step_types.clone(),
            services: settings.services.clone(),
            ..onward_steps::Settings::default()
        };
        let steps = Arc::new(Steps::new(steps).map_err(|error| Failure::because(Exit::Failed, error))?);
        let worker = onward_worker::Settings {
            seats: settings.seats,
            queues: settings.queues.clone(),
            host: host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            drain_max: DRAIN_MAX,
        };
        self.tasks.spawn(onward_worker::run(self.engine.clone(), steps, worker, self.stop.clone(), self.kill.clone()));
        Ok(())
    }

    pub fn serve(&mut self, listener: TcpListener, metrics: PrometheusHandle) {
        self.tasks.spawn(fold(metrics.clone(), self.stop.clone()));
        let api = onward_api::Api { engine: self.engine.clone(), settings: onward_api::Settings::default(), metrics };
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            if let Err(error) = onward_api::serve(listener, api, stop).await {
                tracing::error!(error = %error, "the API stopped");
            }
        });
    }

    /// Waits for a signal, drains, and ends; a second signal ends at once. A task that ends by itself takes the process
    /// with it, so that whatever restarts processes notices.
    pub async fn until_stopped(mut self) -> ExitCode {
        let code = tokio::select! {
            () = self.signals.next() => {
                eprintln!("stopping: attempts in flight finish, the rest is handed back; once more stops at once");
                ExitCode::SUCCESS
            }
            Some(ended) = self.tasks.join_next() => {
                tracing::error!(panic = ended.is_err(), "a part of this process ended by itself; the rest stops too");
                Exit::Failed.into()
            }
        };
        self.stop.cancel();
        tokio::select! {
            () = async { while self.tasks.join_next().await.is_some() {} } => code,
            () = self.signals.next() => {
                self.kill.cancel();
                Exit::Interrupted.into()
            }
        }
    }
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::because(Exit::Failed, anyhow::Error::new(error).context("listen for signals"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

pub async fn bind(settings: &Settings) -> Result<TcpListener, Failure> {
    let listen = settings.listen;
    TcpListener::bind(listen).await.map_err(|error| {
        let text = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("{listen} is taken; end what listens there, or choose another with --listen")
            }
            _ => format!("listen on {listen}: {error}"),
        };
        Failure::new(Exit::Failed, text)
    })
}

/// Puts what histograms have recorded into their buckets; where nobody reads the metrics it would pile up for ever.
async fn fold(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(FOLD_EVERY)).await.is_some() {
        metrics.run_upkeep();
    }
}

pub fn metrics() -> Result<PrometheusHandle, Failure> {
    let failed = |error| Failure::because(Exit::Failed, anyhow::Error::new(error));
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES))
        .map_err(failed)?
        .install_recorder()
        .map_err(failed)
}

pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::because(Exit::Failed, anyhow::Error::new(error).context("start the runtime")))
}

fn host() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "unknown".to_owned())
}
