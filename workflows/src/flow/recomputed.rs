//! Steps that leave no checkpoint: they are computed anew, with the same result, whenever a flow is resumed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::known::Known;
use super::results::{StepResult, Verdict};
use crate::payload::check_output;
use crate::{Body, ErrorKind, EvaluationError, Step, StepError, Template};

/// Bytes of one step's output.
pub(super) const OUTPUT_MAX: usize = 10 << 20;
/// Bytes of an error's message; the rest says nothing that the beginning did not.
const MESSAGE_MAX: usize = 16 << 10;
/// Bytes of an error's details.
const DETAILS_MAX: usize = 64 << 10;

/// The step's result, if it needs nothing but computing: a skip, a `value`, a `return`, a `fail`, or a condition that
/// cannot be evaluated.
pub(super) fn compute(step: &Step, known: &Known, ready_at: DateTime<Utc>) -> Option<StepResult> {
    let over = |status, output| StepResult::new(status, output, 1, (ready_at, ready_at));
    let failed = |error: StepError| {
        let error = storable(StepError { step: Some(step.id.clone()), attempt: Some(1), ..error });
        StepResult { error: Some(error), ..over(Verdict::Failed, Value::Null) }
    };
    if let Some(condition) = &step.condition {
        match known.test(condition, &step.id, ready_at) {
            Ok(true) => {}
            Ok(false) => return Some(StepResult { attempts: 0, ..over(Verdict::Skipped, Value::Null) }),
            Err(error) => return Some(failed(not_evaluated(&error))),
        }
    }
    let output = match &step.body {
        Body::Work { .. } | Body::Wait(_) | Body::Log { .. } => return None,
        Body::Value(template) | Body::Return(Some(template)) => known.render(template, &step.id, ready_at),
        Body::Return(None) => Ok(Value::Null),
        Body::Fail { message, code, details } => {
            return Some(failed(
                fail(known, &step.id, ready_at, (message, code.as_ref(), details.as_ref()))
                    .unwrap_or_else(|error| not_evaluated(&error)),
            ));
        }
    };
    Some(match output {
        Ok(output) => match check_output(&output, OUTPUT_MAX) {
            Ok(()) => over(Verdict::Succeeded, output),
            Err(problem) => failed(StepError::new(ErrorKind::Limit, format!("the output cannot be kept: {problem}"))),
        },
        Err(error) => failed(not_evaluated(&error)),
    })
}

type FailConfig<'d> = (&'d Template, Option<&'d Template>, Option<&'d Template>);

fn fail(known: &Known, path: &str, at: DateTime<Utc>, config: FailConfig<'_>) -> Result<StepError, EvaluationError> {
    let (message, code, details) = config;
    Ok(StepError {
        code: code.map(|code| known.render_text(code, path, at)).transpose()?,
        details: details.map(|details| known.render(details, path, at)).transpose()?,
        ..StepError::new(ErrorKind::Fail, known.render_text(message, path, at)?)
    })
}

pub(super) fn not_evaluated(error: &EvaluationError) -> StepError {
    let EvaluationError { message, source_text: _, line, column } = error;
    StepError::new(ErrorKind::Expression, format!("line {line}, column {column}: {message}"))
}

/// The error without what cannot be stored, and cut to a size that people read.
pub(super) fn storable(mut error: StepError) -> StepError {
    clean(&mut error.message);
    if let Some(code) = &mut error.code {
        clean(code);
    }
    if error.details.as_ref().is_some_and(|details| check_output(details, DETAILS_MAX).is_err()) {
        error.details = None;
    }
    error
}

fn clean(text: &mut String) {
    if text.len() > MESSAGE_MAX {
        text.truncate(text.floor_char_boundary(MESSAGE_MAX));
        text.push('…');
    }
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}
