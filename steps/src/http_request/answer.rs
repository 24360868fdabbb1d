//! From an HTTP answer to a step's output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value};

use super::request::{Parse, is_json};

pub(super) const BODY_MAX: usize = 10 * 1024 * 1024;
/// Of an answer that was not expected, for people who look for the reason.
pub(super) const EXCERPT_MAX: usize = 2 * 1024;

#[derive(Debug)]
pub(super) enum BodyError {
    /// Over [`BODY_MAX`].
    TooLarge,
    /// Broke off before its end.
    Broken(reqwest::Error),
}

/// Never more than [`BODY_MAX`] in memory; what says beforehand that it is larger is not read at all.
pub(super) async fn read_body(response: &mut Response) -> Result<Vec<u8>, BodyError> {
    let announced = response.content_length().unwrap_or(0);
    if announced > BODY_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Fills `excerpt` with the beginning of the body. It stays usable when the caller's deadline cuts this off.
pub(super) async fn read_excerpt(response: &mut Response, excerpt: &mut Vec<u8>) {
    while excerpt.len() < EXCERPT_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => excerpt.extend_from_slice(&chunk[..chunk.len().min(EXCERPT_MAX - excerpt.len())]),
            Ok(None) | Err(_) => return,
        }
    }
}

/// A character that the cut has split is left out.
pub(super) fn excerpt_text(excerpt: &[u8]) -> String {
    match std::str::from_utf8(excerpt) {
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&excerpt[..error.valid_up_to()]),
        _ => String::from_utf8_lossy(excerpt),
    }
    .into_owned()
}

/// The output's `body` and, for bytes that are no text, its `body_encoding`.
pub(super) fn parse_body(body: &[u8], headers: &HeaderMap, parse: Parse) -> Result<Map<String, Value>, String> {
    let (value, encoding) = match parse {
        Parse::None => (Value::Null, None),
        Parse::Json => (parse_json(body).map_err(|error| error.to_string())?, None),
        Parse::Text => (String::from_utf8_lossy(body).into(), None),
        Parse::Auto => parse_by_type(body, headers),
    };
    let mut output = Map::from_iter([("body".to_owned(), value)]);
    if let Some(encoding) = encoding {
        output.insert("body_encoding".to_owned(), encoding.into());
    }
    Ok(output)
}

/// An answer whose body is not the JSON it promises is still an answer: the author gets the text.
fn parse_by_type(body: &[u8], headers: &HeaderMap) -> (Value, Option<&'static str>) {
    if body.is_empty() {
        return (Value::Null, None);
    }
    if headers.get(CONTENT_TYPE).is_some_and(is_json)
        && let Ok(value) = parse_json(body)
    {
        return (value, None);
    }
    match std::str::from_utf8(body) {
        // Hardly any reader of text takes a NUL, so bytes that have one are not text.
        Ok(text) if !text.contains('\0') => (text.into(), None),
        _ => (STANDARD.encode(body).into(), Some("base64")),
    }
}

fn parse_json(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body)
}

/// Lower-case names; a header that came several times is joined by commas.
pub(super) fn header_map(headers: &HeaderMap) -> Value {
    let joined = headers.keys().map(|name| {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (name.as_str().to_owned(), values.join(", ").into())
    });
    Value::Object(joined.collect())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderValue, SET_COOKIE};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_becomes_what_it_says_it_is() {
        let check = |body: &[u8], content_type: &'static str, parse: Parse, expected: Value| {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))].into_iter().collect();
            assert_eq!(Value::Object(parse_body(body, &headers, parse).unwrap()), expected);
        };
        check(b"{\"a\":1}", "application/json; charset=utf-8", Parse::Auto, json!({ "body": { "a": 1 } }));
        check(b"[1]", "application/problem+json", Parse::Auto, json!({ "body": [1] }));
        check(b"{\"a\":1}", "text/plain", Parse::Auto, json!({ "body": "{\"a\":1}" }));
        check(b"{\"a\":1}", "text/plain", Parse::Json, json!({ "body": { "a": 1 } }));
        check(b"{\"a\":1}", "application/json", Parse::Text, json!({ "body": "{\"a\":1}" }));
        check(b"oops", "application/json", Parse::Auto, json!({ "body": "oops" }));
        check(b"", "application/json", Parse::Auto, json!({ "body": null }));
        check(b"x", "text/plain", Parse::None, json!({ "body": null }));
        check(&[0xff, 0], "image/png", Parse::Auto, json!({ "body": "/wA=", "body_encoding": "base64" }));
        check(b"a\0", "text/plain", Parse::Auto, json!({ "body": "YQA=", "body_encoding": "base64" }));
    }

    #[test]
    fn a_body_that_must_be_json_is_an_error_otherwise() {
        assert!(parse_body(b"oops", &HeaderMap::new(), Parse::Json).is_err());
        assert!(parse_body(b"", &HeaderMap::new(), Parse::Json).is_err());
    }

    #[test]
    fn repeated_headers_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(header_map(&headers), json!({ "set-cookie": "a=1, b=2" }));
    }

    #[test]
    fn an_excerpt_ends_at_a_character() {
        assert_eq!(excerpt_text("שלום".as_bytes()), "שלום");
        assert_eq!(excerpt_text(&"שלום".as_bytes()[..7]), "שלו");
        assert_eq!(excerpt_text(b"a\xffb"), "a\u{fffd}b");
    }
}
