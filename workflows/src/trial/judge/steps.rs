//! `steps` and `configs` of what a case expects.

use serde_json::json;

use super::{error_against, placed};
use crate::check::Finding;
use crate::trial::expect::{Expect, ExpectStep};
use crate::trial::matching::{differences, different, times};
use crate::trial::path::canonical;
use crate::trial::places::Places;
use crate::trial::read::Named;
use crate::trial::seen::Seen;
use crate::{StepStatus, StepView};

pub(super) fn judge(expect: &Expect<'_>, seen: &Seen, places: &Places, findings: &mut Vec<Finding>) {
    for (named, step) in &expect.steps {
        let views = seen.named(&named.text);
        if views.is_empty() {
            findings.extend(unseen(named, step, seen).map(|finding| placed(finding, Some(&named.text), places)));
        }
        for view in views {
            let found = one(step, view);
            findings.extend(found.into_iter().map(|finding| placed(finding, Some(&view.path), places)));
        }
    }
    for (named, expected) in &expect.configs {
        let configs = seen.configs_named(&named.text);
        if configs.is_empty() {
            let finding = different(named.span, format!("`{}` was not asked to do anything", named.text), "no config");
            findings.push(placed(finding, Some(&named.text), places));
        }
        for (path, config) in configs {
            let found = differences(expected, config, &format!("configs.{}", canonical(path)));
            findings.extend(found.into_iter().map(|finding| placed(finding, Some(path), places)));
        }
    }
}

/// Items that were skipped never had a turn; handlers and undo steps are not looked at before they are needed.
fn unseen(named: &Named, step: &ExpectStep<'_>, seen: &Seen) -> Option<Finding> {
    let skipped = named
        .text
        .rsplit_once('[')
        .is_some_and(|(of, _)| seen.named(of).iter().any(|view| view.items.is_some_and(|items| items.skipped > 0)));
    let found = if skipped { "skipped" } else { "pending" };
    match &step.status {
        Some(status) if status.text == found => None,
        Some(status) => {
            Some(different(status.span, format!("`{}` is {found}, not {}", named.text, status.text), "it did not run"))
        }
        None => Some(different(named.span, format!("`{}` did not run", named.text), format!("it is {found}"))),
    }
}

fn one(step: &ExpectStep<'_>, view: &StepView) -> Vec<Finding> {
    let path = canonical(&view.path);
    let mut findings = Vec::new();
    if let Some(wanted) = &step.status {
        let found = match view.status {
            StepStatus::Running | StepStatus::Waiting | StepStatus::Retrying | StepStatus::Ambiguous => {
                "canceled".to_owned()
            }
            status => json!(status).as_str().unwrap_or_default().to_owned(),
        };
        if found != wanted.text {
            let message = format!("`{path}` is {found}, not {}", wanted.text);
            let label = match &view.error {
                Some(error) => format!("found `{found}`: {}", error.message),
                None => format!("found `{found}`"),
            };
            findings.push(different(wanted.span, message, label));
        }
    }
    if let Some(expected) = step.output {
        let output = view.output.clone().unwrap_or_default();
        findings.extend(differences(expected, &output, &format!("steps.{path}.output")));
    }
    if let Some((wanted, span)) = step.attempts
        && view.attempts as usize != wanted
    {
        let message = format!("`{path}` was tried {}, not {}", times(view.attempts as usize), times(wanted));
        findings.push(different(span, message, format!("found {}", view.attempts)));
    }
    if let Some(expected) = step.error {
        findings.extend(error_against(expected, view.error.as_ref(), &format!("steps.{path}.error")));
    }
    if let Some((wanted, span)) = step.handled
        && view.handled != wanted
    {
        let message = format!("the failure of `{path}` is {}handled", if view.handled { "" } else { "not " });
        findings.push(different(span, message, format!("found {}", view.handled)));
    }
    findings
}
