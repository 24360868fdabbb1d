//! Filters over text.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::RegexBuilder;
use sha2::{Digest, Sha256};

/// Text that `matches` looks at, and the memory a pattern may take: together they bound its time.
const MATCHED_MAX: usize = 16 << 10;
const PATTERN_MAX: usize = 128 << 10;

/// What RFC 3986 calls unreserved stays as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn add_to(language: &mut Environment<'static>) {
    language.add_filter("base64", base64);
    language.add_filter("sha256", sha256);
    language.add_filter("hmac", hmac);
    language.add_filter("urlencode", urlencode);
    language.add_filter("matches", matches);
    language.add_test("matches", matches);
    language.add_filter("phone_e164", phone_e164);
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

/// `'ab' | base64` is `YWI=`; `'YWI=' | base64(decode=true)` is `ab`.
#[expect(clippy::needless_pass_by_value, reason = "MiniJinja hands these arguments over by value")]
fn base64(text: &str, options: Kwargs) -> Result<String, Error> {
    let decode = options.get::<Option<bool>>("decode")?.unwrap_or(false);
    options.assert_all_used()?;
    if !decode {
        return Ok(BASE64_STANDARD.encode(text));
    }
    let Ok(bytes) = BASE64_STANDARD.decode(text) else { return refuse("`base64`: this is not base64") };
    String::from_utf8(bytes).or_else(|_| refuse("`base64`: the decoded bytes are not text"))
}

/// `'ab' | sha256` is `fb8e20fc…`, in hexadecimal.
fn sha256(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// `'body' | hmac('secret')` is the HMAC-SHA-256 in hexadecimal.
fn hmac(text: &str, key: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    hexadecimal(&mac.finalize().into_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `'a b&c' | urlencode` is `a%20b%26c`; `{'q': 'a b', 'n': 1} | urlencode` is `n=1&q=a%20b`.
fn urlencode(value: &Value) -> Result<String, Error> {
    let encode = |value: &Value| match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => {
            Ok(utf8_percent_encode(&value.to_string(), RESERVED).to_string())
        }
        other => refuse(format!("`urlencode` takes text, numbers and maps of them, and this is a {other}")),
    };
    if value.kind() != ValueKind::Map {
        return encode(value);
    }
    let pairs = value.try_iter()?.map(|key| Ok(format!("{}={}", encode(&key)?, encode(&value.get_item(&key)?)?)));
    Ok(pairs.collect::<Result<Vec<_>, Error>>()?.join("&"))
}

/// `'IL-2024' is matches('^[A-Z]{2}-[0-9]+$')` is true; it looks anywhere unless the pattern is anchored.
///
/// Patterns are those of the `regex` crate: linear time, so no look-around and no back-references.
fn matches(text: &str, pattern: &str) -> Result<bool, Error> {
    if text.len() > MATCHED_MAX {
        return refuse("`matches` looks at text of 16 KiB at most");
    }
    match RegexBuilder::new(pattern).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).nest_limit(50).build() {
        Ok(pattern) => Ok(pattern.is_match(text)),
        Err(regex::Error::CompiledTooBig(_)) => refuse("`matches`: the pattern is too large"),
        Err(error) => {
            let text = error.to_string();
            refuse(format!("`matches`: {}", text.lines().last().unwrap_or("not a pattern").trim()))
        }
    }
}

/// `'052-000 0000' | phone_e164` is `+972520000000`; `'020 0000' | phone_e164(country='44')` is `+44200000`.
///
/// Separators go, `00` becomes `+`, and a national number gets the calling code of `country` (default 972).
#[expect(clippy::needless_pass_by_value, reason = "MiniJinja hands these arguments over by value")]
fn phone_e164(value: &Value, options: Kwargs) -> Result<String, Error> {
    let country = options.get::<Option<String>>("country")?.unwrap_or_else(|| "972".to_owned());
    options.assert_all_used()?;
    let written = match value.kind() {
        ValueKind::String | ValueKind::Number => value.to_string(),
        other => return refuse(format!("`phone_e164` takes text, and this is a {other}")),
    };
    let bare: String =
        written.chars().filter(|c| !c.is_whitespace() && !"-().\u{2010}\u{2011}/".contains(*c)).collect();
    let number = if let Some(rest) = bare.strip_prefix("00") {
        format!("+{rest}")
    } else if let Some(rest) = bare.strip_prefix('0') {
        format!("+{}{rest}", country.trim_start_matches('+'))
    } else if bare.starts_with('+') {
        bare
    } else {
        format!("+{bare}")
    };
    let digits = &number[1..];
    let valid =
        (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    // The number itself is personal and stays out of the message.
    if valid { Ok(number) } else { refuse("`phone_e164`: this is not a phone number") }
}
