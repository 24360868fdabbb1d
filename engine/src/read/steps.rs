//! The steps of a run: the flow interpreter over what is stored, so that recomputed steps are there too.

use std::sync::Arc;

use onward_workflows::{Cancel, Checkpoint, Flow, Past, RunId, StepStatus, StepView, is_undo, step_at};
use serde_json::{Map, Value};

use super::diagnose;
use super::error::ReadError;
use super::run::{RunDetail, find_run};
use super::state::RunState;
use crate::history::{read_histories, read_runs};
use crate::{Engine, Version};

/// None when there is no such run.
pub async fn read_steps(engine: &Engine, run: RunId) -> Result<Option<Vec<StepView>>, ReadError> {
    let Some(resumed) = resume(engine, run, None).await? else { return Ok(None) };
    let mut steps = steps_of(&resumed);
    let Resumed { detail, .. } = resumed;
    diagnose::of_steps(engine, run, (&detail.workflow, detail.version), &mut steps).await?;
    Ok(Some(steps))
}

/// The step of this path, also one inside a loop that is over: those are not among [`read_steps`]. `Err` has the paths
/// that are.
pub async fn read_step(
    engine: &Engine,
    run: RunId,
    path: &str,
) -> Result<Option<Result<StepView, Vec<String>>>, ReadError> {
    let Some(resumed) = resume(engine, run, Some(path)).await? else { return Ok(None) };
    let steps = steps_of(&resumed);
    let Resumed { detail, last, version, .. } = resumed;
    let mut found: Vec<StepView> = steps.iter().filter(|step| step.path == path).take(1).cloned().collect();
    if let (true, Some(step)) = (found.is_empty(), step_at(&version.definition, path)) {
        let mut errors = steps.iter().filter_map(|step| step.error.as_ref()).chain(&detail.error);
        found.extend(last.map(|row| StepView::of_checkpoint(step, row)).or_else(|| {
            let error = errors.find(|error| error.step.as_deref() == Some(path))?;
            Some(StepView::of_error(step, path, error.clone()))
        }));
    }
    diagnose::of_steps(engine, run, (&detail.workflow, detail.version), &mut found).await?;
    let paths = || steps.into_iter().map(|step| step.path).collect();
    Ok(Some(found.pop().ok_or_else(paths)))
}

fn steps_of(Resumed { detail, flow, untold, .. }: &Resumed) -> Vec<StepView> {
    let mut steps = flow.steps();
    for step in steps.iter_mut().filter(|step| step.status == StepStatus::Canceled) {
        // How far it had come before.
        if let Some(known) = untold.iter().flatten().find(|known| known.path == step.path) {
            step.started_at = known.started_at;
            step.attempts = known.attempts;
        }
    }
    if detail.status.has_ended() {
        // The checkpoints alone do not say that the run was cancelled, or ended before these steps had their turn.
        for step in steps.iter_mut().filter(|step| !is_over(step.status)) {
            step.status = StepStatus::Canceled;
            step.waits_until = None;
        }
    }
    steps
}

/// What an expression can read that stands behind all steps, by root; without secrets. None when there is no such run.
pub async fn read_names(engine: &Engine, run: RunId) -> Result<Option<Map<String, Value>>, ReadError> {
    let Some(Resumed { detail, flow, .. }) = resume(engine, run, None).await? else { return Ok(None) };
    let end = detail.status.has_ended().then(|| (detail.status.as_str(), detail.error.as_ref()));
    Ok(Some(flow.names(end)))
}

/// A run's flow as it stands.
struct Resumed {
    detail: RunDetail,
    version: Arc<Version>,
    flow: Flow,
    /// The last checkpoint of the path that was asked for.
    last: Option<Checkpoint>,
    /// The steps as a flow that knows of no cancel has them.
    untold: Option<Vec<StepView>>,
}

async fn resume(engine: &Engine, run: RunId, path: Option<&str>) -> Result<Option<Resumed>, ReadError> {
    // The state first: a run that goes on meanwhile then shows too many checkpoints rather than too few.
    let Some(detail) = find_run(engine, run).await? else { return Ok(None) };
    let (pool, ids) = (engine.pool(), [run.0]);
    let version = engine.versions().load(pool, &detail.workflow, detail.version).await.map_err(ReadError::Version)?;
    let Some(stored) = read_runs(pool, &ids).await?.remove(&run.0) else { return Ok(None) };
    let history = read_histories(pool, &ids).await?.remove(&run.0).unwrap_or_default();
    let running = detail.status == RunState::Running;
    let facts = Arc::new(stored.facts(run, &version)?);
    let mut past = history.past(run, None)?;
    if running {
        // Its worker is waiting for the answer.
        past.begun.clear();
    }
    // What a cancel has set going is there only for a flow that knows of it. When it was asked for is not kept.
    let at = detail.cancel_requested_at.or(detail.finished_at.filter(|_| detail.status == RunState::Canceled));
    let undo = past.checkpoints.iter().any(|row| is_undo(&version.definition, &row.path));
    past.cancel = at.map(|at| Cancel { at, undo });
    let untold = past.cancel.map(|_| {
        let past = Past { cancel: None, ..past.clone() };
        Flow::resume(Arc::clone(&version.definition), Arc::clone(&facts), past).steps()
    });
    let of_path = past.checkpoints.iter().filter(|row| path.is_some_and(|path| row.path == path));
    let last = of_path.max_by_key(|row| row.attempt).cloned();
    let mut flow = Flow::resume(Arc::clone(&version.definition), facts, past);
    if running {
        // What the flow asks for is what the worker is carrying out.
        flow.next(engine.clock().now());
    }
    Ok(Some(Resumed { detail, version, flow, last, untold }))
}

fn is_over(status: StepStatus) -> bool {
    match status {
        StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped | StepStatus::Canceled => true,
        StepStatus::Pending
        | StepStatus::Running
        | StepStatus::Waiting
        | StepStatus::Retrying
        | StepStatus::Ambiguous => false,
    }
}
