//! A process with free seats inserts its runs already claimed by itself: no claim write, no wake-up.

use std::sync::{Arc, Mutex};

use onward_workflows::WorkerId;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::StartRun;
use super::insert::{self, Owner, Verdict};

/// Batches on their way to the worker; more than one waits only while the worker is busy.
const LINE_MAX: usize = 4;

/// Where the start batches of this process go: to its worker, when it has one with free seats.
#[derive(Debug, Clone, Default)]
pub(crate) struct EagerLine {
    // Set once when a worker joins the process, looked at once a batch, never held across an await.
    offer: Arc<Mutex<Option<Offer>>>,
}

#[derive(Debug, Clone)]
struct Offer {
    batches: mpsc::Sender<EagerBatch>,
    seats: Arc<Semaphore>,
}

/// A start batch for the worker to write, because whatever claims for one process goes through one task.
#[derive(Debug)]
pub struct EagerBatch {
    starts: Vec<Arc<StartRun>>,
    env: Arc<Value>,
    answer: oneshot::Sender<Result<Vec<Verdict>, sqlx::Error>>,
}

/// A run that was inserted claimed.
#[derive(Debug, Clone)]
pub struct Begun {
    pub start: Arc<StartRun>,
    pub env: Arc<Value>,
    /// The job's `wakes` as inserted; nobody else can have seen the row.
    pub wakes: i32,
}

impl EagerLine {
    pub(crate) fn offer(&self, seats: Arc<Semaphore>) -> mpsc::Receiver<EagerBatch> {
        let (batches, line) = mpsc::channel(LINE_MAX);
        *self.offer.lock().expect("no code panics while it holds this lock") = Some(Offer { batches, seats });
        line
    }

    /// Lets the worker write the batch if it has a free seat; `None` when there is no such worker.
    pub(crate) async fn write(
        &self,
        starts: &[Arc<StartRun>],
        env: &Arc<Value>,
    ) -> Option<Result<Vec<Verdict>, sqlx::Error>> {
        let offer = self.offer.lock().expect("no code panics while it holds this lock").clone();
        let offer = offer.filter(|offer| offer.seats.available_permits() > 0)?;
        let (answer, answered) = oneshot::channel();
        let batch = EagerBatch { starts: starts.to_vec(), env: Arc::clone(env), answer };
        offer.batches.send(batch).await.ok()?;
        // No answer: the worker ended with the batch in its hands; reading the ids settles whether it was written.
        Some(answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)))
    }
}

impl EagerBatch {
    /// Writes the batch and answers its callers; returns the runs that are now this worker's.
    pub async fn write(self, pool: &PgPool, worker: WorkerId, seats: usize, queues: Option<&[String]>) -> Vec<Begun> {
        let owner = Owner { worker, seats, queues };
        let result = insert::insert(pool, &self.starts, &self.env, Some(owner)).await;
        let begun = match &result {
            Ok(verdicts) => self
                .starts
                .iter()
                .zip(verdicts)
                .filter(|(_, verdict)| matches!(verdict, Verdict::Settled { claimed: true, .. }))
                .map(|(start, _)| Begun { start: Arc::clone(start), env: Arc::clone(&self.env), wakes: 1 })
                .collect(),
            Err(_) => Vec::new(),
        };
        // A caller that went away does not undo the start.
        let _ = self.answer.send(result);
        begun
    }
}
