//! `onward schedule`: when what will start by itself, and what should not, or should have.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use jiff::civil::DateTime as Civil;
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::deploy::confirm;
use crate::arguments::Schedule;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::local_time;
use crate::output;
use crate::settings::Settings;

pub async fn schedule(settings: &Settings, wish: Schedule) -> Result<ExitCode, Failure> {
    let client = Client::new(settings)?;
    match wish {
        Schedule::Next { workflow, count } => next(settings, &client, workflow.as_deref(), count).await,
        Schedule::Pause { name, until } => {
            let paused = client.post(&path(&name, "pause"), &json!({ "until": until })).await?;
            let text = |row: &Value| {
                let end = match row["paused_until"].as_str() {
                    Some(_) => format!(" until {}", output::local(&row["paused_until"])),
                    None => String::new(),
                };
                let skipped = match row["skipped"].as_u64() {
                    Some(skipped @ 1..) => format!("; {skipped} waiting fires were skipped"),
                    _ => String::new(),
                };
                format!("{} is paused{end}{skipped}; go on with: onward schedule resume {0}", id(row))
            };
            Ok(tell(settings, &paused, text))
        }
        Schedule::Resume { name } => {
            let resumed = client.post(&path(&name, "resume"), &json!({})).await?;
            Ok(tell(settings, &resumed, |row| format!("{} fires again; see: onward schedule next", id(row))))
        }
        Schedule::Backfill { name, from, to, at_once, dry_run, yes } => {
            let overlap = if at_once { "allow" } else { "queue" };
            let range = json!({ "from": from, "to": to, "overlap": overlap });
            backfill(settings, &client, &path(&name, "backfill"), range, dry_run, yes).await
        }
    }
}

fn path(name: &str, verb: &str) -> String {
    format!("/schedules/{}/{verb}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap_or("the schedule")
}

fn tell(settings: &Settings, row: &Value, text: impl Fn(&Value) -> String) -> ExitCode {
    output::line(&if settings.json { row.to_string() } else { text(row) });
    ExitCode::SUCCESS
}

/// Counts first; what is started afterwards is what was counted, or less.
async fn backfill(
    settings: &Settings,
    client: &Client,
    path: &str,
    mut range: Value,
    dry_run: bool,
    yes: bool,
) -> Result<ExitCode, Failure> {
    let told = |row: &Value| {
        let (from, to) = (output::local(&row["from"]), output::local(&row["to"]));
        let known = match row["known"].as_u64() {
            Some(known @ 1..) => format!("; {known} have one already"),
            _ => String::new(),
        };
        format!("{}: {} runs for times from {from} to {to}{known}", id(row), row["count"])
    };
    range["dry_run"] = json!(true);
    let mut counted = client.post(path, &range).await?;
    if dry_run || counted["count"] == 0 {
        return Ok(tell(settings, &counted, told));
    }
    if !yes {
        output::hint(&told(&counted));
        if !confirm(&client.base)? {
            output::hint("nothing was started");
            return Ok(Exit::Failed.into());
        }
    }
    // The range that was counted, also when some time has passed since.
    let (from, to) = (counted["from"].take(), counted["to"].take());
    let done = client.post(path, &json!({ "from": from, "to": to, "overlap": range["overlap"] })).await?;
    Ok(tell(settings, &done, told))
}

async fn next(settings: &Settings, client: &Client, workflow: Option<&str>, count: usize) -> Result<ExitCode, Failure> {
    let filter =
        workflow.map(|id| format!("&workflow={}", utf8_percent_encode(id, NON_ALPHANUMERIC))).unwrap_or_default();
    let fires = client.get(&format!("/schedules/next?n={count}{filter}")).await?;
    if settings.json {
        output::objects(&fires["data"]);
        return Ok(ExitCode::SUCCESS);
    }
    let now = local_time::now();
    let rows: Vec<Vec<String>> = list(&fires["data"]).iter().map(|fire| fire_row(fire, now)).collect();
    output::table(&["IN", "LOCAL", "UTC", "WORKFLOW", "TRIGGER"], &rows);
    if rows.is_empty() {
        output::hint("no cron trigger is enabled");
    }
    for note in list(&fires["clock_changes"]).iter().filter_map(note) {
        output::hint(&note);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(rows: &Value) -> &[Value] {
    rows.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn fire_row(fire: &Value, now: DateTime<Utc>) -> Vec<String> {
    let text = |name: &str| fire[name].as_str().unwrap_or("-").to_owned();
    let at = output::parse(&fire["at"]);
    let until = at.map_or(0, |at| (at - now).num_milliseconds());
    let jitter =
        at.zip(output::parse(&fire["nominal_at"])).map_or(0, |(at, nominal)| (at - nominal).num_milliseconds());
    let jitter = if jitter > 0 { format!(" + {} jitter", output::duration(jitter)) } else { String::new() };
    vec![
        output::duration(until),
        output::local(&fire["at"]),
        text("at"),
        text("workflow"),
        format!("{} \"{}\" {}{jitter}", text("trigger_id"), text("schedule"), text("timezone")),
    ]
}

/// What a change of the clock does to a fire, in a sentence.
fn note(moved: &Value) -> Option<String> {
    let (zone, workflow) = (moved["timezone"].as_str()?, moved["workflow"].as_str()?);
    let local: Civil = moved["local"].as_str()?.parse().ok()?;
    let named = local.strftime("%a %-d %b %Y %H:%M");
    let stamp = jiff::Timestamp::from_second(output::parse(&moved["at"])?.timestamp()).ok()?;
    let runs_at = stamp.to_zoned(TimeZone::get(zone).ok()?).strftime("%H:%M %:z");
    let what = if moved["kind"] == "skipped" { "does not exist" } else { "comes twice" };
    let once = if moved["kind"] == "skipped" { "" } else { " once," };
    Some(format!("note: {named} {what} in {zone} (clock change); {workflow} will run{once} at {runs_at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_clock_is_told_in_a_sentence() {
        let moved = |local: &str, at: &str, kind: &str| {
            note(&json!({
                "workflow": "nightly", "timezone": "Asia/Jerusalem", "local": local, "at": at, "kind": kind,
            }))
        };
        assert_eq!(
            moved("2027-03-26T02:30:00", "2027-03-26T00:00:00Z", "skipped").as_deref(),
            Some(
                "note: Fri 26 Mar 2027 02:30 does not exist in Asia/Jerusalem (clock change); nightly will run at 03:00 +03:00"
            )
        );
        assert_eq!(
            moved("2026-10-25T01:30:00", "2026-10-24T22:30:00Z", "repeated").as_deref(),
            Some(
                "note: Sun 25 Oct 2026 01:30 comes twice in Asia/Jerusalem (clock change); nightly will run once, at 01:30 +03:00"
            )
        );
        assert_eq!(note(&json!({})), None);
    }

    #[test]
    fn a_fire_shows_its_jitter() {
        let fire = json!({
            "at": "2026-11-24T16:01:12Z", "nominal_at": "2026-11-24T16:00:00Z", "workflow": "deliver",
            "trigger_id": "cron", "schedule": "0 18 * * *", "timezone": "Asia/Jerusalem",
        });
        let row = fire_row(&fire, "2026-11-24T13:00:00Z".parse().expect("an instant"));
        assert_eq!(row[0], "3 h 1 min");
        assert_eq!(row[4], "cron \"0 18 * * *\" Asia/Jerusalem + 1 min 12 s jitter");
    }
}
