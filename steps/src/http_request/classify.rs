//! What an answer means for the step.

use super::expected::Expected;

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

#[cfg(test)]
mod tests {
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
}
