//! Our errors in fang's words.

use std::error::Error;
use std::fmt::Write as _;

use fang::AsyncQueueError;
use fang::serde::de::Error as _;

/// Fang's error is a closed list; the one variant that carries a text is that of JSON.
pub(crate) fn refused(message: impl std::fmt::Display) -> AsyncQueueError {
    AsyncQueueError::SerdeError(serde_json::Error::custom(message))
}

/// With its causes: whoever reads it sees the text alone.
pub(crate) fn failed(error: &(dyn Error + 'static)) -> AsyncQueueError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    refused(text)
}
