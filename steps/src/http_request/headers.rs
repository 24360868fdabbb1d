//! The headers an author may write.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::config::{Problem, scalar_text};

const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// They frame the message or belong to the connection: set by hand they make two servers read two different requests.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A map of names to text, numbers or booleans; null leaves a header out.
pub(super) fn parse_headers(value: Option<&Value>) -> Result<HeaderMap, Problem> {
    let written = match value {
        None | Some(Value::Null) => return Ok(HeaderMap::new()),
        Some(Value::Object(written)) => written,
        Some(_) => return Err(Problem::new("headers", "must be an object")),
    };
    if written.len() > HEADERS_MAX {
        return Err(Problem::new("headers", format!("has more than {HEADERS_MAX} entries")));
    }
    let mut headers = HeaderMap::with_capacity(written.len());
    let mut bytes = 0;
    for (name, value) in written.iter().filter(|(_, value)| !value.is_null()) {
        let problem = |text: &str| Problem::new(format!("headers.{}", name.escape_debug()), text);
        let parsed = name.parse::<HeaderName>().map_err(|_| problem("is not a header name"))?;
        if OURS.contains(&parsed.as_str()) {
            return Err(problem("is set by the HTTP client"));
        }
        let text = scalar_text(value).ok_or_else(|| problem("must be text, a number or a boolean"))?;
        let value = HeaderValue::from_str(text.trim())
            .map_err(|_| problem("contains a line break or another character that no header can carry"))?;
        bytes += parsed.as_str().len() + value.len();
        if bytes > HEADER_BYTES_MAX {
            return Err(Problem::new("headers", format!("are longer than {HEADER_BYTES_MAX} bytes together")));
        }
        if headers.insert(parsed, value).is_some() {
            return Err(problem("is there twice, in other letters"));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_header_values() {
        let headers = parse_headers(Some(&json!({ "X-Text": " a ", "X-Number": 7, "X-Flag": true, "X-Not": null })));
        let headers = headers.unwrap();
        assert_eq!(
            (&headers["x-text"], &headers["x-number"], &headers["x-flag"]),
            (&HeaderValue::from_static("a"), &HeaderValue::from_static("7"), &HeaderValue::from_static("true"),)
        );
        assert!(!headers.contains_key("x-not"));
    }

    #[test]
    fn no_value_or_name_can_start_another_header() {
        let check = |headers: Value, field: &str| {
            assert_eq!(parse_headers(Some(&headers)).unwrap_err().field, field, "{headers}");
        };
        check(json!({ "x": "a\r\nx-admin: 1" }), "headers.x");
        check(json!({ "x": "a\nb" }), "headers.x");
        check(json!({ "x": "a\u{0}b" }), "headers.x");
        check(json!({ "x\r\ny": "a" }), r"headers.x\r\ny");
        check(json!({ "x: y": "a" }), "headers.x: y");
        check(json!({ "": "a" }), "headers.");
    }

    #[test]
    fn framing_and_excess_are_refused() {
        let check = |headers: Value, field: &str| {
            assert_eq!(parse_headers(Some(&headers)).unwrap_err().field, field);
        };
        for name in OURS {
            check(json!({ *name: "1" }), &format!("headers.{name}"));
        }
        check(json!({ "Host": "other.test" }), "headers.Host");
        check(json!({ "x": ["a"] }), "headers.x");
        check(json!({ "x": "1", "X": "2" }), "headers.x");
        check(json!({ "x": "a".repeat(HEADER_BYTES_MAX) }), "headers");
        check((0..=HEADERS_MAX).map(|number| (format!("x-{number}"), json!(1))).collect(), "headers");
    }
}
