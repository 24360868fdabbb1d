//! From a presented key to who presents it.

use std::sync::Arc;

use onward_workflows::ApiKeyId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::scope::Scope;
use super::secret::Presented;
use super::stored::parse_scopes;
use crate::Engine;

const SHA_256: i16 = 1;

/// The holder of a key that is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Principal {
    pub id: ApiKeyId,
    pub name: String,
    pub key_id: String,
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// `admin` implies every scope.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The caller is told no more than this; the reason is for the log.
    #[error("the key is not accepted: {0}")]
    Refused(&'static str),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

pub async fn authenticate(engine: &Engine, presented: &str) -> Result<Arc<Principal>, AuthError> {
    let parsed = Presented::parse(presented).ok_or(AuthError::Refused("it does not have the form of a key"))?;
    let whole: [u8; 32] = Sha256::digest(presented).into();
    if let Some(known) = engine.keys().find(&whole, engine.clock().now()) {
        return Ok(known);
    }
    let row = sqlx::query_file!("queries/find_api_key.sql", parsed.key_id).fetch_optional(engine.pool()).await?;
    let row = row.ok_or(AuthError::Refused("there is no such key"))?;
    // What takes equally long for every wrong secret comes before what a stranger may learn about the key.
    let same = row.hash_version == SHA_256 && bool::from(parsed.hash().as_slice().ct_eq(&row.hash));
    if !same {
        return Err(AuthError::Refused("the secret is wrong"));
    }
    if row.revoked {
        return Err(AuthError::Refused("it was revoked"));
    }
    if row.expired == Some(true) {
        return Err(AuthError::Refused("it has expired"));
    }
    let principal = Arc::new(Principal {
        id: ApiKeyId(row.id),
        name: row.name,
        key_id: row.key_id,
        scopes: parse_scopes(&row.scopes),
    });
    sqlx::query_file!("queries/touch_api_key.sql", row.id).execute(engine.pool()).await?;
    engine.keys().keep(whole, Arc::clone(&principal), row.expires_at);
    Ok(principal)
}
