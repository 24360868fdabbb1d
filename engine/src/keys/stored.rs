//! Creating, listing and revoking keys.

use chrono::{DateTime, Utc};
use onward_workflows::ApiKeyId;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::{NoContext, Timestamp, Uuid};

use super::scope::Scope;
use super::secret::{self, DEFAULT_PREFIX};
use crate::Engine;

const NAME_MAX: usize = 100;
const SCOPES_MAX: usize = 32;

#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// None: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// Instead of `onw`.
    pub prefix: Option<String>,
}

/// A key without its secret, which nobody has but its holder.
#[derive(Debug, Clone, Serialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The public part, by which a holder recognises his key.
    pub key_id: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// Exact to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub struct CreatedKey {
    pub key: ApiKey,
    /// The only time that it exists outside of its holder's hands.
    pub secret: String,
}

#[derive(Debug, Serialize)]
pub struct ApiKeyPage {
    pub data: Vec<ApiKey>,
    pub next_cursor: Option<ApiKeyId>,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("a key's name has 1 to {NAME_MAX} characters")]
    Name,
    #[error("a key needs 1 to {SCOPES_MAX} scopes")]
    Scopes,
    #[error("a prefix is made of lower-case words and digits, joined by `_`, 32 characters at most")]
    Prefix,
    #[error("the key would be expired before it is used")]
    Expired,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

pub async fn create_key(engine: &Engine, key: NewKey) -> Result<CreatedKey, KeyError> {
    let mut connection = engine.pool().acquire().await?;
    create_key_in(engine, &mut connection, key).await
}

/// The same in a transaction of the caller's.
pub async fn create_key_in(
    engine: &Engine,
    connection: &mut PgConnection,
    key: NewKey,
) -> Result<CreatedKey, KeyError> {
    let now = engine.clock().now();
    let mut scopes = key.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let prefix = key.prefix.as_deref().unwrap_or(DEFAULT_PREFIX);
    check(&key.name, &scopes, prefix, key.expires_at, now)?;
    let drawn = secret::draw(prefix);
    let id = ApiKeyId(new_id(now));
    let names: Vec<String> = scopes.iter().map(Scope::to_string).collect();
    let created_at = sqlx::query_file_scalar!(
        "queries/insert_api_key.sql",
        id.0,
        key.name,
        drawn.key_id,
        &drawn.hash,
        &names,
        key.expires_at
    )
    .fetch_one(connection)
    .await?;
    let key = ApiKey {
        id,
        name: key.name,
        key_id: drawn.key_id,
        scopes,
        created_at,
        expires_at: key.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    Ok(CreatedKey { key, secret: drawn.text })
}

fn check(
    name: &str,
    scopes: &[Scope],
    prefix: &str,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let name_len = name.chars().count();
    if name.trim().is_empty() || name_len > NAME_MAX || name.contains('\0') {
        return Err(KeyError::Name);
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(KeyError::Scopes);
    }
    if !secret::is_prefix(prefix) {
        return Err(KeyError::Prefix);
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Err(KeyError::Expired);
    }
    Ok(())
}

fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).expect("the database's clock is past 1970");
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// Newest first; `before` is the cursor of the page before.
pub async fn list_keys(engine: &Engine, before: Option<ApiKeyId>, limit: u16) -> Result<ApiKeyPage, sqlx::Error> {
    let before = before.map_or(Uuid::max(), |cursor| cursor.0);
    let rows =
        sqlx::query_file!("queries/list_api_keys.sql", before, i64::from(limit) + 1).fetch_all(engine.pool()).await?;
    let mut data: Vec<ApiKey> = rows
        .into_iter()
        .map(|row| ApiKey {
            id: ApiKeyId(row.id),
            name: row.name,
            key_id: row.key_id,
            scopes: parse_scopes(&row.scopes),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
        .collect();
    let more = data.len() > usize::from(limit);
    data.truncate(usize::from(limit));
    let next_cursor = data.last().filter(|_| more).map(|last| last.id);
    Ok(ApiKeyPage { data, next_cursor })
}

/// The key stays visible; None when there is no such key. Other processes stop accepting it within five seconds.
pub async fn revoke_key(engine: &Engine, id: ApiKeyId) -> Result<Option<ApiKey>, sqlx::Error> {
    let row = sqlx::query_file!("queries/revoke_api_key.sql", id.0).fetch_optional(engine.pool()).await?;
    engine.keys().forget();
    Ok(row.map(|row| ApiKey {
        id: ApiKeyId(row.id),
        name: row.name,
        key_id: row.key_id,
        scopes: parse_scopes(&row.scopes),
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        last_used_at: row.last_used_at,
    }))
}

/// A scope that this binary does not know grants nothing: a newer one may have written it.
pub(super) fn parse_scopes(names: &[String]) -> Vec<Scope> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}
