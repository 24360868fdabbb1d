//! An attempt that nobody has said the outcome of: what to write.

use serde_json::Value;

use super::code;
use super::path::id_of;
use super::read::Named;
use crate::check::Finding;
use crate::source::Span;

/// Characters of a config that a message shows.
const CONFIG_MAX: usize = 240;

/// The shape of a successful output, ready to be filled in.
fn sample(step_type: &str) -> &'static str {
    match step_type {
        "http.request" => "{ status: 200, body: {} }",
        "airtable.lookup" => "{ records: [{ id: rec1, fields: {} }], count: 1 }",
        "cbb.sync_contact" => "{ id: \"1\", created: false, whatsapp_available: true }",
        "whatsapp.send_template" => "{ message_id: m1, correlation_key: \"wa-{{ config.to }}\", contact_id: c1 }",
        "pdf.render" | "pdf.generate" => "{ url: \"https://files.example.test/1.pdf\", size: 1000, pages: 1 }",
        "slack.send" => "{ ts: \"1\", channel: C1 }",
        "email.send" | "whatsapp.send" => "{ message_id: m1 }",
        _ => "{}",
    }
}

pub(super) fn nothing(case: Span, path: &str, step_type: &str, config: &Value) -> Finding {
    let id = id_of(path);
    let mut shown = config.to_string();
    if shown.chars().count() > CONFIG_MAX {
        shown = shown.chars().take(CONFIG_MAX).chain(['…']).collect();
    }
    Finding::error(code::MISSING, case, format!("`{path}` ({step_type}) has no outcome in this case"))
        .label("nothing is sent in a test")
        .help(format!(
            "write below `outcomes`:  {id}: {{ output: {} }}\n  it was asked to do: {shown}",
            sample(step_type)
        ))
}

pub(super) fn ran_out(key: &Named, path: &str, attempt: usize) -> Finding {
    let listed = match attempt {
        1 => "none is listed".to_owned(),
        2 => "only one outcome is listed".to_owned(),
        _ => format!("only {} outcomes are listed", attempt - 1),
    };
    Finding::error(code::MISSING, key.span, format!("`{path}` is tried for the {} time", ordinal(attempt)))
        .label(listed)
        .help("add an outcome, or write one without a list for all attempts")
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
