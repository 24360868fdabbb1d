//! Steps that leave no checkpoint: they are computed anew, with the same result, whenever a flow is resumed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::known::{Env, Known};
use super::unit::{BodyEnd, Failed};
use crate::diagnose::ExpressionDetails;
use crate::payload::check_output;
use crate::{Body, ErrorKind, EvaluationError, Failure, Outcome, Step, StepError};

/// Bytes of one step's output.
pub(super) const OUTPUT_MAX: usize = 10 << 20;
/// Bytes of an error's message; the rest says nothing that the beginning did not.
const MESSAGE_MAX: usize = 16 << 10;
/// Bytes of an error's details.
const DETAILS_MAX: usize = 64 << 10;

/// What the body comes to, if it needs nothing but computing: a `value`, a `return`, a `fail`.
pub(super) fn compute(step: &Step, known: &Known, env: &Env, path: &str, at: DateTime<Utc>) -> Option<BodyEnd> {
    let failed = |error: StepError| {
        let error = StepError {
            step: error.step.or_else(|| Some(path.to_owned())),
            attempt: error.attempt.or(Some(1)),
            ..error
        };
        BodyEnd::Failed(Failed { error: Arc::new(storable(error)), at })
    };
    let rendered = match &step.body {
        Body::Value(template) | Body::Return(Some(template)) => known.render(template, env, path, at),
        Body::Return(None) => Ok(Value::Null),
        Body::Fail(Some(failure)) => {
            let error = fail(failure, known, env, path, at);
            return Some(failed(error.unwrap_or_else(|error| not_evaluated(&error))));
        }
        // Raises again what is being handled.
        Body::Fail(None) => {
            let handled = env.error.as_deref().cloned();
            let error =
                handled.unwrap_or_else(|| StepError::new(ErrorKind::Fail, "the run was ended by a `fail` step"));
            return Some(failed(error));
        }
        Body::Work { .. }
        | Body::Block { .. }
        | Body::Switch(_)
        | Body::Wait(_)
        | Body::WaitForEvent(_)
        | Body::Emit { .. }
        | Body::Call { .. }
        | Body::Log { .. } => return None,
    };
    Some(match rendered {
        Ok(output) => match check_output(&output, OUTPUT_MAX) {
            Ok(()) if matches!(step.body, Body::Return(_)) => BodyEnd::Returned { value: output, at },
            Ok(()) => BodyEnd::Done { output, shaped: false, at },
            Err(problem) => failed(StepError::new(ErrorKind::Limit, format!("the output cannot be kept: {problem}"))),
        },
        Err(error) => failed(not_evaluated(&error)),
    })
}

fn fail(
    failure: &Failure,
    known: &Known,
    env: &Env,
    path: &str,
    at: DateTime<Utc>,
) -> Result<StepError, EvaluationError> {
    let Failure { message, code, details } = failure;
    Ok(StepError {
        code: code.as_ref().map(|code| known.render_text(code, env, path, at)).transpose()?,
        details: details.as_ref().map(|details| known.render(details, env, path, at)).transpose()?,
        ..StepError::new(ErrorKind::Fail, known.render_text(message, env, path, at)?)
    })
}

pub(super) fn not_evaluated(error: &EvaluationError) -> StepError {
    let EvaluationError { message, line, column, .. } = error;
    let details = Some(ExpressionDetails::of(error).into_value());
    StepError { details, ..StepError::new(ErrorKind::Expression, format!("line {line}, column {column}: {message}")) }
}

/// The outcome as it can be kept until somebody asks for it: what is too large becomes an error that says so.
pub fn storable_outcome(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Done(output) => match check_output(&output, OUTPUT_MAX) {
            Ok(()) => Outcome::Done(output),
            Err(problem) => {
                let message = format!("the output cannot be kept: {problem}");
                Outcome::Failed(StepError::new(ErrorKind::Limit, message))
            }
        },
        Outcome::Failed(error) => Outcome::Failed(storable(error)),
        Outcome::Ambiguous(error) => Outcome::Ambiguous(storable(error)),
    }
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
