//! Setting, listing, unsetting and loading secrets.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::PgConnection;

use crate::Engine;

pub const SECRET_BYTES_MAX: usize = 64 * 1024;
pub const SECRETS_MAX: usize = 1_000;
const NAME_MAX: usize = 100;

const MAKE_A_KEY: &str =
    "make one with `openssl rand -base64 32` and give it to every server and worker as ONWARD_SECRETS_KEY";

/// A secret without its value, which nobody gets back.
#[derive(Debug, Clone, Serialize)]
pub struct Secret {
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Who has set it last.
    pub updated_by: String,
    /// Active workflows whose newest version declares it.
    pub used_by: Vec<String>,
    /// False when it was sealed with another key than this process has, or this process has none.
    pub readable: bool,
}

#[derive(Debug)]
pub struct SetSecret {
    pub name: String,
    pub value: SecretString,
    pub by: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SetSecretError {
    #[error("a secret's name has letters, digits and `_`, {NAME_MAX} at most, and does not begin with a digit")]
    Name,
    #[error("a secret's value has 1 to {SECRET_BYTES_MAX} bytes and no U+0000")]
    Value,
    #[error("there are {SECRETS_MAX} secrets already, and more are not kept")]
    TooMany,
    #[error("this server has no key to seal secrets with; {MAKE_A_KEY}")]
    NoKey,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum LoadSecretsError {
    #[error("the secret `{0}` is not set")]
    NotSet(String),
    #[error("there is no key to open secrets with; {MAKE_A_KEY}")]
    NoKey,
    #[error(
        "the secret `{0}` was sealed with another key than this process has; give it that key, or set the secret again"
    )]
    OtherKey(String),
    #[error("the secret `{0}` cannot be opened: its row has been changed; set it again")]
    Damaged(String),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum UnsetSecretError {
    #[error("there is no secret `{0}`")]
    NotFound(String),
    #[error("the secret `{name}` is used by {}", used_by.join(", "))]
    InUse { name: String, used_by: Vec<String> },
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// What a document declares and nobody has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingSecret {
    pub name: String,
    pub workflows: Vec<String>,
}

/// Sets it, or replaces its value. Other processes use the new value within five seconds.
pub async fn set_secret(engine: &Engine, set: SetSecret) -> Result<Secret, SetSecretError> {
    let SetSecret { name, value, by } = set;
    if !is_name(&name) {
        return Err(SetSecretError::Name);
    }
    let text = value.expose_secret();
    if text.is_empty() || text.len() > SECRET_BYTES_MAX || text.contains('\0') {
        return Err(SetSecretError::Value);
    }
    let key = engine.secrets().key.as_ref().ok_or(SetSecretError::NoKey)?;
    let sealed = key.seal(&name, text);
    let limit = i64::try_from(SECRETS_MAX).expect("the limit is small");
    let row = sqlx::query_file!("queries/save_secret.sql", name, sealed, key.id(), by, limit)
        .fetch_optional(engine.pool())
        .await?
        .ok_or(SetSecretError::TooMany)?;
    engine.secrets().known.forget();
    let used_by = find_users(&mut *engine.pool().acquire().await?, &name).await?;
    let (created_at, updated_at) = (row.created_at, row.updated_at);
    Ok(Secret { name, created_at, updated_at, updated_by: by, used_by, readable: true })
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.as_bytes()[0].is_ascii_digit()
}

/// All of them, by name.
pub async fn list_secrets(engine: &Engine) -> Result<Vec<Secret>, sqlx::Error> {
    let limit = i64::try_from(SECRETS_MAX).expect("the limit is small");
    let key = engine.secrets().key.as_ref().map(|key| key.id());
    let rows = sqlx::query_file!("queries/list_secrets.sql", key, limit).fetch_all(engine.pool()).await?;
    Ok(rows
        .into_iter()
        .map(|row| Secret {
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
            used_by: row.used_by,
            readable: row.readable == Some(true),
        })
        .collect())
}

/// Takes it away, unless an active workflow declares it. Takes turns with deploys, which count on what they have found.
pub async fn unset_secret(engine: &Engine, name: &str) -> Result<(), UnsetSecretError> {
    let mut transaction = engine.pool().begin().await?;
    sqlx::query_file!("queries/lock_deploys.sql").fetch_one(&mut *transaction).await?;
    let used_by = find_users(&mut transaction, name).await?;
    if !used_by.is_empty() {
        return Err(UnsetSecretError::InUse { name: name.to_owned(), used_by });
    }
    let deleted = sqlx::query_file!("queries/delete_secret.sql", name).execute(&mut *transaction).await?;
    transaction.commit().await?;
    engine.secrets().known.forget();
    if deleted.rows_affected() == 0 { Err(UnsetSecretError::NotFound(name.to_owned())) } else { Ok(()) }
}

async fn find_users(connection: &mut PgConnection, name: &str) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/find_secret_users.sql", name).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The values of all `required` names, and of the `optional` ones that are set, at most five seconds old.
pub async fn load_secrets(
    engine: &Engine,
    required: &[String],
    optional: &[String],
) -> Result<BTreeMap<String, SecretString>, LoadSecretsError> {
    let names: Vec<String> = required.iter().chain(optional).cloned().collect();
    let mut values = BTreeMap::new();
    for (name, value) in load(engine, &names).await? {
        match value {
            Some(value) => {
                values.insert(name, value);
            }
            None if required.contains(&name) => return Err(LoadSecretsError::NotSet(name)),
            None => {}
        }
    }
    Ok(values)
}

async fn load(engine: &Engine, names: &[String]) -> Result<BTreeMap<String, Option<SecretString>>, LoadSecretsError> {
    let secrets = engine.secrets();
    if let Some(known) = secrets.known.find(names) {
        return Ok(known);
    }
    let read_at = Instant::now();
    let rows = sqlx::query_file!("queries/load_secrets.sql", names).fetch_all(engine.pool()).await?;
    let mut values: BTreeMap<String, Option<SecretString>> = names.iter().map(|name| (name.clone(), None)).collect();
    for row in rows {
        let key = secrets.key.as_ref().ok_or(LoadSecretsError::NoKey)?;
        if row.key_id != key.id() {
            return Err(LoadSecretsError::OtherKey(row.name));
        }
        match key.open(&row.name, &row.sealed) {
            Some(value) => values.insert(row.name, Some(value)),
            None => return Err(LoadSecretsError::Damaged(row.name)),
        };
    }
    secrets.known.keep(&values, read_at);
    Ok(values)
}

/// Those of the names that are not set.
pub(crate) async fn missing_secrets(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<HashSet<String>, sqlx::Error> {
    let mut missing: HashSet<String> = names.iter().cloned().collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    for row in sqlx::query_file!("queries/find_secrets.sql", names).fetch_all(connection).await? {
        missing.remove(&row.name);
    }
    Ok(missing)
}

/// What active workflows declare and nobody has set: their runs fail.
pub async fn list_unset_secrets(engine: &Engine) -> Result<Vec<MissingSecret>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/list_missing_secrets.sql").fetch_all(engine.pool()).await?;
    Ok(rows.into_iter().map(|row| MissingSecret { name: row.name, workflows: row.workflows }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_variables() {
        for name in ["A", "_a", "SMTP_URL", "t0ken", &"a".repeat(100)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "0a", "a-b", "a.b", "a b", "\u{5d0}", &"a".repeat(101)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
