//! From JSON to a task of this program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fang::AsyncRunnable;
use serde_json::Value;

/// Finds the type by its name among those that are linked into this program.
pub(crate) fn decode(task: &Value) -> Result<Box<dyn AsyncRunnable>, String> {
    let kind = task["type"].as_str().unwrap_or("without a `type`");
    // A task's own code decodes it.
    let decoded = catch_unwind(AssertUnwindSafe(|| serde_json::from_value::<Box<dyn AsyncRunnable>>(task.clone())));
    match decoded {
        Ok(Ok(task)) => Ok(task),
        Ok(Err(error)) => Err(format!("this program cannot read a task `{kind}`: {error}")),
        Err(panic) => Err(format!("reading a task `{kind}` panicked: {}", said(&*panic))),
    }
}

/// The words of a panic.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing")
}
