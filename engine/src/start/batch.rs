//! The task that collects starts: while one batch is in flight, the next one gathers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::insert::{Verdict, insert};
use super::{EagerLine, StartError, StartRun, Started};
use crate::Wakes;

const BATCH_MAX: usize = 500;
const LINE_MAX: usize = 10_000;
/// How long a batch is repeated while the database does not answer.
const REPEAT_FOR: Duration = Duration::from_secs(2);
const REPEAT_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at keys that another process is using.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Waiting {
    pub start: Arc<StartRun>,
    pub answer: oneshot::Sender<Result<Started, StartError>>,
}

pub(crate) fn spawn(pool: PgPool, env: Arc<Value>, wakes: Wakes, eager: EagerLine) -> mpsc::Sender<Waiting> {
    let (line, waiting) = mpsc::channel(LINE_MAX);
    let batcher = Batcher { pool, env, wakes, eager };
    // Ends when the last sender, the engine, is dropped.
    tokio::spawn(batcher.run(waiting));
    line
}

struct Batcher {
    pool: PgPool,
    env: Arc<Value>,
    wakes: Wakes,
    eager: EagerLine,
}

impl Batcher {
    async fn run(self, mut line: mpsc::Receiver<Waiting>) {
        let mut held: Vec<Waiting> = Vec::new();
        loop {
            if held.is_empty() {
                match line.recv().await {
                    Some(first) => held.push(first),
                    None => return,
                }
            } else {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            while held.len() < BATCH_MAX {
                let Ok(next) = line.try_recv() else { break };
                held.push(next);
            }
            held = self.carry_out(held).await;
        }
    }

    /// Writes one batch and answers what it settled; gives back what has to wait for the next one.
    async fn carry_out(&self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        let (batch, mut later) = split_by_key(waiting);
        let (starts, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.start, waiting.answer)).unzip();
        metrics::histogram!("onward_start_batch_size")
            .record(f64::from(u32::try_from(starts.len()).unwrap_or(u32::MAX)));
        let verdicts = match self.write(&starts).await {
            Ok(verdicts) => verdicts,
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(StartError::Unavailable(Arc::clone(&error))));
                }
                return later;
            }
        };
        let mut queues = HashSet::new();
        for ((start, answer), verdict) in starts.into_iter().zip(answers).zip(verdicts) {
            match verdict {
                Verdict::Busy => later.push(Waiting { start, answer }),
                Verdict::Settled { started, claimed } => {
                    if started.duplicate.is_none() {
                        metrics::counter!("onward_runs_started_total").increment(1);
                        if !claimed {
                            queues.insert(start.queue.clone());
                        }
                    }
                    let _ = answer.send(Ok(started));
                }
            }
        }
        for queue in queues {
            self.wakes.queue(&queue);
        }
        later
    }

    /// Repeats until the database has answered. Ids are ours, so what a lost answer left behind can be read.
    async fn write(&self, starts: &[Arc<StartRun>]) -> Result<Vec<Verdict>, sqlx::Error> {
        let deadline = Instant::now() + REPEAT_FOR;
        let mut result = match self.eager.write(starts, &self.env).await {
            Some(result) => result,
            None => insert(&self.pool, starts, &self.env, None).await,
        };
        loop {
            match result {
                Err(error) if Instant::now() < deadline => {
                    tracing::warn!(error = %error, "a start batch is repeated");
                    tokio::time::sleep(REPEAT_PAUSE).await;
                    result = self.repeat(starts).await;
                }
                settled => return settled,
            }
        }
    }

    async fn repeat(&self, starts: &[Arc<StartRun>]) -> Result<Vec<Verdict>, sqlx::Error> {
        let ids: Vec<_> = starts.iter().map(|start| start.run.0).collect();
        let there: HashSet<_> = sqlx::query_file_scalar!("queries/find_started.sql", &ids)
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .collect();
        let (done, missing): (Vec<usize>, Vec<usize>) =
            (0..starts.len()).partition(|place| there.contains(&starts[*place].run.0));
        let rest: Vec<_> = missing.iter().map(|place| Arc::clone(&starts[*place])).collect();
        let mut verdicts = vec![Verdict::Busy; starts.len()];
        for place in done {
            let started = Started { run: starts[place].run, duplicate: None };
            verdicts[place] = Verdict::Settled { started, claimed: false };
        }
        if !rest.is_empty() {
            for (place, verdict) in missing.into_iter().zip(insert(&self.pool, &rest, &self.env, None).await?) {
                verdicts[place] = verdict;
            }
        }
        Ok(verdicts)
    }
}

/// The first of each key goes now; its twins wait for its answer and are then answered by the same read.
fn split_by_key(waiting: Vec<Waiting>) -> (Vec<Waiting>, Vec<Waiting>) {
    let mut seen = HashSet::new();
    waiting.into_iter().partition(|waiting| match &waiting.start.key {
        None => true,
        Some(key) => seen.insert((key.scope.clone(), key.key.clone())),
    })
}
