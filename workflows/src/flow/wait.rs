//! When a `wait` step is over.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::compute::not_evaluated;
use super::known::{Env, Known};
use crate::duration::parse_duration;
use crate::{ErrorKind, StepError, WaitFor};

/// A run cannot be older, so a longer wait could never end.
pub(super) const WAIT_MAX: Duration = Duration::from_hours(366 * 24);

/// Counted from the instant at which the step became ready, so that a resumed flow waits for the same moment.
pub(super) fn due_at(
    wait: &WaitFor,
    known: &Known,
    env: &Env,
    path: &str,
    ready_at: DateTime<Utc>,
) -> Result<DateTime<Utc>, Box<StepError>> {
    let render =
        |template| known.render(template, env, path, ready_at).map_err(|error| Box::new(not_evaluated(&error)));
    match wait {
        WaitFor::For(template) => {
            let value = render(template)?;
            let duration = duration(&value).ok_or_else(|| {
                let message =
                    format!("`wait.for` is {value}, which is neither a duration such as \"90s\" nor milliseconds");
                refusal(message)
            })?;
            if duration > WAIT_MAX {
                return Err(refusal("`wait.for` is longer than 366 days"));
            }
            Ok(ready_at + duration)
        }
        WaitFor::Until(template) => {
            let value = render(template)?;
            let until = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).ok_or_else(|| {
                let message =
                    format!("`wait.until` is {value}, which is not an instant such as \"2026-03-01T08:00:00Z\"");
                refusal(message)
            })?;
            if until.to_utc() > ready_at + WAIT_MAX {
                return Err(refusal("`wait.until` is more than 366 days away"));
            }
            Ok(until.to_utc())
        }
    }
}

fn refusal(message: impl Into<String>) -> Box<StepError> {
    Box::new(StepError::new(ErrorKind::Config, message))
}

fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::String(text) => parse_duration(text).ok(),
        Value::Number(number) => number.as_u64().map(Duration::from_millis),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
