//! One run: why it is where it is, then its steps.

use std::process::ExitCode;

use serde_json::Value;

use crate::client::Client;
use crate::commands::follow;
use crate::failure::Failure;
use crate::findings;
use crate::output;
use crate::settings::Settings;

pub async fn show(settings: &Settings, client: &Client, run: &str) -> Result<ExitCode, Failure> {
    let detail = client.get(&format!("/runs/{run}?expand=steps")).await?;
    if settings.json {
        output::line(&detail.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| detail[name].as_str().unwrap_or("-");
    let status = text("status");
    output::line(&format!(
        "{}  {} v{}  {} {status}  {}",
        text("id"),
        text("workflow"),
        detail["version"],
        output::mark(status),
        output::took(&detail["created_at"], &detail["finished_at"]),
    ));
    if let Some(shown) = findings::of_run(settings, &detail) {
        output::line(&shown);
    } else if let Some(message) = detail["error"]["message"].as_str() {
        let step = detail["error"]["step"].as_str().map(|step| format!("{step}: ")).unwrap_or_default();
        output::line(&format!("why: {step}{message}"));
    }
    let not_undone: Vec<&str> = list(&detail["not_undone"]).filter_map(Value::as_str).collect();
    if !not_undone.is_empty() {
        output::line(&format!("needs attention: {} could not be undone", not_undone.join(", ")));
    }
    for wait in list(&detail["waiting_for"]) {
        output::line(&format!("waits for: {}", told(wait)));
    }
    if let Some(other) = detail["trigger"]["replay_of"].as_str() {
        output::line(&format!("replay of: {other}"));
    }
    let steps: Vec<&Value> = list(&detail["steps"]).collect();
    for step in &steps {
        output::line(&follow::line(step));
    }
    let handled = steps.iter().filter(|step| step["handled"] == true).count();
    if handled > 0 {
        output::line(&output::plural(handled, "handled error"));
    }
    output::line(&format!("inputs: {}", detail["inputs"]));
    if !detail["output"].is_null() {
        output::line(&format!("output: {}", detail["output"]));
    }
    if let Some(hint) = hint(&detail) {
        output::hint(&hint);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// One wait in one line.
fn told(wait: &Value) -> String {
    let text = |name: &str| wait[name].as_str();
    let (kind, path) = (text("kind").unwrap_or("-"), text("path").unwrap_or("-"));
    let what = match (kind, text("name"), text("key"), text("run_id")) {
        ("event", Some(name), Some(key), _) => format!("event {name} with key {key}"),
        ("event", Some(name), None, _) => format!("event {name}"),
        ("child", _, _, Some(run)) => return format!("{run}, called by {path}"),
        ("person", ..) => "a person, because it is not known whether it was done,".to_owned(),
        ("retry", ..) => "another attempt".to_owned(),
        ("routed", Some(queue), ..) => {
            let whose = match queue.strip_prefix("type:") {
                Some(step_type) => format!("a worker that carries out {step_type}"),
                None => format!("a worker of the queue {queue}"),
            };
            return format!("{whose}, for {path}");
        }
        (other, ..) => other.to_owned(),
    };
    format!("{what} in {path}, until {}", output::local(&wait["due_at"]))
}

/// The next useful command.
fn hint(detail: &Value) -> Option<String> {
    let id = detail["id"].as_str()?;
    let wait = &detail["waiting_for"][0];
    let path = wait["path"].as_str().map(|path| format!("'{path}'")).unwrap_or_default();
    Some(match (detail["status"].as_str()?, wait["kind"].as_str()) {
        // It would give the same again.
        ("failed", _) if matches!(detail["error"]["kind"].as_str(), Some("expression" | "fail")) => {
            format!("after a correction is deployed: onward replay {id} --version latest")
        }
        ("failed", _) => format!("go on from there: onward retry {id}"),
        ("succeeded" | "canceled", _) => return None,
        (_, Some("person")) => {
            format!("say what became of it: onward runs complete {id} {path}, or skip, or retry-step")
        }
        (_, Some("event")) => match (wait["name"].as_str()?, wait["key"].as_str()) {
            (name, Some(key)) => format!("send it: onward events send {name} --key '{key}'"),
            (name, None) => format!("send it: onward events send {name}"),
        },
        (_, Some("child")) => format!("watch it: onward runs follow {}", wait["run_id"].as_str().unwrap_or(id)),
        _ => format!("watch it: onward runs follow {id}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wait_says_what_ends_it() {
        for (wait, said) in [
            (
                json!({ "kind": "event", "path": "a", "name": "ping", "key": "K" }),
                "event ping with key K in a, until -",
            ),
            (json!({ "kind": "event", "path": "a", "name": "ping" }), "event ping in a, until -"),
            (json!({ "kind": "child", "path": "a", "run_id": "run_1" }), "run_1, called by a"),
            (json!({ "kind": "timer", "path": "a" }), "timer in a, until -"),
            (json!({ "kind": "routed", "path": "a", "name": "pdf" }), "a worker of the queue pdf, for a"),
            (
                json!({ "kind": "routed", "path": "a", "name": "type:pdf.render" }),
                "a worker that carries out pdf.render, for a",
            ),
        ] {
            assert_eq!(told(&wait), said);
        }
    }

    #[test]
    fn the_next_command_fits_the_state() {
        let of = |status: &str, waits: Value| hint(&json!({ "id": "run_1", "status": status, "waiting_for": waits }));
        assert_eq!(of("failed", json!([])).as_deref(), Some("go on from there: onward retry run_1"));
        let computed = hint(&json!({ "id": "run_1", "status": "failed", "error": { "kind": "expression" } }));
        assert_eq!(computed.as_deref(), Some("after a correction is deployed: onward replay run_1 --version latest"));
        assert_eq!(of("succeeded", json!([])), None);
        let person = of("waiting", json!([{ "kind": "person", "path": "each[1].send" }]));
        assert_eq!(
            person.as_deref(),
            Some("say what became of it: onward runs complete run_1 'each[1].send', or skip, or retry-step")
        );
        let event = of("waiting", json!([{ "kind": "event", "path": "a", "name": "ping", "key": "K" }]));
        assert_eq!(event.as_deref(), Some("send it: onward events send ping --key 'K'"));
    }
}
