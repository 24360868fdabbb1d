//! When the other side wants to be asked again.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A server may ask for patience, not for eternity.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

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

    use super::*;

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
