//! What an answer means for the step, and when the other side wants to be asked again.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::expected::Expected;

/// A server may ask for patience, not for eternity.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// Not now: a definite failure that another attempt may not meet.
    Retryable,
    /// The same request would get the same answer.
    Permanent,
}

/// What the author expects is never an error, not even a 503.
pub(crate) fn classify(status: u16, expected: &Expected) -> Verdict {
    match status {
        status if expected.contains(status) => Verdict::Done,
        408 | 425 | 429 | 500..=599 => Verdict::Retryable,
        _ => Verdict::Permanent,
    }
}

/// `Retry-After` in seconds, or as a date measured against the `Date` of the same answer: two readings of one clock,
/// whichever clock that is.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wanted = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTime::parse_from_rfc2822(text).ok()?;
        let now = DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?.trim()).ok()?;
        (until - now).to_std().ok()?
    };
    Some(wanted.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn statuses_are_sorted_by_what_another_attempt_would_bring() {
        for status in 100..=599 {
            let verdict = match status {
                200..=299 => Verdict::Done,
                408 | 425 | 429 | 500..=599 => Verdict::Retryable,
                _ => Verdict::Permanent,
            };
            assert_eq!(classify(status, &Expected::default()), verdict, "{status}");
        }
    }

    #[test]
    fn an_expected_status_is_never_an_error() {
        let expected = Expected::parse(&json!([404, 503])).unwrap();
        let verdicts = [404, 503, 200, 500].map(|status| classify(status, &expected));
        assert_eq!(verdicts, [Verdict::Done, Verdict::Done, Verdict::Permanent, Verdict::Retryable]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let check = |retry_after_text: &'static str, date: Option<&'static str>, seconds: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(retry_after_text));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{retry_after_text}");
        };
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        check("0", None, Some(0));
        check("120", None, Some(120));
        check("Sun, 06 Nov 1994 08:51:07 GMT", date, Some(90));
        check("Sun, 06 Nov 1994 08:51:07 GMT", None, None);
        check("Sun, 06 Nov 1994 08:49:00 GMT", date, None);
        check("soon", date, None);
        check("-5", date, None);
        check("999999999", None, Some(24 * 60 * 60));
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
