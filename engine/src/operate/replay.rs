//! A new run with what another one was given.

use std::sync::Arc;

use onward_workflows::{Checkpoint, RunId, TakenOver};
use serde_json::{Value, json};

use super::note;
use crate::history::{CorruptRow, read_histories, read_runs};
use crate::start::{PrepareError, PrepareRun, insert_in};
use crate::{Engine, VersionError, find_workflow_head};

#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// In place of the inputs of the other run.
    pub inputs: Option<Value>,
    pub version: ReplayVersion,
    /// A step of the document's own list: what comes before it is taken over, with its results.
    pub from: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReplayVersion {
    #[default]
    Same,
    Newest,
    Number(i32),
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no such run")]
    NotFound,
    #[error("the workflow is not deployed any more")]
    NoWorkflow,
    /// With the steps that there are.
    #[error("`{step}` is no step of the document's own list")]
    NoStep { step: String, steps: Vec<String> },
    #[error("what comes before that step was undone (`{0}`); replay the whole run instead")]
    Undone(String),
    #[error(transparent)]
    Refused(#[from] PrepareError),
    #[error("read the run")]
    Corrupt(#[from] CorruptRow),
    #[error("read the version")]
    Version(#[from] VersionError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

pub async fn replay(engine: &Engine, run: RunId, wish: &Replay, by: &str) -> Result<RunId, ReplayError> {
    let (pool, ids) = (engine.pool(), [run.0]);
    let Some(stored) = read_runs(pool, &ids).await?.remove(&run.0) else { return Err(ReplayError::NotFound) };
    let number = match wish.version {
        ReplayVersion::Same => stored.version,
        ReplayVersion::Number(number) => number,
        ReplayVersion::Newest => {
            find_workflow_head(engine, &stored.workflow).await?.ok_or(ReplayError::NoWorkflow)?.version
        }
    };
    let old = engine.versions().load(pool, &stored.workflow, stored.version).await?;
    let facts = stored.facts(run, &old)?;
    let version = engine.versions().load(pool, &stored.workflow, number).await?;
    let taken_over = match &wish.from {
        None => TakenOver::default(),
        Some(from) => {
            let steps = &version.definition.steps;
            let place = steps.iter().position(|step| step.id == *from).ok_or_else(|| ReplayError::NoStep {
                step: from.clone(),
                steps: steps.iter().map(|step| step.id.clone()).collect(),
            })?;
            let history = read_histories(pool, &ids).await?.remove(&run.0).unwrap_or_default();
            let checkpoints: Vec<Checkpoint> =
                history.checkpoints.into_iter().map(|row| row.parse(run)).collect::<Result<_, _>>()?;
            let taken_over = TakenOver::plan(&steps[..place], &checkpoints);
            if let Some(undone) = taken_over.undone {
                return Err(ReplayError::Undone(undone));
            }
            taken_over
        }
    };
    let mut trigger = facts.trigger.clone();
    match &mut trigger {
        Value::Object(entries) => {
            entries.insert("replay_of".to_owned(), json!(run));
        }
        other => *other = json!({ "type": "manual", "replay_of": run }),
    }
    let inputs = wish.inputs.clone().unwrap_or(facts.inputs);
    let request = PrepareRun { trigger_id: None, trigger, inputs, scheduled_at: None, key: None };
    let mut start = engine.prepare(version, request)?;
    // The document's key would give the first run back.
    start.key = None;
    let (new, queue) = (start.run, start.queue.clone());
    let mut transaction = pool.begin().await?;
    insert_in(&mut transaction, &[Arc::new(start)], engine.env()).await?;
    if !taken_over.steps.is_empty() {
        sqlx::query_file!("queries/copy_checkpoints.sql", run.0, new.0, &taken_over.steps, by)
            .execute(&mut *transaction)
            .await?;
        // A job that nothing has happened to is carried without looking for checkpoints.
        sqlx::query_file!("queries/wake_runs.sql", &[new.0]).fetch_all(&mut *transaction).await?;
    }
    let detail = json!({ "replay_of": run, "version": number, "from": wish.from, "edited": wish.inputs.is_some() });
    note(&mut transaction, by, "replay", new, None, &detail).await?;
    transaction.commit().await?;
    engine.wakes().queue(&queue);
    Ok(new)
}
