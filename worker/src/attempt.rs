//! One attempt of one step, in a task of its own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use onward_engine::{Engine, Lease, find_cached, keep_cached};
use onward_workflows::{CacheUse, ErrorKind, Event, Outcome, RunId, RunStep, StepError};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::backing::EngineBacking;
use crate::repertoire::Repertoire;
use crate::secrets::Unsealed;

/// Between two looks at a lease that is late.
const LEASE_LATE_PAUSE: Duration = Duration::from_millis(100);

/// Runs the attempt and reports it as the event that the flow expects.
pub(crate) async fn run(
    engine: Engine,
    steps: Arc<Repertoire>,
    lease: Lease,
    (run, step): (RunId, RunStep),
    unsealed: Arc<Unsealed>,
    own: Arc<Semaphore>,
    seats: Arc<Semaphore>,
) -> Event {
    let asked_at = engine.clock().now();
    if let Some(output) = reusable(&engine, &step).await {
        metrics::counter!("onward_attempts_total", "type" => step.step_type.clone(), "outcome" => "cached")
            .increment(1);
        let (outcome, finished_at) = (Outcome::Done(output), engine.clock().now().max(asked_at));
        return Event::Outcome { path: step.path, attempt: step.attempt, outcome, started_at: asked_at, finished_at };
    }
    // The run's own seat, for as long as no other attempt of the run is on it, or a further one: when every seat is
    // held by a run, parallel steps take turns on their run's own.
    let _seat = tokio::select! {
        biased;
        own = own.acquire_owned() => own.ok(),
        further = seats.acquire_owned() => further.ok(),
    };
    // It may have waited long for its seat. A lost lease aborts this task; one that is only late may still be renewed.
    while !lease.holds() {
        tokio::time::sleep(LEASE_LATE_PAUSE).await;
    }
    let started_at = engine.clock().now();
    let outcome = carry_out(&engine, &steps, (run, &step), &unsealed).await;
    let finished_at: DateTime<Utc> = engine.clock().now().max(started_at);
    metrics::counter!("onward_attempts_total", "type" => step.step_type.clone(), "outcome" => name_of(&outcome))
        .increment(1);
    Event::Outcome { path: step.path, attempt: step.attempt, outcome, started_at, finished_at }
}

/// Keeps what an attempt came to for others, once no secret is in it any more.
pub(crate) async fn keep(engine: &Engine, cache: Option<&CacheUse>, event: &Event) {
    if let (Some(cache), Event::Outcome { path, outcome: Outcome::Done(output), .. }) = (cache, event)
        && let Err(error) = keep_cached(engine, &cache.key, output, cache.ttl).await
    {
        tracing::warn!(step.path = %path, error = %error, "an output could not be kept for others");
    }
}

/// What another attempt came to lately, when the step says that this is good enough.
async fn reusable(engine: &Engine, step: &RunStep) -> Option<Value> {
    let cache = step.cache.as_ref()?;
    match find_cached(engine, &cache.key).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(step.path = %step.path, error = %error, "a kept output could not be looked for");
            None
        }
    }
}

async fn carry_out(
    engine: &Engine,
    steps: &Repertoire,
    (run, step): (RunId, &RunStep),
    unsealed: &Unsealed,
) -> Outcome {
    let backing = EngineBacking::new(engine.clone());
    let attempt = steps.run(run, step, &unsealed.secrets, &backing);
    AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(step.path = %step.path, attempt = step.attempt, "a step panicked");
        Outcome::Failed(StepError::new(ErrorKind::Internal, "the step panicked; this is a fault of Onward").retryable())
    })
}

fn name_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Failed(_) => "failed",
        Outcome::Ambiguous(_) => "ambiguous",
    }
}
