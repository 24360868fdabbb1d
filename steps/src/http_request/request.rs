//! The config of `http.request`, parsed into a request that can be sent.

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};

use super::expected::Expected;
use super::headers::parse_headers;
use crate::config::{Problem, scalar_text};

pub(super) const METHODS: &[&str] = &["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH"];
pub(super) const PARSERS: &[&str] = &["auto", "json", "text", "none"];
const FIELDS: &[&str] = &["url", "method", "headers", "query", "body", "expect_status", "follow_redirects", "parse"];
const URL_MAX: usize = 8 * 1024;
const QUERY_MAX: usize = 1_000;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    /// As the author wrote them, plus a content type.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) expected: Expected,
    pub(super) follow_redirects: bool,
    pub(super) parse: Parse,
    /// By HTTP's own definition of the method; or because the author wrote an `Idempotency-Key`, which says that the
    /// other side honours it. The key that every request carries says nothing about the other side.
    pub(super) safe: bool,
}

/// How the answer's body becomes the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parse {
    /// JSON if it says so, else text.
    Auto,
    Json,
    Text,
    /// Not read at all.
    None,
}

impl Request {
    pub(super) fn parse(config: &Value) -> Result<Self, Problem> {
        let config = config.as_object().ok_or_else(|| Problem::new("config", "must be an object"))?;
        if let Some(unknown) = config.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            return Err(Problem::new(unknown, format!("is not known; there are {}", FIELDS.join(", "))));
        }
        let method = parse_method(config)?;
        let url = parse_url(config)?;
        let mut headers = parse_headers(config.get("headers"))?;
        let body = parse_body(config.get("body"), &mut headers)?;
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        let expected = Expected::parse(config.get("expect_status").unwrap_or(&Value::Null)).ok_or_else(|| {
            Problem::new("expect_status", "must be a status such as 404, a class such as \"2xx\", or a list of these")
        })?;
        let safe = !matches!(method, Method::POST | Method::PATCH) || headers.contains_key("idempotency-key");
        Ok(Self {
            method,
            url,
            headers,
            body,
            expected,
            follow_redirects: parse_flag(config, "follow_redirects")?,
            parse: parse_parse(config)?,
            safe,
        })
    }
}

fn parse_method(config: &Map<String, Value>) -> Result<Method, Problem> {
    let Some(value) = present(config, "method") else { return Ok(Method::GET) };
    let method = value.as_str().map(str::to_ascii_uppercase).filter(|method| METHODS.contains(&method.as_str()));
    method
        .and_then(|method| method.parse().ok())
        .ok_or_else(|| Problem::new("method", format!("must be one of {}", METHODS.join(", "))))
}

fn parse_url(config: &Map<String, Value>) -> Result<Url, Problem> {
    let text = match present(config, "url") {
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Err(Problem::new("url", "must be text")),
        None => return Err(Problem::new("url", "is required")),
    };
    if text.len() > URL_MAX {
        return Err(Problem::new("url", format!("is longer than {URL_MAX} bytes")));
    }
    // The parser drops line breaks without a word, and they only get into an address by accident or by attack.
    if text.contains(|letter: char| letter.is_control()) {
        return Err(Problem::new("url", "contains a control character"));
    }
    let mut url = Url::parse(text).map_err(|error| Problem::new("url", format!("is not a URL: {error}")))?;
    for (name, value) in query_pairs(config)? {
        url.query_pairs_mut().append_pair(name, &value);
    }
    url.set_fragment(None);
    Ok(url)
}

fn query_pairs(config: &Map<String, Value>) -> Result<Vec<(&str, String)>, Problem> {
    let query = match present(config, "query") {
        None => return Ok(Vec::new()),
        Some(Value::Object(query)) => query,
        Some(_) => return Err(Problem::new("query", "must be an object")),
    };
    let mut pairs = Vec::new();
    for (name, value) in query {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values.iter().filter(|value| !value.is_null()) {
            let text = scalar_text(value).ok_or_else(|| {
                Problem::new(format!("query.{name}"), "must be text, a number, a boolean or a list of these")
            })?;
            pairs.push((name.as_str(), text));
        }
    }
    if pairs.len() > QUERY_MAX {
        return Err(Problem::new("query", format!("has more than {QUERY_MAX} values")));
    }
    Ok(pairs)
}

/// Text goes out as it is when the author says what it is; every other body is JSON.
fn parse_body(body: Option<&Value>, headers: &mut HeaderMap) -> Result<Bytes, Problem> {
    let body = match body {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(body) => body,
    };
    match (headers.get(CONTENT_TYPE), body) {
        (Some(_), Value::String(text)) => return Ok(Bytes::copy_from_slice(text.as_bytes())),
        (Some(content_type), _) if !is_json(content_type) => {
            return Err(Problem::new("body", "must be text, because the content-type header does not say JSON"));
        }
        (Some(_), _) => {}
        (None, _) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
    }
    Ok(Bytes::from(body.to_string()))
}

