//! Reading bodies: bounded in size and in time, and parsed strictly.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use onward_workflows::{Format, check_payload};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::{Code, Problem};

/// A caller that sends slower than the time-out is cut off.
pub async fn read(body: Body, bytes_max: usize, timeout: Duration) -> Result<Bytes, Problem> {
    let limited = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(timeout, limited).await {
        Err(_) => Err(Problem::new(Code::RequestTimeout, format!("the body did not arrive within {timeout:?}"))),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("a body may have {bytes_max} bytes")))
        }
        Ok(Err(_)) => Err(Problem::new(Code::Malformed, "the body broke off")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    Json,
    Yaml,
    Form,
    Other,
}

pub fn media_type(headers: &HeaderMap) -> MediaType {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => MediaType::Json,
        other if other.starts_with("application/") && other.ends_with("+json") => MediaType::Json,
        "application/yaml" | "application/x-yaml" | "text/yaml" => MediaType::Yaml,
        "application/x-www-form-urlencoded" => MediaType::Form,
        _ => MediaType::Other,
    }
}

fn unsupported(allowed: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType, format!("send a Content-Type of {allowed}"))
}

/// A JSON value that can be stored.
pub fn parse_value(bytes: &Bytes) -> Result<Value, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
    check_payload(&value).map_err(|problem| Problem::new(Code::InvalidRequest, problem.to_string()))?;
    Ok(value)
}

/// What cannot be read at all is malformed; what can be read and not be kept (a number out of range, nesting without
/// end) means nothing.
fn not_json(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let code = if text.starts_with("number out of range") || text.starts_with("recursion limit") {
        Code::InvalidRequest
    } else {
        Code::Malformed
    };
    Problem::new(code, format!("the body is not JSON that can be stored: {text}"))
}

/// A JSON object of known fields; an empty body is an object without any.
pub fn parse_request<T: DeserializeOwned>(headers: &HeaderMap, bytes: &Bytes) -> Result<T, Problem> {
    if bytes.is_empty() {
        return from_value(Value::Object(Map::new()));
    }
    if media_type(headers) != MediaType::Json {
        return Err(unsupported("application/json"));
    }
    from_value(parse_value(bytes)?)
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| Problem::new(Code::InvalidRequest, error.to_string()))
}

/// A trigger's body: JSON or a form, whose repeated names become lists.
pub fn parse_payload(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match media_type(headers) {
        MediaType::Json => parse_value(bytes),
        // What curl sends when nobody tells it what it is.
        MediaType::Form if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) => Err(Problem::new(
            Code::UnsupportedMediaType,
            "this looks like JSON and came as application/x-www-form-urlencoded; send a Content-Type of application/json",
        )),
        MediaType::Form => {
            let value = parse_form(bytes)?;
            check_payload(&value).map_err(|problem| Problem::new(Code::InvalidRequest, problem.to_string()))?;
            Ok(value)
        }
        MediaType::Yaml | MediaType::Other => Err(unsupported("application/json or application/x-www-form-urlencoded")),
    }
}

fn parse_form(bytes: &Bytes) -> Result<Value, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::new(Code::Malformed, "the form is not UTF-8"))?;
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, Value::String(decode(value)?));
        match fields.get_mut(&name) {
            None => {
                fields.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(Value::Object(fields))
}

pub fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| Problem::new(Code::Malformed, "an escape is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(Problem::new(Code::InvalidRequest, "a text holds the character U+0000"));
    }
    Ok(decoded.into_owned())
}

/// A document as text, in the format that the content type names.
pub fn parse_document(headers: &HeaderMap, bytes: &Bytes) -> Result<(String, Format), Problem> {
    let format = match media_type(headers) {
        MediaType::Json => Format::Json,
        MediaType::Yaml => Format::Yaml,
        MediaType::Form | MediaType::Other => return Err(unsupported("application/json or application/yaml")),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::new(Code::Malformed, "the document is not UTF-8"))?;
    Ok((text.to_owned(), format))
}
