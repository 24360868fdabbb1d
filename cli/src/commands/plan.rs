//! What a deploy would do, told by what the documents mean.

use onward_workflows::{Change, Format, Source, difference};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::output;

/// More are not counted.
const RUNS_MAX: usize = 200;

pub fn rows(deployed: &Value) -> &[Value] {
    deployed["workflows"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The newest version of a workflow on the server, if there is one.
pub struct Stored {
    pub version: i64,
    pub enabled: bool,
    source: Source,
}

pub async fn find(client: &Client, id: &str) -> Result<Option<Stored>, Failure> {
    let found = match client.get(&format!("/workflows/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))).await {
        Err(failure) if failure.exit() == Exit::NotFound => return Ok(None),
        found => found?,
    };
    let format = found["format"].as_str().and_then(|name| name.parse().ok()).unwrap_or(Format::Json);
    let text = found["document"].as_str().unwrap_or_default();
    Ok(Some(Stored {
        version: found["version"].as_i64().unwrap_or_default(),
        enabled: found["enabled"] != false,
        source: Source::new(id, text, format),
    }))
}

impl Stored {
    pub fn is(&self, source: &Source) -> bool {
        self.source.text == source.text
    }

    /// A document that the server has taken can be read; of one that cannot be, nothing is said.
    pub fn changes(&self, source: &Source) -> Vec<Change> {
        difference(&self.source, source).unwrap_or_default()
    }
}

/// Adds to each changed workflow of a plan what is different, and how many runs go on with the version before.
pub async fn explain(client: &Client, sources: &[Source], planned: &mut Value) -> Result<(), Failure> {
    let rows = planned["workflows"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for (row, source) in rows.iter_mut().zip(sources).filter(|(row, _)| row["action"] == "updated") {
        let id = row["id"].as_str().unwrap_or_default().to_owned();
        let stored = match find(client, &id).await {
            // A key that may deploy need not be one that may read.
            Err(failure) if failure.exit() == Exit::NotAllowed => continue,
            stored => stored?,
        };
        let Some(stored) = stored else { continue };
        row["changes"] = json!(stored.changes(source));
        if row["version"] != row["previous_version"]
            && let Some(count) = count_active(client, &id, stored.version).await
        {
            row["active_runs"] = count.into();
        }
    }
    Ok(())
}

/// None when the key may not see runs.
async fn count_active(client: &Client, id: &str, version: i64) -> Option<usize> {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let live = "status=queued&status=running&status=waiting";
    let page = client.get(&format!("/runs?limit={RUNS_MAX}&workflow={id}&version={version}&{live}")).await.ok()?;
    page["data"].as_array().map(Vec::len)
}

/// What the plan knows beyond the answer of the deploy.
pub fn carry_over(planned: &Value, done: &mut Value) {
    let done = done["workflows"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for (row, plan) in done.iter_mut().zip(rows(planned)).filter(|(row, plan)| row["id"] == plan["id"]) {
        for name in ["changes", "active_runs"] {
            if let Some(value) = plan.get(name) {
                row[name] = value.clone();
            }
        }
    }
}

pub fn differs(planned: &Value, done: &Value) -> bool {
    let said = |deployed: &Value| {
        let row = |row: &Value| [row["id"].clone(), row["action"].clone(), row["version"].clone()];
        rows(deployed).iter().map(row).collect::<Vec<_>>()
    };
    said(planned) != said(done)
}

pub fn show(deployed: &Value) {
    for row in rows(deployed) {
        let id = row["id"].as_str().unwrap_or_default();
        let (sign, what) = match row["action"].as_str() {
            Some("created") => ("+", format!("v{}, new", row["version"])),
            Some("updated") if row["version"] == row["previous_version"] => {
                let now = if row["enabled"] == true { "switched on" } else { "switched off" };
                ("~", format!("v{}, {now}", row["version"]))
            }
            Some("updated") => ("~", format!("v{} → v{}", row["previous_version"], row["version"])),
            Some("removed") => ("-", "switched off".to_owned()),
            _ => ("=", format!("v{}, unchanged", row["version"])),
        };
        output::line(format!("  {sign} {id:24} {what:18} {}", triggers(row)).trim_end());
        if let Some(changes) = row["changes"].as_array().filter(|_| row["version"] != row["previous_version"]) {
            let changes = changes.iter().filter_map(|change| serde_json::from_value(change.clone()).ok());
            show_changes(&changes.collect::<Vec<_>>());
        }
        if let Some(count) = row["active_runs"].as_u64().filter(|count| *count > 0) {
            show_active(count, &row["previous_version"]);
        }
    }
    match deployed["secrets"].as_array().map_or(0, Vec::len) {
        0 => {}
        1 => output::line("  secrets: the one that is declared is set"),
        count => output::line(&format!("  secrets: all {count} are set")),
    }
}

pub fn show_changes(changes: &[Change]) {
    for change in changes {
        output::line(&format!("      {change}"));
    }
    if changes.is_empty() {
        output::line("      only comments or layout");
    }
}

fn show_active(count: u64, version: &Value) {
    let (are, they) = if count == 1 { ("is", "it finishes") } else { ("are", "they finish") };
    let some = if count == RUNS_MAX as u64 { "at least " } else { "" };
    let runs = output::plural(usize::try_from(count).unwrap_or(RUNS_MAX), "run");
    output::line(&format!("      ! {some}{runs} of v{version} {are} active; {they} on v{version}"));
}

/// What starts a workflow, in a few words.
pub fn triggers(row: &Value) -> String {
    let shown: Vec<String> = row["triggers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|trigger| match trigger["type"].as_str().or(trigger["kind"].as_str()) {
            Some("cron") => {
                format!(
                    "cron {} {}, next {}",
                    text(trigger, "schedule"),
                    text(trigger, "timezone"),
                    output::local(&trigger["next_at"])
                )
            }
            Some("webhook") => format!("POST /api/v1/triggers/{}", text(trigger, "endpoint")),
            Some(other) => other.to_owned(),
            None => String::new(),
        })
        .collect();
    shown.join(", ")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
