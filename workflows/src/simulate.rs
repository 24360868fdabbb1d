//! What another version would have done with a recorded run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Action, Definition, End, Flow, InputCheck, Past, RunFacts, RunStatus, StepStatus, StepView, evaluate_variables,
};

/// Deviations that one run lists.
const DEVIATIONS_MAX: usize = 50;

/// How a recorded run and another version fit together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Simulated {
    /// Nothing is different.
    pub same: bool,
    /// Why the version would not even start with these inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// In the order of the new document; those that are gone come last.
    pub differences: Vec<Deviation>,
    /// How the run ended, and how it would have ended with what is recorded; null while it would still be at work.
    pub status: (Option<RunStatus>, Option<RunStatus>),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deviation {
    pub path: String,
    pub change: DeviationKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// It has no recorded result, and would run.
    WouldRun,
    /// It had run, and would not.
    WouldNotRun,
    /// It would end differently.
    Status,
    /// It would come to something else.
    Output,
}

pub fn simulate(
    old: &Arc<Definition>,
    new: &Arc<Definition>,
    facts: &RunFacts,
    past: &Past,
    now: DateTime<Utc>,
) -> Simulated {
    let (before, old_end) = play(old, facts.clone(), past, now);
    let refused = |why: String| Simulated {
        same: false,
        refused: Some(why),
        differences: Vec::new(),
        status: (old_end.as_ref().map(|end| end.status), None),
    };
    let inputs = match InputCheck::new(new).check(facts.inputs.clone()) {
        Ok(inputs) => inputs,
        Err(problems) => {
            return refused(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        }
    };
    let mut other = RunFacts { inputs, ..facts.clone() };
    match evaluate_variables(new, &other) {
        Ok(variables) => other.variables = variables,
        Err(error) => return refused(error.to_string()),
    }
    let (after, new_end) = play(new, other, past, now);
    let differences = compare(&before, &after);
    let status = (old_end.as_ref().map(|end| end.status), new_end.as_ref().map(|end| end.status));
    Simulated { same: differences.is_empty() && status.0 == status.1, refused: None, differences, status }
}

fn play(
    definition: &Arc<Definition>,
    facts: RunFacts,
    past: &Past,
    now: DateTime<Utc>,
) -> (Vec<StepView>, Option<End>) {
    let mut flow = Flow::resume(Arc::clone(definition), Arc::new(facts), past.clone());
    let actions = flow.next(now);
    let end = actions.into_iter().find_map(|action| match action {
        Action::End(end) => Some(end),
        _ => None,
    });
    (flow.steps(), end)
}

fn compare(before: &[StepView], after: &[StepView]) -> Vec<Deviation> {
    let known: BTreeMap<&str, &StepView> = before.iter().map(|step| (step.path.as_str(), step)).collect();
    let mut differences = Vec::new();
    for step in after {
        let old = known.get(step.path.as_str());
        let had_run = old.is_some_and(|old| is_over(old.status));
        let change = match (had_run, step.status) {
            (false, StepStatus::Running | StepStatus::Waiting | StepStatus::Retrying) => Some(DeviationKind::WouldRun),
            (true, StepStatus::Canceled | StepStatus::Pending) => Some(DeviationKind::WouldNotRun),
            (true, status) if old.is_some_and(|old| old.status != status) => Some(DeviationKind::Status),
            (true, _) if old.is_some_and(|old| old.output != step.output) => Some(DeviationKind::Output),
            _ => None,
        };
        let Some(change) = change else { continue };
        let value = |view: &StepView| match change {
            DeviationKind::Output => view.output.clone(),
            DeviationKind::WouldRun | DeviationKind::WouldNotRun | DeviationKind::Status => {
                serde_json::to_value(view.status).ok()
            }
        };
        differences.push(Deviation {
            path: step.path.clone(),
            change,
            before: old.and_then(|old| value(old)),
            after: value(step),
        });
    }
    let still: BTreeSet<&str> = after.iter().map(|step| step.path.as_str()).collect();
    for step in before.iter().filter(|step| is_over(step.status) && step.status != StepStatus::Canceled) {
        if !still.contains(step.path.as_str()) {
            let before = serde_json::to_value(step.status).ok();
            differences.push(Deviation {
                path: step.path.clone(),
                change: DeviationKind::WouldNotRun,
                before,
                after: None,
            });
        }
    }
    differences.truncate(DEVIATIONS_MAX);
    differences
}

fn is_over(status: StepStatus) -> bool {
    match status {
        StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped => true,
        StepStatus::Pending
        | StepStatus::Running
        | StepStatus::Waiting
        | StepStatus::Retrying
        | StepStatus::Ambiguous
        | StepStatus::Canceled => false,
    }
}
