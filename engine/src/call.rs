//! Calling another workflow: a child run whose id is derived from its caller.

use std::sync::Arc;

use onward_workflows::{CallChild, RunId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::start::{PrepareError, PrepareRun};
use crate::{Engine, VersionError, find_workflow_head};

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("there is no workflow `{0}`")]
    NoWorkflow(String),
    #[error("the workflow `{0}` is switched off")]
    Disabled(String),
    #[error("`{workflow}` does not take this input: {reason}")]
    Refused { workflow: String, reason: String },
    /// It was deployed by a newer version.
    #[error("the newest version of `{workflow}` cannot be read: {reason}")]
    Undecodable { workflow: String, reason: String },
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Starts the child, unless it is there already.
pub async fn call(engine: &Engine, parent: RunId, call: &CallChild) -> Result<(), CallError> {
    let workflow = &call.workflow;
    let head = find_workflow_head(engine, workflow).await?.ok_or_else(|| CallError::NoWorkflow(workflow.clone()))?;
    if !head.enabled {
        return Err(CallError::Disabled(workflow.clone()));
    }
    let version = engine.versions().load(engine.pool(), workflow, head.version).await.map_err(|error| match error {
        VersionError::Database(error) => CallError::Database(error),
        VersionError::NotFound { .. } | VersionError::Undecodable { .. } => {
            CallError::Undecodable { workflow: workflow.clone(), reason: error.to_string() }
        }
    })?;
    let trigger = json!({ "type": "call", "id": "call", "time": engine.clock().now(), "run_id": parent });
    let request = PrepareRun { trigger_id: None, trigger, inputs: call.input.clone(), scheduled_at: None, key: None };
    let refused = |error: PrepareError| CallError::Refused { workflow: workflow.clone(), reason: reason(&error) };
    let start = engine.prepare_as(call.child, version, request).map_err(refused)?;
    let parent: Option<Uuid> = call.wait.then_some(parent.0);
    let depth = i16::try_from(call.depth).unwrap_or(i16::MAX);
    let text = |value: &Value| value.to_string();
    sqlx::query_file!(
        "queries/insert_child.sql",
        start.run.0,
        start.version.workflow,
        start.version.version,
        text(&start.trigger),
        text(&start.inputs),
        text(&Arc::clone(engine.env())),
        start.variables.as_ref().map(text),
        parent,
        depth,
        start.created_at,
        start.queue,
        start.priority.as_str(),
    )
    .fetch_optional(engine.pool())
    .await?;
    engine.wakes().queue(&start.queue);
    Ok(())
}

fn reason(error: &PrepareError) -> String {
    match error {
        PrepareError::Inputs(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// Wakes these runs: something has happened to them outside.
pub async fn wake_runs(engine: &Engine, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    for row in sqlx::query_file!("queries/wake_runs.sql", &ids).fetch_all(engine.pool()).await? {
        engine.wakes().queue(&row.queue);
        engine.wakes().run(RunId(row.run_id));
    }
    Ok(())
}

/// Callers that one pass wakes.
const CALLERS_MAX: i64 = 500;

/// Wakes callers whose child has ended and whose own wake-up was lost; says how many.
pub async fn wake_callers(engine: &Engine) -> Result<usize, sqlx::Error> {
    let found =
        sqlx::query_file_scalar!("queries/find_ended_children.sql", CALLERS_MAX).fetch_all(engine.pool()).await?;
    let runs: Vec<RunId> = found.into_iter().map(RunId).collect();
    if !runs.is_empty() {
        wake_runs(engine, &runs).await?;
    }
    Ok(runs.len())
}
