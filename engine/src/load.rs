//! Loading claimed runs: their facts, their checkpoints, and how often they had been woken before we looked.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onward_workflows::{Checkpoint, RunFacts, RunId, WorkerId};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::start::Begun;
use crate::{Claimed, Engine, Version, VersionError};

/// A run that this worker may carry on.
#[derive(Debug)]
pub struct LoadedRun {
    pub run: RunId,
    pub version: Arc<Version>,
    pub facts: Arc<RunFacts>,
    pub checkpoints: Vec<Checkpoint>,
    /// Announced effects without a checkpoint.
    pub unanswered: Vec<(String, u32)>,
    /// The job's `wakes` when it became ours: every write joins on it.
    pub claimed: i32,
    /// The job's `wakes` before its checkpoints were read: parking compares it.
    pub seen: i32,
    pub crashes: i16,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Rows in `pending` may exist and have to go with what settles them.
    pub has_pending: bool,
}

/// A claimed job that cannot be carried.
#[derive(Debug)]
pub enum Unloadable {
    /// Hand it back and try later.
    Later(RunId, String),
    /// It will never load: the run fails.
    Never { job: Claimed, reason: String },
}

#[derive(Debug, thiserror::Error)]
#[error("column `{column}` of run {run} does not hold what it should")]
pub struct CorruptRow {
    run: RunId,
    column: &'static str,
    #[source]
    source: serde_json::Error,
}

pub async fn load(
    engine: &Engine,
    worker: WorkerId,
    jobs: &[Claimed],
) -> Result<(Vec<LoadedRun>, Vec<Unloadable>), sqlx::Error> {
    let pool = engine.pool();
    // First claimed ever and never touched from outside: there is nothing to read but the run itself.
    let (fresh, known): (Vec<&Claimed>, Vec<&Claimed>) = jobs.iter().partition(|job| job.first);
    let ids: Vec<Uuid> = known.iter().map(|job| job.run.0).collect();
    let mut histories = read_histories(pool, worker, &ids).await?;
    for job in fresh {
        histories.insert(job.run.0, History { seen: 1, ..History::default() });
    }
    let all: Vec<Uuid> = jobs.iter().map(|job| job.run.0).collect();
    let rows = sqlx::query_file!("queries/load_runs.sql", &all).fetch_all(pool).await?;
    let mut rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let (mut loaded, mut unloadable) = (Vec::with_capacity(jobs.len()), Vec::new());
    for job in jobs {
        let Some(row) = rows.remove(&job.run.0) else {
            sqlx::query_file!("queries/delete_stray_job.sql", job.run.0, worker.0).execute(pool).await?;
            tracing::error!(run.id = %job.run, "a job without a run was deleted");
            continue;
        };
        // Not ours any more: claimed by another between the claim and this read.
        let Some(history) = histories.remove(&job.run.0) else { continue };
        let version = match engine.versions().load(pool, &row.workflow, row.version).await {
            Ok(version) => version,
            Err(VersionError::Database(error)) => {
                unloadable.push(Unloadable::Later(job.run, error.to_string()));
                continue;
            }
            Err(error @ (VersionError::NotFound { .. } | VersionError::Undecodable { .. })) => {
                unloadable.push(Unloadable::Never { job: job.clone(), reason: error.to_string() });
                continue;
            }
        };
        let parsed = (|| {
            let mut facts = version.facts(
                job.run,
                &Value::Null,
                parse(job.run, "trigger", row.trigger.as_deref())?.unwrap_or(Value::Null),
                Value::Null,
                row.created_at,
            );
            facts.inputs = parse(job.run, "inputs", Some(&row.inputs))?.unwrap_or(Value::Null);
            facts.env =
                parse(job.run, "env", row.env.as_deref())?.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            if let Some(variables) = parse(job.run, "variables", row.variables.as_deref())? {
                facts.variables = variables;
            }
            facts.scheduled_at = row.scheduled_at;
            Ok::<_, CorruptRow>((facts, parse_checkpoints(job.run, history.checkpoints)?))
        })();
        match parsed {
            Ok((facts, checkpoints)) => loaded.push(LoadedRun {
                run: job.run,
                version,
                facts: Arc::new(facts),
                checkpoints,
                unanswered: history.unanswered,
                claimed: job.wakes,
                seen: history.seen,
                crashes: job.crashes,
                cancel_requested_at: history.cancel_requested_at,
                has_pending: !job.first,
            }),
            Err(error) => unloadable.push(Unloadable::Never { job: job.clone(), reason: error.to_string() }),
        }
    }
    Ok((loaded, unloadable))
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
            checkpoints: Vec::new(),
            unanswered: Vec::new(),
            claimed: begun.wakes,
            seen: begun.wakes,
            crashes: 0,
            cancel_requested_at: None,
            has_pending: false,
        }
    }
}

#[derive(Default)]
struct History {
    seen: i32,
    cancel_requested_at: Option<DateTime<Utc>>,
    checkpoints: Vec<StoredCheckpoint>,
    unanswered: Vec<(String, u32)>,
}

struct StoredCheckpoint {
    path: String,
    attempt: i32,
    status: String,
    output: Option<String>,
    error: Option<String>,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
}

/// The count of wakes in one statement, the rows it protects in later ones.
async fn read_histories(pool: &PgPool, worker: WorkerId, ids: &[Uuid]) -> Result<HashMap<Uuid, History>, sqlx::Error> {
    let mut histories = HashMap::new();
    if ids.is_empty() {
        return Ok(histories);
    }
    for row in sqlx::query_file!("queries/read_wakes.sql", ids, worker.0).fetch_all(pool).await? {
        let history = History { seen: row.wakes, cancel_requested_at: row.cancel_requested_at, ..History::default() };
        histories.insert(row.run_id, history);
    }
    for row in sqlx::query_file!("queries/load_checkpoints.sql", ids).fetch_all(pool).await? {
        if let Some(history) = histories.get_mut(&row.run_id) {
            history.checkpoints.push(StoredCheckpoint {
                path: row.path,
                attempt: row.attempt,
                status: row.status,
                output: row.output,
                error: row.error,
                started_at: row.started_at,
                finished_at: row.finished_at,
            });
        }
    }
    for row in sqlx::query_file!("queries/load_unanswered.sql", ids).fetch_all(pool).await? {
        if let Some(history) = histories.get_mut(&row.run_id) {
            history.unanswered.push((row.path, row.attempt.unsigned_abs()));
        }
    }
    for history in histories.values_mut() {
        let answered: std::collections::HashSet<_> =
            history.checkpoints.iter().map(|row| (row.path.as_str(), row.attempt.unsigned_abs())).collect();
        history.unanswered.retain(|(path, attempt)| !answered.contains(&(path.as_str(), *attempt)));
    }
    Ok(histories)
}

fn parse<T: serde::de::DeserializeOwned>(
    run: RunId,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, CorruptRow> {
    text.map(serde_json::from_str).transpose().map_err(|source| CorruptRow { run, column, source })
}

fn parse_checkpoints(run: RunId, rows: Vec<StoredCheckpoint>) -> Result<Vec<Checkpoint>, CorruptRow> {
    rows.into_iter()
        .map(|row| {
            Ok(Checkpoint {
                path: row.path,
                attempt: row.attempt.unsigned_abs(),
                status: serde_json::from_value(Value::String(row.status)).map_err(|source| CorruptRow {
                    run,
                    column: "status",
                    source,
                })?,
                output: parse(run, "output", row.output.as_deref())?,
                error: parse(run, "error", row.error.as_deref())?,
                started_at: row.started_at,
                finished_at: row.finished_at,
            })
        })
        .collect()
}
