//! Errors of expressions at their line of the document that the run has.

use onward_workflows::{Diagnostic, ErrorKind, RunId, Source, StepError, StepView, diagnose};

use super::error::ReadError;
use crate::Engine;
use crate::versions::load_source;

/// Failed steps of one run that are shown at their line; the message of every error tells the place as well.
const DIAGNOSED_MAX: usize = 100;

/// None for errors of other kinds, and where the document has no such place.
pub(super) async fn of_run(
    engine: &Engine,
    run: RunId,
    (workflow, version): (&str, i32),
    error: Option<&StepError>,
) -> Result<Option<Box<Diagnostic>>, ReadError> {
    let Some(error) = error.filter(|error| error.kind == ErrorKind::Expression) else { return Ok(None) };
    let source = load_source(engine.pool(), workflow, version).await.map_err(ReadError::Version)?;
    Ok(at_its_line(run, error, &source))
}

pub(super) async fn of_steps(
    engine: &Engine,
    run: RunId,
    (workflow, version): (&str, i32),
    steps: &mut [StepView],
) -> Result<(), ReadError> {
    let is_ours = |step: &&mut StepView| step.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Expression);
    let mut failed: Vec<&mut StepView> = steps.iter_mut().filter(is_ours).take(DIAGNOSED_MAX).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let source = load_source(engine.pool(), workflow, version).await.map_err(ReadError::Version)?;
    for step in &mut failed {
        step.diagnostic = step.error.as_ref().and_then(|error| at_its_line(run, error, &source));
    }
    Ok(())
}

fn at_its_line(run: RunId, error: &StepError, source: &Source) -> Option<Box<Diagnostic>> {
    let mut diagnostic = diagnose(error, source)?;
    if let Some(at) = &mut diagnostic.at {
        at.run = Some(run.to_string());
    }
    Some(Box::new(diagnostic))
}
