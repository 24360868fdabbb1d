//! The steps of a run: the flow interpreter over what is stored, so that recomputed steps are there too.

use std::sync::Arc;

use onward_workflows::{Cancel, Flow, Past, RunId, StepStatus, StepView, is_undo};

use super::error::ReadError;
use super::run::find_run;
use super::state::RunState;
use crate::Engine;
use crate::history::{read_histories, read_runs};

/// None when there is no such run.
pub async fn read_steps(engine: &Engine, run: RunId) -> Result<Option<Vec<StepView>>, ReadError> {
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
    let mut flow = Flow::resume(Arc::clone(&version.definition), facts, past);
    if running {
        // What the flow asks for is what the worker is carrying out.
        flow.next(engine.clock().now());
    }
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
    Ok(Some(steps))
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
