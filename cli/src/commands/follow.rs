//! Watching a run to its end, one line for each change.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::findings;
use crate::output;
use crate::settings::Settings;

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a server may take to come back while somebody watches.
const LOST_MAX: Duration = Duration::from_mins(1);

/// Prints what changes until the run has ended; its status becomes the exit code.
pub async fn follow(
    settings: &Settings,
    client: &Client,
    run: &str,
    timeout: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let path = format!("/runs/{run}?expand=steps");
    let mut seen: HashMap<String, String> = HashMap::new();
    let (mut status, mut lost_since) = (String::new(), None);
    loop {
        let asked = tokio::select! {
            asked = client.get(&path) => asked,
            _ = tokio::signal::ctrl_c() => return Ok(left()),
        };
        match asked {
            Ok(detail) => {
                lost_since = None;
                if !settings.json {
                    print_changes(&detail, &mut seen);
                }
                detail["status"].as_str().unwrap_or_default().clone_into(&mut status);
                if ["succeeded", "failed", "canceled"].contains(&status.as_str()) {
                    finish(settings, &detail, &status);
                    return Ok(output::code(&status));
                }
            }
            // A server that has answered before may just be starting again.
            Err(failure) if !status.is_empty() && failure.exit() == Exit::Unreachable => {
                if lost_since.is_none() {
                    output::hint("the server does not answer any more; the run goes on when it is back");
                }
                if lost_since.get_or_insert_with(Instant::now).elapsed() > LOST_MAX {
                    return Err(failure);
                }
            }
            Err(failure) => return Err(failure),
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            output::hint(&format!("still {status}; it goes on: onward runs follow {run}"));
            return Ok(Exit::TimedOut.into());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(left()),
        }
    }
}

/// Read before anything is started, so that a slip of the finger starts nothing.
pub fn parse_timeout(text: Option<&str>) -> Result<Option<Duration>, Failure> {
    let usage = |text: &str, error| Failure::new(Exit::Usage, format!("--timeout {text}: {error}"));
    text.map(|text| onward_workflows::parse_duration(text).map_err(|error| usage(text, error))).transpose()
}

fn left() -> ExitCode {
    output::hint("stopped watching; the run goes on");
    Exit::Interrupted.into()
}

fn print_changes(detail: &Value, seen: &mut HashMap<String, String>) {
    for step in detail["steps"].as_array().into_iter().flatten() {
        let path = step["path"].as_str().unwrap_or_default();
        let status = step["status"].as_str().unwrap_or_default();
        let state = format!("{status} {}", step["attempts"]);
        if status == "pending" || seen.get(path) == Some(&state) {
            continue;
        }
        seen.insert(path.to_owned(), state);
        output::line(&line(step));
    }
}

/// One step in one line.
pub fn line(step: &Value) -> String {
    let path = step["path"].as_str().unwrap_or_default();
    let status = step["status"].as_str().unwrap_or_default();
    let attempts = step["attempts"].as_u64().unwrap_or_default();
    let handled = if step["handled"] == true { "handled: " } else { "" };
    let more = match status {
        _ if step["items"].is_object() => format!("{handled}{}", counts(&step["items"])),
        "succeeded" if attempts > 1 => format!("{attempts} attempts"),
        "failed" | "retrying" | "ambiguous" => {
            let message = step["error"]["message"].as_str().unwrap_or_default();
            format!("{handled}attempt {attempts}: {}", message.lines().next().unwrap_or_default())
        }
        "waiting" if step["waits_until"].is_null() => "for a worker".to_owned(),
        "waiting" => format!("until {}", output::local(&step["waits_until"])),
        _ => String::new(),
    };
    let took = match status {
        "succeeded" | "failed" => output::took(&step["started_at"], &step["finished_at"]),
        _ => status.to_owned(),
    };
    let indent = "  ".repeat(step["depth"].as_u64().and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0));
    let path = match path.strip_suffix("~undo") {
        Some(undone) => format!("undo of {undone}"),
        None => path.to_owned(),
    };
    format!("  {indent}{} {path:20} {took:12} {more}", output::mark(status)).trim_end().to_owned()
}

/// How far a loop is: `4 items: 2 succeeded, 1 failed`.
fn counts(items: &Value) -> String {
    let count = |name: &str| items[name].as_u64().filter(|count| *count > 0);
    let parts: Vec<String> = ["succeeded", "failed", "handled", "skipped", "running"]
        .into_iter()
        .filter_map(|name| count(name).map(|count| format!("{count} {name}")))
        .collect();
    let total = items["total"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
    let total = output::plural(total, "item");
    if parts.is_empty() { total } else { format!("{total}: {}", parts.join(", ")) }
}

fn finish(settings: &Settings, detail: &Value, status: &str) {
    if settings.json {
        output::line(&detail.to_string());
        return;
    }
    let took = output::took(&detail["created_at"], &detail["finished_at"]);
    output::line(&format!("{} {status} after {took}", output::mark(status)));
    if status == "succeeded" {
        output::line(&serde_json::to_string_pretty(&detail["output"]).unwrap_or_default());
    } else if let Some(shown) = findings::of_run(settings, detail) {
        output::line(&shown);
    } else if let Some(message) = detail["error"]["message"].as_str() {
        let step = detail["error"]["step"].as_str().map(|step| format!("in {step}: ")).unwrap_or_default();
        output::line(&format!("  {step}{message}"));
    }
}
