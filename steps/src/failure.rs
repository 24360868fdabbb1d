//! From a broken exchange to an outcome.

use std::error::Error;

use onward_workflows::{ErrorKind, Outcome, StepError};
use reqwest::{Method, Url};

use crate::destination::{DestinationError, NameError};

pub(crate) fn refused(reason: &DestinationError) -> StepError {
    let mut error = StepError::new(ErrorKind::Config, format!("`url`: {reason}"));
    error.code = Some("destination_refused".to_owned());
    error
}

pub(crate) fn timed_out(request: &str) -> StepError {
    StepError::new(ErrorKind::Timeout, format!("{request} was not answered within the attempt's timeout")).retryable()
}

/// The client's own text carries the whole URL, query included, so the causes are put together without it.
pub(crate) fn broken(request: &str, error: &reqwest::Error) -> StepError {
    if let Some(reason) = cause::<DestinationError>(error) {
        return refused(reason);
    }
    let (kind, code) = match () {
        () if error.is_timeout() => (ErrorKind::Timeout, "connect_timeout"),
        () if cause::<NameError>(error).is_some() => (ErrorKind::Network, "name_not_found"),
        () if error.is_connect() => (ErrorKind::Network, "connect_failed"),
        () if error.is_body() || error.is_decode() => (ErrorKind::Network, "answer_broken"),
        () => (ErrorKind::Network, "no_answer"),
    };
    let text = if code == "answer_broken" { "got only a part of its answer" } else { "got no answer" };
    let mut failure = StepError::new(kind, format!("{request} {text}: {}", causes(error))).retryable();
    failure.code = Some(code.to_owned());
    failure
}

/// The one decision about an unanswered request. `safe` also covers a request of which nothing was sent.
pub(crate) fn unanswered(mut error: StepError, safe: bool) -> Outcome {
    // A destination that is not allowed was not reached, whatever came before it.
    if safe || !error.retryable {
        return Outcome::Failed(error);
    }
    error.kind = ErrorKind::Ambiguous;
    error.retryable = false;
    Outcome::Ambiguous(error)
}

/// The method and the address without its query, which may carry secrets.
pub(crate) fn shown(method: &Method, url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    format!("{method} {url}")
}

fn cause<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in chain(error).map(ToString::to_string) {
        // Some layers print the one below them as well.
        if !texts.iter().any(|text| text.contains(&cause)) {
            texts.push(cause);
        }
    }
    if texts.is_empty() { "the connection failed".to_owned() } else { texts.join(": ") }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