fn parse_flag(config: &Map<String, Value>, field: &str) -> Result<bool, Problem> {
    match present(config, field) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| Problem::new(field, "must be true or false")),
    }
}

fn parse_parse(config: &Map<String, Value>) -> Result<Parse, Problem> {
    match present(config, "parse").map(Value::as_str) {
        None | Some(Some("auto")) => Ok(Parse::Auto),
        Some(Some("json")) => Ok(Parse::Json),
        Some(Some("text")) => Ok(Parse::Text),
        Some(Some("none")) => Ok(Parse::None),
        Some(_) => Err(Problem::new("parse", format!("must be one of {}", PARSERS.join(", ")))),
    }
}

/// `application/json` and everything that ends in `+json`.
pub(super) fn is_json(content_type: &HeaderValue) -> bool {
    let essence = content_type.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// A field rendered to null counts as not written, so that `{{ x | default(null) }}` leaves it out.
fn present<'a>(config: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    config.get(field).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_read_from_its_config() {
        let request = Request::parse(&json!({
            "url": "http://shop.test/orders?open=1#top",
            "method": "post",
            "query": { "tag": ["a b", 2], "deep": true, "none": null },
            "body": { "id": 7 },
        }))
        .unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.url.as_str(), "http://shop.test/orders?open=1&deep=true&tag=a+b&tag=2");
        assert_eq!(request.body, r#"{"id":7}"#);
        assert_eq!(request.headers[CONTENT_TYPE], "application/json");
        assert_eq!(request.headers[ACCEPT_ENCODING], "identity");
    }

    #[test]
    fn a_body_is_json_unless_the_content_type_says_otherwise() {
        let check = |body: Value, content_type: Option<&str>, expected: &str| {
            let mut headers = HeaderMap::new();
            if let Some(content_type) = content_type {
                headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            }
            let sent = parse_body(Some(&body), &mut headers).unwrap();
            assert_eq!(sent, expected, "{body} as {content_type:?}");
        };
        check(json!("a"), None, r#""a""#);
        check(json!(""), None, r#""""#);
        check(json!("a=1"), Some("application/x-www-form-urlencoded"), "a=1");
        check(json!("{}"), Some("application/json"), "{}");
        check(json!({ "a": [1] }), Some("application/vnd.api+json; charset=utf-8"), r#"{"a":[1]}"#);
        check(json!(null), None, "");
        check(json!(false), None, "false");
    }

    #[test]
    fn a_config_that_cannot_be_taken_names_its_field() {
        let check = |config: Value, field: &str| {
            assert_eq!(Request::parse(&config).unwrap_err().field, field, "{config}");
        };
        let with = |field: &str, value: Value| {
            let mut config = json!({ "url": "http://shop.test/" });
            config[field] = value;
            config
        };
        check(json!("http://shop.test/"), "config");
        check(json!({}), "url");
        check(json!({ "url": null }), "url");
        check(json!({ "url": 7 }), "url");
        check(json!({ "url": "/orders" }), "url");
        check(json!({ "url": "http://shop.test/\r\nx" }), "url");
        check(json!({ "url": format!("http://shop.test/{}", "a".repeat(URL_MAX)) }), "url");
        check(with("urls", json!("x")), "urls");
        check(with("method", json!("TRACE")), "method");
        check(with("method", json!("GET\r\nx")), "method");
        check(with("method", json!(1)), "method");
        check(with("query", json!("a=1")), "query");
        check(with("query", json!({ "a": { "b": 1 } })), "query.a");
        check(with("query", json!({ "a": vec![1; QUERY_MAX + 1] })), "query");
        check(with("headers", json!([])), "headers");
        check(with("expect_status", json!("fine")), "expect_status");
        check(with("follow_redirects", json!("yes")), "follow_redirects");
        check(with("parse", json!("xml")), "parse");
        let mut text = with("headers", json!({ "content-type": "text/plain" }));
        text["body"] = json!({ "a": 1 });
        check(text, "body");
    }

    #[test]
    fn only_a_key_written_by_the_author_makes_a_post_safe() {
        let check = |method: &str, headers: Value, expected: bool| {
            let config = json!({ "url": "http://shop.test/", "method": method, "headers": headers });
            assert_eq!(Request::parse(&config).unwrap().safe, expected, "{config}");
        };
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            check(method, json!({}), true);
        }
        for method in ["POST", "PATCH"] {
            check(method, json!({ "x-key": "1" }), false);
            check(method, json!({ "IDEMPOTENCY-Key": "1" }), true);
        }
    }
}
