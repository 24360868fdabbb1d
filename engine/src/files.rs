//! Files that steps make: kept by what is in them, fetched by whoever has a signed address.

mod address;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::Engine;

pub use address::{file_url, parse_file_url};

pub const FILE_BYTES_MAX: usize = 10 << 20;
/// How long a file can be fetched after a step has made it.
pub const FILE_KEPT_FOR: Duration = Duration::from_hours(30 * 24);
/// How long an address of it is good.
pub const FILE_ADDRESS_FOR: Duration = Duration::from_hours(24);
const NAME_MAX: usize = 200;
/// Rows that one pass deletes.
const FORGET_MAX: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// A file's path below the API's base, with everything that is needed to fetch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAddress {
    pub id: String,
    pub name: String,
    pub expires_at: DateTime<Utc>,
    pub signature: String,
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("a file of {size} bytes is not kept; at most {FILE_BYTES_MAX} are")]
    TooLarge { size: usize },
    #[error("`{0}` is not a media type")]
    MediaType(String),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Keeps the bytes and gives their address. `name` is what whoever fetches it will see.
pub async fn keep_file(engine: &Engine, name: &str, media_type: &str, bytes: &[u8]) -> Result<FileAddress, FileError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FileError::TooLarge { size: bytes.len() });
    }
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !is_media_type(&media_type) {
        return Err(FileError::MediaType(media_type));
    }
    let hash = Sha256::digest(bytes);
    sqlx::query_file!("queries/keep_blob.sql", &hash[..], media_type, bytes, FILE_KEPT_FOR.as_secs_f64())
        .execute(engine.pool())
        .await?;
    let (id, name) = (URL_SAFE_NO_PAD.encode(hash), plain_name(name));
    let expires_at = engine.clock().now() + FILE_ADDRESS_FOR;
    let signature =
        URL_SAFE_NO_PAD.encode(mac(engine, &id, &name, expires_at.timestamp()).await?.finalize().into_bytes());
    Ok(FileAddress { id, name, expires_at, signature })
}

/// The file behind a signed address that is still good.
pub async fn find_file(
    engine: &Engine,
    id: &str,
    name: &str,
    expires: i64,
    signature: &str,
) -> Result<Option<StoredFile>, sqlx::Error> {
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return Ok(None) };
    let signed = mac(engine, id, name, expires).await?.verify_slice(&signature).is_ok();
    if !signed || expires <= engine.clock().now().timestamp() {
        return Ok(None);
    }
    let Ok(hash) = URL_SAFE_NO_PAD.decode(id) else { return Ok(None) };
    let row = sqlx::query_file!("queries/find_blob.sql", hash).fetch_optional(engine.pool()).await?;
    Ok(row.map(|row| StoredFile { media_type: row.media_type, bytes: row.bytes }))
}

/// Deletes what nobody can fetch any more; says how many.
pub async fn forget_files(engine: &Engine) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query_file!("queries/delete_blobs.sql", FORGET_MAX).execute(engine.pool()).await?.rows_affected())
}

async fn mac(engine: &Engine, id: &str, name: &str, expires: i64) -> Result<Hmac<Sha256>, sqlx::Error> {
    let key = sqlx::query_file_scalar!("queries/read_file_key.sql").fetch_one(engine.pool()).await?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length is a key");
    mac.update(format!("{id}/{name}/{expires}").as_bytes());
    Ok(mac)
}

fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte))
    };
    text.len() <= 100 && text.split_once('/').is_some_and(|(kind, rest)| part(kind) && part(rest))
}

/// One segment of a path that no file system and no header trips over.
fn plain_name(name: &str) -> String {
    let harmless = |letter: char| if letter.is_alphanumeric() || "._- ()".contains(letter) { letter } else { '_' };
    let name: String = name.chars().map(harmless).take(NAME_MAX).collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        let check = |name: &str, expected: &str| assert_eq!(plain_name(name), expected);
        check("visa 1.pdf", "visa 1.pdf");
        check("../../etc/passwd", "_.._etc_passwd");
        check("ויזה.pdf", "ויזה.pdf");
        check("a\r\nb\"", "a__b_");
        check(" .. ", "file");
    }

    #[test]
    fn media_types_have_two_parts() {
        assert!(is_media_type("application/pdf") && is_media_type("image/svg+xml"));
        assert!(!is_media_type("pdf") && !is_media_type("a/b/c") && !is_media_type("a/") && !is_media_type("a/b c"));
    }
}
