//! How things are printed: data on standard output, talk on standard error.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::failure::Exit;

/// Writes a line of data. A reader that has gone away (`| head`) ends the program quietly.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Writes text as it is, with the line breaks that it has.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// One object a line.
pub fn objects(rows: &Value) {
    for row in rows.as_array().into_iter().flatten() {
        line(&row.to_string());
    }
}

/// What to do next, for people.
pub fn hint(text: &str) {
    eprintln!("{text}");
}

/// "1 document", "2 documents".
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Columns as wide as their widest cell; the last one is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let show = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end());
    };
    show(&head.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    for row in rows {
        show(row);
    }
}

/// Local time with its offset, as people read it.
pub fn local(instant: &Value) -> String {
    let Some(parsed) = parse(instant) else { return "-".to_owned() };
    let Ok(stamp) = jiff::Timestamp::from_millisecond(parsed.timestamp_millis()) else { return "-".to_owned() };
    stamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

pub fn parse(instant: &Value) -> Option<DateTime<Utc>> {
    instant.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|instant| instant.to_utc())
}

/// Two units at most.
pub fn took(from: &Value, to: &Value) -> String {
    let (Some(from), Some(to)) = (parse(from), parse(to)) else { return "-".to_owned() };
    duration((to - from).num_milliseconds())
}

pub fn duration(millis: i64) -> String {
    match millis.max(0) {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        millis @ 60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1_000 % 60),
        millis @ 3_600_000..86_400_000 => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
        millis => format!("{} d {} h", millis / 86_400_000, millis / 3_600_000 % 24),
    }
}

/// The shape that goes with a status, so that colour is never needed.
pub fn mark(status: &str) -> &'static str {
    match status {
        "succeeded" => "✓",
        "failed" => "✗",
        "running" => "●",
        "waiting" | "ambiguous" => "◷",
        "retrying" => "↻",
        "skipped" => "–",
        "canceled" => "⊘",
        _ => "○",
    }
}

pub fn code(status: &str) -> ExitCode {
    match status {
        "succeeded" => ExitCode::SUCCESS,
        "canceled" => Exit::Canceled.into(),
        _ => Exit::Failed.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_two_units_at_most() {
        for (millis, text) in [
            (-5, "0 ms"),
            (999, "999 ms"),
            (1_050, "1.0 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(millis), text);
        }
    }
}
