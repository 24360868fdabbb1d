//! The documents of tasks, written by this binary.

use onward_workflows::{Format, Source, slug};
use serde_json::{Value, json};

use super::key::TaskId;

/// The step type that carries a task out.
pub const TASK_STEP: &str = "job.run";
/// Who has deployed a workflow that belongs to tasks.
pub(crate) const AUTHOR: &str = "onward-jobs";
/// The path of the one step.
pub(crate) const STEP: &str = "task";
pub(super) const TRIGGER: &str = "cron";

/// As long as a run may take: what a task has to do in time is its own business.
const LONGEST: &str = "366d";
/// Of an id's 64 bytes.
const NAME_MAX: usize = 58;

/// `job_send-mail` for `SendMail`: no id that is made from a name has an underscore.
pub(super) fn workflow_of(kind: &str) -> String {
    let mut words = String::with_capacity(kind.len() + 4);
    let mut after_lower = false;
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            words.push('-');
        }
        after_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        words.push(letter);
    }
    let mut name = slug(&words).unwrap_or_else(|| TaskId::of(&Value::from(kind)).to_string()[..12].to_owned());
    name.truncate(NAME_MAX);
    format!("job_{}", name.trim_end_matches('-'))
}

pub(super) fn schedule_of(task: TaskId) -> String {
    format!("cron_{}", &task.to_string()[..32])
}

/// For all tasks of a kind. It depends on the id alone, so that kinds which share one do not take turns in deploying it.
pub(super) fn of_kind(workflow: &str) -> Source {
    source(workflow, &document(workflow, workflow.strip_prefix("job_").unwrap_or(workflow)))
}

/// For one task that comes again and again.
pub(super) fn of_schedule(workflow: &str, task: &Value, queue: &str, schedule: &str) -> Source {
    let kind = task["type"].as_str().unwrap_or_default();
    let mut document = document(workflow, &format!("schedule of {kind}"));
    document["inputs"]["task"]["default"] = task.clone();
    document["inputs"]["queue"]["default"] = json!(queue);
    document["triggers"] = json!([{
        "id": TRIGGER,
        "type": "cron",
        "config": { "schedule": schedule, "timezone": "UTC", "overlap": "allow" },
    }]);
    source(workflow, &document)
}

fn document(workflow: &str, name: &str) -> Value {
    json!({
        "version": 1,
        "id": workflow,
        "name": format!("job {name}"),
        "description": "Tasks of a Rust program. It makes this document by itself.",
        "timeout": LONGEST,
        "queue": "{{ inputs.queue }}",
        "inputs": { "task": { "type": "object" }, "queue": { "type": "string" } },
        "steps": [{
            "id": STEP,
            "type": TASK_STEP,
            "timeout": LONGEST,
            // How often and how much later is the task's own say.
            "retry": { "max": 100, "delay": 0, "backoff": "constant", "jitter": false },
            "config": { "task": "{{ inputs.task }}" },
        }],
    })
}

fn source(workflow: &str, document: &Value) -> Source {
    Source::new(format!("{workflow}.json"), document.to_string(), Format::Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_a_workflow_that_people_recognise() {
        for (kind, workflow) in [
            ("SendMail", "job_send-mail"),
            ("billing::Invoice2Pdf", "job_billing-invoice2-pdf"),
            ("HTTPCheck", "job_httpcheck"),
        ] {
            assert_eq!(workflow_of(kind), workflow);
        }
        let long = workflow_of(&"Very".repeat(40));
        assert!(long.len() <= 64 && !long.ends_with('-'), "{long}");
        assert!(workflow_of("משימה").starts_with("job_"));
        assert_ne!(workflow_of("משימה"), workflow_of("משימות"));
    }
}
