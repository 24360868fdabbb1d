//! The task that collects writes: it sends at once when idle, and lets the next batch gather while one is in flight.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::fault::{Fault, judge};
use super::write::write;
use super::{RunWrite, Written};
use crate::Lease;

const BATCH_MAX: usize = 500;
/// Bytes of outputs in one batch; a single larger write still goes, alone.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
const LINE_MAX: usize = 10_000;
const REPEAT_PAUSE: Duration = Duration::from_millis(50);
const REPEAT_PAUSE_MAX: Duration = Duration::from_millis(500);

const REFUSED: &str = "the database refused to store what this run wrote";

/// A handle to the process's committer. All writes of one lease go through one.
#[derive(Debug, Clone)]
pub struct Committer {
    line: mpsc::Sender<Entry>,
}

#[derive(Debug)]
struct Entry {
    write: RunWrite,
    answer: oneshot::Sender<Written>,
}

impl Committer {
    /// Starts the task; it ends when the last handle is dropped.
    pub fn start(pool: PgPool, lease: Lease) -> Self {
        let (line, entries) = mpsc::channel(LINE_MAX);
        tokio::spawn(run(pool, lease, entries));
        Self { line }
    }

    /// Returns when the write is stored, or certainly is not.
    pub async fn write(&self, write: RunWrite) -> Written {
        let (answer, answered) = oneshot::channel();
        if self.line.send(Entry { write, answer }).await.is_err() {
            return Written::Lost;
        }
        answered.await.unwrap_or(Written::Lost)
    }
}

async fn run(pool: PgPool, lease: Lease, mut entries: mpsc::Receiver<Entry>) {
    let mut held: Option<Entry> = None;
    loop {
        let Some(first) = (match held.take() {
            Some(entry) => Some(entry),
            None => entries.recv().await,
        }) else {
            return;
        };
        let mut bytes = first.write.bytes();
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX {
            let Ok(next) = entries.try_recv() else { break };
            bytes += next.write.bytes();
            if bytes > BATCH_BYTES_MAX {
                held = Some(next);
                break;
            }
            batch.push(next);
        }
        metrics::histogram!("onward_commit_batch_size")
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let (writes, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|entry| (entry.write, entry.answer)).unzip();
        let writes: Vec<&RunWrite> = writes.iter().collect();
        for (answer, written) in answers.into_iter().zip(store(&pool, &lease, &writes).await) {
            let _ = answer.send(written);
        }
    }
}

/// Stores a batch, whatever it takes: repeats it, halves it, or finds the run that cannot be stored.
async fn store(pool: &PgPool, lease: &Lease, batch: &[&RunWrite]) -> Vec<Written> {
    let mut pause = REPEAT_PAUSE;
    loop {
        let error = match write(pool, lease.worker(), batch).await {
            Ok(answers) => return answers,
            Err(error) => error,
        };
        let fault = judge(&error);
        match fault {
            Fault::Run if batch.len() == 1 => {
                tracing::error!(run.id = %batch[0].run, error = %error, "a run wrote what cannot be stored");
                return vec![Written::Refused(REFUSED)];
            }
            Fault::Load if batch.len() == 1 => return vec![Written::TooHeavy],
            Fault::Run | Fault::Load => {
                let (left, right) = batch.split_at(batch.len() / 2);
                let mut answers = Box::pin(store(pool, lease, left)).await;
                answers.extend(Box::pin(store(pool, lease, right)).await);
                return answers;
            }
            Fault::Collision => tracing::debug!(error = %error, "a batch collided and is repeated"),
            Fault::Database => {
                if !lease.holds() {
                    // Whether the last try was stored is not known; whoever owns the runs next will read it.
                    return vec![Written::Lost; batch.len()];
                }
                tracing::warn!(error = %error, "the database did not take a batch; it is repeated");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(REPEAT_PAUSE_MAX);
            }
        }
    }
}

impl RunWrite {
    fn bytes(&self) -> usize {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let end = if let super::Then::End(end) = &self.then { of(&end.output) } else { 0 };
        end + self.checkpoints.iter().map(|row| of(&row.output) + of(&row.error)).sum::<usize>()
    }
}
