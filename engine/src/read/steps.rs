//! The steps of a run: the flow interpreter over what is stored, so that recomputed steps are there too.

use std::collections::HashSet;
use std::sync::Arc;

use onward_workflows::{Checkpoint, Flow, RunFacts, RunId, StepView};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::error::ReadError;
use super::run::find_run;
use super::state::RunState;
use crate::{Engine, Version};

/// None when there is no such run.
pub async fn read_steps(engine: &Engine, run: RunId) -> Result<Option<Vec<StepView>>, ReadError> {
    // The state first: a run that goes on meanwhile then shows too many checkpoints rather than too few.
    let Some(detail) = find_run(engine, run).await? else { return Ok(None) };
    let version =
        engine.versions().load(engine.pool(), &detail.workflow, detail.version).await.map_err(ReadError::Version)?;
    let ids = [run.0];
    let Some(facts) = read_facts(engine, &version, run, &ids).await? else { return Ok(None) };
    let checkpoints = read_checkpoints(engine, run, &ids).await?;
    let unanswered = match detail.status {
        // Its worker is waiting for the answer.
        RunState::Running => Vec::new(),
        RunState::Queued | RunState::Waiting | RunState::Succeeded | RunState::Failed | RunState::Canceled => {
            read_unanswered(engine, &ids, &checkpoints).await?
        }
    };
    let mut flow = Flow::resume(Arc::clone(&version.definition), Arc::new(facts), checkpoints, unanswered);
    if detail.status == RunState::Running {
        // What the flow asks for is what the worker is carrying out.
        flow.next(engine.clock().now());
    }
    Ok(Some(flow.steps()))
}

async fn read_facts(
    engine: &Engine,
    version: &Version,
    run: RunId,
    ids: &[Uuid],
) -> Result<Option<RunFacts>, ReadError> {
    let row = sqlx::query_file!("queries/load_runs.sql", ids).fetch_optional(engine.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    let trigger = parse(run, "trigger", row.trigger.as_deref())?.unwrap_or(Value::Null);
    let env = parse(run, "env", row.env.as_deref())?.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let inputs = parse(run, "inputs", Some(&row.inputs))?.unwrap_or(Value::Null);
    let mut facts = version.facts(run, &inputs, trigger, env, row.created_at);
    if let Some(variables) = parse(run, "variables", row.variables.as_deref())? {
        facts.variables = variables;
    }
    facts.scheduled_at = row.scheduled_at;
    Ok(Some(facts))
}

async fn read_checkpoints(engine: &Engine, run: RunId, ids: &[Uuid]) -> Result<Vec<Checkpoint>, ReadError> {
    let rows = sqlx::query_file!("queries/load_checkpoints.sql", ids).fetch_all(engine.pool()).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Checkpoint {
                path: row.path,
                attempt: row.attempt.unsigned_abs(),
                status: serde_json::from_value(row.status.into())
                    .map_err(|error| ReadError::corrupt(run, "checkpoint.status", error))?,
                output: parse(run, "checkpoint.output", row.output.as_deref())?,
                error: parse(run, "checkpoint.error", row.error.as_deref())?,
                started_at: row.started_at,
                finished_at: row.finished_at,
            })
        })
        .collect()
}

/// Effects that were announced and have no outcome.
async fn read_unanswered(
    engine: &Engine,
    ids: &[Uuid],
    checkpoints: &[Checkpoint],
) -> Result<Vec<(String, u32)>, sqlx::Error> {
    let answered: HashSet<(&str, u32)> = checkpoints.iter().map(|row| (row.path.as_str(), row.attempt)).collect();
    let rows = sqlx::query_file!("queries/load_unanswered.sql", ids).fetch_all(engine.pool()).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.path, row.attempt.unsigned_abs()))
        .filter(|(path, attempt)| !answered.contains(&(path.as_str(), *attempt)))
        .collect())
}

fn parse<T: DeserializeOwned>(run: RunId, column: &'static str, text: Option<&str>) -> Result<Option<T>, ReadError> {
    text.map(serde_json::from_str).transpose().map_err(|error| ReadError::corrupt(run, column, error))
}
