//! Outcomes as a test file writes them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Mock, Reply, ReplyKind, Settle, Settled};
use crate::check::Finding;
use crate::tree::{Kind, Node};
use crate::trial::code;
use crate::trial::path::{Known, is_mocked};
use crate::trial::read::{Named, Reader};
use crate::{Body, ErrorKind, StepError, Template};

const OUTCOME_FIELDS: [&str; 7] = ["output", "error", "ambiguous", "timeout", "settle", "took", "times"];
const ERROR_FIELDS: [&str; 7] = ["kind", "status", "code", "message", "retryable", "retry_after", "details"];
const SETTLE_FIELDS: [&str; 3] = ["after", "as", "output"];
/// Attempts that one list may stand for.
const ATTEMPTS_MAX: usize = 10_000;
const SHAPES: &str =
    "an outcome is {output: …}, {error: …}, `ambiguous` or `timeout`; a list of them for successive attempts";

pub(in crate::trial) fn read(node: &Node, known: &Known<'_>, reader: &mut Reader) -> Vec<Mock> {
    let mut mocks = Vec::new();
    for entry in reader.entries(node, "`outcomes`") {
        let key = Named { text: entry.key.clone(), span: entry.key_span };
        let step = match known.look_up(&key) {
            Ok(step) if is_mocked(step) => step,
            Ok(step) => {
                let message =
                    format!("`{}` is a `{}` step, and its outcome follows from the document", key.text, step.kind());
                let help = match step.body {
                    Body::WaitForEvent(_) => "send what it waits for with `events`",
                    Body::Wait(_) => "the clock jumps over it",
                    _ => "only steps that do work, call or emit have outcomes here",
                };
                reader
                    .findings
                    .push(Finding::error(code::NO_STEP, key.span, message).label("no outcome needed").help(help));
                continue;
            }
            Err(finding) => {
                reader.findings.push(*finding);
                continue;
            }
        };
        let listed = matches!(entry.value.kind, Kind::List(_));
        let nodes = if listed { reader.list(&entry.value, "outcomes") } else { std::slice::from_ref(&entry.value) };
        let mut replies = Vec::new();
        for node in nodes {
            if let Some((reply, times)) = reply(node, reader) {
                if matches!(
                    (&reply.kind, &step.body),
                    (ReplyKind::Ambiguous { .. }, Body::Call { .. } | Body::Emit { .. })
                ) {
                    reader.refuse(node.span, format!("a `{}` is never ambiguous", step.kind()), "it can be sent again");
                }
                let room = ATTEMPTS_MAX - replies.len().min(ATTEMPTS_MAX);
                replies.extend(std::iter::repeat_n(reply, times.min(room)));
            }
        }
        mocks.push(Mock { key, replies, listed });
    }
    mocks
}

fn reply(node: &Node, reader: &mut Reader) -> Option<(Reply, usize)> {
    let simple = |kind| Some((Reply { span: node.span, took: Duration::ZERO, kind }, 1));
    match node.as_str() {
        Some("ambiguous") => return simple(ambiguous(None)),
        Some("timeout") => return simple(ReplyKind::Timeout),
        _ => {}
    }
    if node.as_map().is_none() {
        reader.findings.push(
            Finding::error(code::SHAPE, node.span, "this is no outcome")
                .label(format!("this is {}", node.what()))
                .help(SHAPES),
        );
        return None;
    }
    let (mut kinds, mut took, mut times, mut settle) = (Vec::new(), Duration::ZERO, 1, None);
    for entry in reader.fields(node, "an outcome", &OUTCOME_FIELDS) {
        let value = &entry.value;
        match entry.key.as_str() {
            "output" => kinds.push(output(value, reader)),
            "error" => kinds.push(ReplyKind::Error(Box::new(error(value, reader)))),
            "ambiguous" => kinds.push(ambiguous(value.as_str())),
            "timeout" => kinds.push(ReplyKind::Timeout),
            "settle" => settle = Some(settled(value, reader)),
            "took" => took = reader.duration(value, "`took`").unwrap_or_default(),
            "times" => times = reader.count(value, "`times`").unwrap_or(1).max(1),
            _ => {}
        }
    }
    let mut kinds = kinds.into_iter();
    let (Some(mut kind), None) = (kinds.next(), kinds.next()) else {
        let finding = Finding::error(code::SHAPE, node.span, "an outcome says one thing");
        reader.findings.push(finding.label("write one of `output`, `error`, `ambiguous`, `timeout`").help(SHAPES));
        return None;
    };
    match &mut kind {
        ReplyKind::Ambiguous { settle: place, .. } => *place = settle,
        _ if settle.is_some() => {
            reader.refuse(node.span, "`settle` belongs to an ambiguous outcome", "this one is definite");
        }
        _ => {}
    }
    let reply = Reply { span: node.span, took, kind };
    Some((reply, usize::try_from(times).unwrap_or(1)))
}

