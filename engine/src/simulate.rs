//! A document against the runs that its workflow has recorded.

use std::sync::Arc;

use onward_workflows::{Checked, Definition, Diagnostic, RunId, Simulated, Source, check, simulate as play};
use serde::Serialize;

use crate::history::{CorruptRow, OutsideError, read_histories, read_outside, read_runs};
use crate::{Engine, VersionError, offered_catalog};

/// Runs that one simulation looks at.
pub const SIMULATED_MAX: u16 = 200;

#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error("the document is invalid")]
    Invalid { diagnostics: Vec<Diagnostic>, omitted: usize },
    #[error("read a run")]
    Corrupt(#[from] CorruptRow),
    #[error("read a version")]
    Version(#[from] VersionError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

impl From<OutsideError> for SimulateError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Database(error) => Self::Database(error),
            OutsideError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct SimulatedRun {
    pub run: RunId,
    pub version: i32,
    #[serde(flatten)]
    pub outcome: Simulated,
}

/// The newest ended runs of the document's workflow, the newest first.
pub async fn simulate(engine: &Engine, source: &Source, last: u16) -> Result<Vec<SimulatedRun>, SimulateError> {
    let Checked { definition, diagnostics, omitted, .. } = check(source, &offered_catalog(engine).await?);
    let Some(new) = definition else { return Err(SimulateError::Invalid { diagnostics, omitted }) };
    let new: Arc<Definition> = Arc::new(new);
    let pool = engine.pool();
    let limit = i64::from(last.min(SIMULATED_MAX));
    let ids = sqlx::query_file_scalar!("queries/list_ended_runs.sql", new.id, limit).fetch_all(pool).await?;
    let stored = read_runs(pool, &ids).await?;
    let mut histories = read_histories(pool, &ids).await?;
    read_outside(pool, &ids, &mut histories).await?;
    let now = engine.clock().now();
    let mut simulated = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(stored) = stored.get(&id) else { continue };
        let run = RunId(id);
        let version = engine.versions().load(pool, &stored.workflow, stored.version).await?;
        let history = histories.remove(&id).unwrap_or_default();
        let past = history.past(run, None)?;
        let facts = stored.facts(run, &version)?;
        let outcome = play(&version.definition, &new, &facts, &past, now);
        simulated.push(SimulatedRun { run, version: version.version, outcome });
    }
    Ok(simulated)
}
