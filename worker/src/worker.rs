//! One worker, from registration to drain; registered anew whenever its row is lost.

use std::sync::Arc;
use std::time::Duration;

use onward_engine::{EagerBatch, Engine, Lease, WorkerFacts, register, unregister};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::heartbeat::beat;
use crate::keeper::{Keeper, Left};
use crate::repertoire::Repertoire;

const REGISTER_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct Settings {
    /// Attempts in flight at once.
    pub seats: usize,
    /// The queues to serve; `None` is all.
    pub queues: Option<Vec<String>>,
    /// How the worker is called in lists.
    pub host: String,
    pub version: String,
    /// After a soft stop, attempts in flight may take this long.
    pub drain_max: Duration,
}

/// Works until `stop` (finish what is in hand, hand the rest back) or `kill` (drop everything; others take over when the
/// lease ends).
pub async fn run(
    engine: Engine,
    steps: impl Into<Repertoire>,
    settings: Settings,
    stop: CancellationToken,
    kill: CancellationToken,
) {
    let steps = Arc::new(steps.into());
    let facts = WorkerFacts {
        host: settings.host.clone(),
        version: settings.version.clone(),
        queues: settings.queues.clone(),
        seats: settings.seats,
        step_types: steps.offered().iter().map(|name| (*name).to_owned()).collect(),
    };
    let seats = Arc::new(Semaphore::new(settings.seats));
    let mut starts = engine.offer_seats(Arc::clone(&seats));
    loop {
        let Some(lease) = register_until(&engine, &facts, &mut starts, &stop).await else { return };
        tracing::info!(worker.id = %lease.worker(), seats = settings.seats, "worker registered");
        let beating = tokio::spawn(beat(engine.clone(), lease.clone()));
        let keeper = Keeper::new(&engine, &steps, &settings, &lease, &seats);
        let left = tokio::select! {
            left = keeper.run(&mut starts, &stop) => left,
            () = kill.cancelled() => Left::Killed,
        };
        beating.abort();
        match left {
            Left::Drained => {
                if let Err(error) = unregister(engine.pool(), &lease).await {
                    tracing::warn!(error = %error, "the worker's row could not be deleted; it will be reaped");
                }
                return;
            }
            Left::Killed => return,
            Left::Lost => tracing::warn!(worker.id = %lease.worker(), "the worker lost its lease and registers anew"),
        }
    }
}

/// Until there is a row, starts of this process are not ours to write: letting their batch go sends it elsewhere.
async fn register_until(
    engine: &Engine,
    facts: &WorkerFacts,
    starts: &mut mpsc::Receiver<EagerBatch>,
    stop: &CancellationToken,
) -> Option<Lease> {
    loop {
        if stop.is_cancelled() {
            return None;
        }
        match register(engine, facts).await {
            Ok(lease) => return Some(lease),
            Err(error) => tracing::warn!(error = %error, "the worker could not register; it tries again"),
        }
        let again_at = Instant::now() + REGISTER_PAUSE;
        while Instant::now() < again_at {
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep_until(again_at) => {}
                Some(batch) = starts.recv() => drop(batch),
            }
        }
    }
}