fn ambiguous(message: Option<&str>) -> ReplyKind {
    let message = message.unwrap_or("it was sent, and no answer came").to_owned();
    ReplyKind::Ambiguous { message, settle: None }
}

fn output(node: &Node, reader: &mut Reader) -> ReplyKind {
    let value = node.to_value();
    if let Err(error) = Template::parse(&value) {
        reader.refuse(node.span, format!("a template in this output is wrong: {}", error.message), "in here");
        return ReplyKind::Output(Value::Null);
    }
    ReplyKind::Output(value)
}

/// `503` is an answer with that status, a text is a message.
fn error(node: &Node, reader: &mut Reader) -> StepError {
    let mut error = StepError::new(ErrorKind::Http, String::new());
    let (mut kind, mut retryable) = (None, None);
    match &node.kind {
        Kind::Number(_) => error.status = status(node, reader),
        Kind::Text(text) => {
            kind = Some(ErrorKind::Fail);
            error.message.clone_from(&text.value);
        }
        _ => {
            for entry in reader.fields(node, "an error", &ERROR_FIELDS) {
                let value = &entry.value;
                match entry.key.as_str() {
                    "kind" => kind = error_kind(value, reader),
                    "status" => error.status = status(value, reader),
                    "code" => error.code = reader.text(value, "`code`"),
                    "message" => error.message = reader.text(value, "`message`").unwrap_or_default(),
                    "retryable" => retryable = reader.boolean(value, "`retryable`"),
                    "retry_after" => {
                        let after = reader.duration(value, "`retry_after`");
                        error.retry_after_ms = after.and_then(|after| u64::try_from(after.as_millis()).ok());
                    }
                    "details" => error.details = Some(value.to_value()),
                    _ => {}
                }
            }
        }
    }
    error.kind = kind.unwrap_or(if error.status.is_some() { ErrorKind::Http } else { ErrorKind::Network });
    error.retryable = retryable.unwrap_or(match error.kind {
        ErrorKind::Http => error.status.is_some_and(|status| matches!(status, 408 | 429 | 500..)),
        ErrorKind::Network | ErrorKind::Timeout => true,
        _ => false,
    });
    if error.message.is_empty() {
        error.message = match error.status {
            Some(status) => format!("the answer was {status}"),
            None => "no answer".to_owned(),
        };
    }
    error
}

fn status(node: &Node, reader: &mut Reader) -> Option<u16> {
    let status = reader.count(node, "a status")?;
    u16::try_from(status).ok().filter(|status| (100..600).contains(status)).or_else(|| {
        reader.refuse(node.span, "a status is between 100 and 599", "not this");
        None
    })
}

fn error_kind(node: &Node, reader: &mut Reader) -> Option<ErrorKind> {
    let words =
        ["http", "network", "timeout", "config", "expression", "expectation", "fail", "ambiguous", "limit", "internal"];
    let word = reader.word(node, "kind of error", &words)?;
    serde_json::from_value(json!(word)).ok()
}

fn settled(node: &Node, reader: &mut Reader) -> Settle {
    let (mut after, mut how, mut output) = (Duration::ZERO, None, Value::Null);
    for entry in reader.fields(node, "`settle`", &SETTLE_FIELDS) {
        match entry.key.as_str() {
            "after" => after = reader.duration(&entry.value, "`after`").unwrap_or_default(),
            "as" => how = reader.word(&entry.value, "way to settle", &["complete", "retry", "skip"]),
            "output" => output = entry.value.to_value(),
            _ => {}
        }
    }
    let how = match how {
        Some("retry") => Settled::Retry,
        Some("skip") => Settled::Skip,
        _ => Settled::Complete(output),
    };
    Settle { after, how }
}
