//! Calls of other workflows, compared with them when a document is deployed.

use std::collections::BTreeMap;

use super::{Finding, Report};
use crate::source::Span;
use crate::suggest::listed;
use crate::{Definition, Input};

/// A `call` whose workflow is written out.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub workflow: String,
    pub workflow_span: Span,
    /// The names of what it gives; None when they are not known before the run.
    pub inputs: Option<Vec<(String, Span)>>,
}

/// Compares a call with what a deploy knows of the workflow that it names.
pub(super) fn compare(call: &Call, known: &BTreeMap<String, BTreeMap<String, Input>>, report: &mut Report) {
    let Some(inputs) = known.get(&call.workflow) else {
        let finding = Finding::error("E201", call.workflow_span, format!("there is no workflow `{}`", call.workflow));
        report.add(match report.closest(&call.workflow, known.keys().map(String::as_str)) {
            Some(meant) => finding.label(format!("did you mean `{meant}`?")).fix(
                format!("Change to `{meant}`"),
                false,
                vec![(call.workflow_span, format!("\"{meant}\""))],
            ),
            None => finding.label("it is neither deployed nor among these documents"),
        });
        return;
    };
    // A workflow without declared inputs takes anything.
    let Some(given) = call.inputs.as_ref().filter(|_| !inputs.is_empty()) else { return };
    for (name, span) in given.iter().filter(|(name, _)| !inputs.contains_key(name)) {
        if report.is_full() {
            return;
        }
        let finding = Finding::error("E201", *span, format!("`{}` has no input `{name}`", call.workflow));
        report.add(match report.closest(name, inputs.keys().map(String::as_str)) {
            Some(meant) => finding.label(format!("did you mean `{meant}`?")),
            None => finding.label(format!("its inputs are {}", listed(inputs.keys().map(String::as_str)))),
        });
    }
    let missing: Vec<&str> = inputs
        .iter()
        .filter(|(name, input)| input.default.is_none() && given.iter().all(|(given, _)| given != *name))
        .map(|(name, _)| name.as_str())
        .collect();
    if !missing.is_empty() {
        let message = format!("the call of `{}` leaves out {}", call.workflow, listed(missing.iter().copied()));
        let label = if missing.len() == 1 { "it has no default" } else { "they have no default" };
        report.add(Finding::error("E201", call.workflow_span, message).label(label));
    }
}

/// The inputs of deployed workflows and of the documents of a deploy, by workflow.
pub fn inputs_by_workflow<'d>(
    definitions: impl IntoIterator<Item = &'d Definition>,
) -> BTreeMap<String, BTreeMap<String, Input>> {
    definitions.into_iter().map(|definition| (definition.id.clone(), definition.inputs.clone())).collect()
}
