//! What is carried out: nothing, a millisecond, or a line in a ledger.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use fang::{AsyncQueueable, AsyncRunnable, FangError, async_trait, typetag};
use serde::{Deserialize, Serialize};

// How often each task has run in this process. Both contestants call the same code, and neither hands anything through.
static RUNS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Forgets what has run, and makes room for so many.
pub fn forget_runs(tasks: usize) {
    *RUNS.lock().expect("no code panics while it holds this lock") = vec![0; tasks];
}

/// How many have run at all, and how many more than once.
pub fn count_runs() -> (usize, usize) {
    let runs = RUNS.lock().expect("no code panics while it holds this lock");
    (runs.iter().filter(|runs| **runs > 0).count(), runs.iter().filter(|runs| **runs > 1).count())
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    pub number: usize,
    /// What it takes; nothing for a task that does nothing.
    pub millis: u64,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Counted {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        RUNS.lock().expect("no code panics while it holds this lock")[self.number] += 1;
        if self.millis > 0 {
            tokio::time::sleep(Duration::from_millis(self.millis)).await;
        }
        Ok(())
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Written {
    pub number: usize,
    pub ledger: PathBuf,
    pub millis: u64,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Written {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        tokio::time::sleep(Duration::from_millis(self.millis)).await;
        let failed = |error: std::io::Error| FangError { description: error.to_string() };
        let mut file = OpenOptions::new().create(true).append(true).open(&self.ledger).map_err(failed)?;
        // At the end of the work: a line is a task that was carried out.
        file.write_all(format!("{}\n", self.number).as_bytes()).map_err(failed)
    }
}
