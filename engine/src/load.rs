//! Loading claimed runs: their facts, their checkpoints, and how often they had been woken before we looked.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onward_workflows::{Cancel, Past, RunFacts, RunId, WorkerId};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::history::{CorruptRow, History, OutsideError, StoredRun, read_histories, read_outside, read_runs};
use crate::start::Begun;
use crate::{CancelRequest, Claimed, Engine, Priority, Version, VersionError};

/// A run that this worker may carry on.
#[derive(Debug)]
pub struct LoadedRun {
    pub run: RunId,
    pub version: Arc<Version>,
    pub facts: Arc<RunFacts>,
    pub past: Past,
    /// Instants at which attempts may begin: path, attempt, instant.
    pub reserved: Vec<(String, u32, DateTime<Utc>)>,
    /// The run that waits for the end of this one.
    pub parent: Option<RunId>,
    /// The job's `wakes` when it became ours: every write joins on it.
    pub claimed: i32,
    /// The job's `wakes` before its checkpoints were read: parking compares it.
    pub seen: i32,
    pub crashes: i16,
    /// Where its job stands.
    pub queue: String,
    pub priority: Priority,
    pub cancel: Option<CancelRequest>,
    /// Rows in `pending` may exist and have to go with what settles them.
    pub has_pending: bool,
}

impl LoadedRun {
    /// Its job, as it was claimed, for reading the run again.
    pub fn job(&self) -> Claimed {
        Claimed {
            run: self.run,
            path: String::new(),
            queue: self.queue.clone(),
            priority: self.priority,
            due_at: self.facts.created_at,
            wakes: self.claimed,
            crashes: self.crashes,
            first: false,
        }
    }
}

/// A claimed job that cannot be carried.
#[derive(Debug)]
pub enum Unloadable {
    /// Hand it back and try later.
    Later(RunId, String),
    /// It will never load: the run fails.
    Never { job: Claimed, reason: String },
}

/// Why nothing could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    /// What these runs wait for cannot be read.
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
}

impl From<OutsideError> for LoadError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Database(error) => Self::Database(error),
            OutsideError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

pub async fn load(
    engine: &Engine,
    worker: WorkerId,
    jobs: &[Claimed],
) -> Result<(Vec<LoadedRun>, Vec<Unloadable>), LoadError> {
    let pool = engine.pool();
    // First claimed ever and never touched from outside: there is nothing to read but the run itself.
    let known: Vec<Uuid> = jobs.iter().filter(|job| !job.first).map(|job| job.run.0).collect();
    // The count of wakes in one statement, the rows that it protects in later ones.
    let (seen, mut histories) = if known.is_empty() {
        (HashMap::new(), HashMap::new())
    } else {
        let seen = read_seen(pool, worker, &known).await?;
        (seen, read_histories(pool, &known).await?)
    };
    let all: Vec<Uuid> = jobs.iter().map(|job| job.run.0).collect();
    let stored = read_runs(pool, &all).await?;
    let (mut loaded, mut unloadable) = (Vec::with_capacity(jobs.len()), Vec::new());
    let mut versions = HashMap::with_capacity(stored.len());
    for (run, stored) in &stored {
        versions.insert(*run, engine.versions().load(pool, &stored.workflow, stored.version).await);
    }
    let waits_outside = |run: &Uuid| matches!(versions.get(run), Some(Ok(version)) if version.waits_outside);
    let outside: Vec<Uuid> = known.iter().copied().filter(waits_outside).collect();
    if !outside.is_empty() {
        read_outside(pool, &outside, &mut histories).await?;
    }
    for job in jobs {
        let Some(stored) = stored.get(&job.run.0) else {
            sqlx::query_file!("queries/delete_stray_job.sql", job.run.0, worker.0).execute(pool).await?;
            tracing::error!(run.id = %job.run, "a job without a run was deleted");
            continue;
        };
        let seen =
            if job.first { Some(Seen { wakes: job.wakes, ..Seen::default() }) } else { seen.get(&job.run.0).copied() };
        // Not ours any more: claimed by another between the claim and this read.
        let Some(seen) = seen else { continue };
        let version = match versions.get(&job.run.0) {
            Some(Ok(version)) => Arc::clone(version),
            Some(Err(VersionError::Database(error))) => {
                unloadable.push(Unloadable::Later(job.run, error.to_string()));
                continue;
            }
            Some(Err(error @ (VersionError::NotFound { .. } | VersionError::Undecodable { .. }))) => {
                unloadable.push(Unloadable::Never { job: job.clone(), reason: error.to_string() });
                continue;
            }
            None => continue,
        };
        let history = histories.remove(&job.run.0).unwrap_or_default();
        match assemble(job, stored, version, seen, history) {
            Ok(run) => loaded.push(run),
            Err(error) => unloadable.push(Unloadable::Never { job: job.clone(), reason: error.to_string() }),
        }
    }
    Ok((loaded, unloadable))
}

fn assemble(
    job: &Claimed,
    stored: &StoredRun,
    version: Arc<Version>,
    seen: Seen,
    mut history: History,
) -> Result<LoadedRun, CorruptRow> {
    let reserved = std::mem::take(&mut history.reserved);
    let cancel = seen.cancel.map(|CancelRequest { at, undo }| Cancel { at, undo });
    Ok(LoadedRun {
        run: job.run,
        facts: Arc::new(stored.facts(job.run, &version)?),
        version,
        past: history.past(job.run, cancel)?,
        reserved,
        parent: stored.parent.map(RunId),
        claimed: job.wakes,
        seen: seen.wakes,
        crashes: job.crashes,
        queue: job.queue.clone(),
        priority: job.priority,
        cancel: seen.cancel,
        has_pending: !job.first,
    })
}

/// What had happened to a job from outside before anything else of its run was read.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    wakes: i32,
    cancel: Option<CancelRequest>,
}

async fn read_seen(pool: &PgPool, worker: WorkerId, ids: &[Uuid]) -> Result<HashMap<Uuid, Seen>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/read_wakes.sql", ids, worker.0).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let cancel = row.cancel_requested_at.map(|at| CancelRequest { at, undo: row.cancel_undo });
            (row.run_id, Seen { wakes: row.wakes, cancel })
        })
        .collect())
}

impl From<&Begun> for LoadedRun {
    /// A run that was inserted claimed needs no reading at all.
    fn from(begun: &Begun) -> Self {
        let start = &begun.start;
        let mut facts = start.version.facts(
            start.run,
            &start.inputs,
            start.trigger.clone(),
            Value::clone(&begun.env),
            start.created_at,
        );
        if let Some(variables) = &start.variables {
            facts.variables = variables.clone();
        }
        facts.scheduled_at = start.scheduled_at;
        Self {
            run: start.run,
            version: Arc::clone(&start.version),
            facts: Arc::new(facts),
            past: Past::default(),
            reserved: Vec::new(),
            parent: None,
            claimed: begun.wakes,
            seen: begun.wakes,
            crashes: 0,
            queue: start.queue.clone(),
            priority: start.priority,
            cancel: None,
            has_pending: false,
        }
    }
}
