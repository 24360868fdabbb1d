//! The schemes by which senders sign: which bytes, with which key, and where the result stands. All are HMAC-SHA256.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use onward_workflows::{Signature, SignatureScheme};
use ring::hmac;

const TAG_BYTES: usize = 32;
/// During a rotation senders sign with two keys; nobody has more than a few.
const TAGS_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the header `{0}` is missing or has not the form of this scheme")]
    Missing(String),
    #[error("the body was not signed with the secret of this webhook")]
    Wrong,
    #[error("the signed time is too far from now")]
    Time,
    /// Ours and not the caller's.
    #[error("the secret has not the form of this scheme")]
    Secret,
}

/// What a request claims.
struct Claim {
    key: Vec<u8>,
    /// What stands before the body in the signed bytes.
    before: String,
    tags: Vec<[u8; TAG_BYTES]>,
    /// Seconds since 1970.
    signed_at: Option<i64>,
}

pub fn verify(
    signature: &Signature,
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    let claim = match signature.scheme {
        SignatureScheme::StandardWebhooks => standard_webhooks(signature, secret, headers)?,
        SignatureScheme::HmacSha256 => plain(signature, secret, headers, "x-signature", "")?,
        SignatureScheme::Meta | SignatureScheme::Github => {
            plain(signature, secret, headers, "x-hub-signature-256", "sha256=")?
        }
        SignatureScheme::Stripe => stripe(signature, secret, headers)?,
        SignatureScheme::Slack => slack(signature, secret, headers)?,
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &claim.key);
    let signed = [claim.before.as_bytes(), body].concat();
    // `ring` compares in constant time.
    if !claim.tags.iter().any(|tag| hmac::verify(&key, &signed, tag).is_ok()) {
        return Err(Refused::Wrong);
    }
    let tolerance = i64::try_from(signature.tolerance.as_secs()).unwrap_or(i64::MAX);
    match claim.signed_at {
        Some(at) if now.timestamp().saturating_sub(at).saturating_abs() > tolerance => Err(Refused::Time),
        _ => Ok(()),
    }
}

/// Id, time and body, joined by dots; several tokens, of which those of other versions are passed over.
fn standard_webhooks(signature: &Signature, secret: &str, headers: &HeaderMap) -> Result<Claim, Refused> {
    let key = STANDARD.decode(secret.trim().trim_start_matches("whsec_")).map_err(|_| Refused::Secret)?;
    let id = text(headers, "webhook-id")?;
    let (time, signed_at) = time(headers, "webhook-timestamp")?;
    let name = signature.header.as_deref().unwrap_or("webhook-signature");
    let prefix = signature.prefix.as_deref().unwrap_or("v1,");
    let tokens = text(headers, name)?.split(' ').filter_map(|token| token.strip_prefix(prefix));
    let tags = tokens.filter_map(from_base64).take(TAGS_MAX).collect();
    Ok(Claim { key, before: format!("{id}.{time}."), tags, signed_at: Some(signed_at) })
}

/// The body alone, in hexadecimal digits or base64.
fn plain(
    signature: &Signature,
    secret: &str,
    headers: &HeaderMap,
    header: &str,
    prefix: &str,
) -> Result<Claim, Refused> {
    let name = signature.header.as_deref().unwrap_or(header);
    let prefix = signature.prefix.as_deref().unwrap_or(prefix);
    let written = text(headers, name)?.strip_prefix(prefix).ok_or_else(|| Refused::Missing(name.to_owned()))?;
    let tag = from_hex(written).or_else(|| from_base64(written)).ok_or_else(|| Refused::Missing(name.to_owned()))?;
    Ok(Claim { key: secret.as_bytes().to_vec(), before: String::new(), tags: vec![tag], signed_at: None })
}

/// `t=…,v1=…[,v1=…]`; the key is the secret as it is shown, with its `whsec_`.
fn stripe(signature: &Signature, secret: &str, headers: &HeaderMap) -> Result<Claim, Refused> {
    let name = signature.header.as_deref().unwrap_or("stripe-signature");
    let prefix = signature.prefix.as_deref().unwrap_or("v1=");
    let parts: Vec<&str> = text(headers, name)?.split(',').map(str::trim).collect();
    let time = parts.iter().find_map(|part| part.strip_prefix("t="));
    let signed_at = time.and_then(|time| time.parse().ok());
    let (Some(time), Some(signed_at)) = (time, signed_at) else { return Err(Refused::Missing(name.to_owned())) };
    let tags = parts.iter().filter_map(|part| from_hex(part.strip_prefix(prefix)?)).take(TAGS_MAX).collect();
    Ok(Claim { key: secret.as_bytes().to_vec(), before: format!("{time}."), tags, signed_at: Some(signed_at) })
}

fn slack(signature: &Signature, secret: &str, headers: &HeaderMap) -> Result<Claim, Refused> {
    let (time, signed_at) = time(headers, "x-slack-request-timestamp")?;
    let claim = plain(signature, secret, headers, "x-slack-signature", "v0=")?;
    Ok(Claim { before: format!("v0:{time}:"), signed_at: Some(signed_at), ..claim })
}

/// One value, because of two it would not be clear which one counts.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value),
        _ => Err(Refused::Missing(name.to_owned())),
    }
}

fn time<'h>(headers: &'h HeaderMap, name: &str) -> Result<(&'h str, i64), Refused> {
    let written = text(headers, name)?;
    written.parse().map(|at| (written, at)).map_err(|_| Refused::Missing(name.to_owned()))
}

fn from_base64(text: &str) -> Option<[u8; TAG_BYTES]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn from_hex(text: &str) -> Option<[u8; TAG_BYTES]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<_>>().try_into().ok()
}

#[cfg(test)]
mod tests;
