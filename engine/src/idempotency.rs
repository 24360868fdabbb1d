//! Answers kept under a caller's key, for requests that do something else than starting a run.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::Engine;

/// A caller's key, and what tells the same request from another one.
#[derive(Debug, Clone)]
pub struct AnswerKey {
    /// Whose key it is and for what: two callers may choose the same one.
    pub scope: String,
    pub key: String,
    pub request_hash: [u8; 32],
    pub ttl: Duration,
}

/// What was answered, to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub answer: Answer,
    /// It is an earlier request's answer, and nothing was done now.
    pub replayed: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum OnceError<E> {
    #[error("the key was used for another request")]
    Reused,
    #[error("the first request with this key is still in work")]
    InWork,
    #[error("the remembered answer cannot be read")]
    Corrupt(#[source] serde_json::Error),
    #[error("the effect failed")]
    Effect(#[source] E),
    #[error("the database did not answer")]
    Database(#[source] sqlx::Error),
}

/// Carries out `effect` and keeps its answer in one transaction, or gives back the answer that is there already. Without
/// a key it is only the transaction. A failed effect leaves nothing behind, so that the key may be used again.
pub async fn once<E, F>(engine: &Engine, key: Option<AnswerKey>, effect: F) -> Result<Answered, OnceError<E>>
where
    F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<Answer, E>> + Send,
{
    let mut transaction = engine.pool().begin().await.map_err(OnceError::Database)?;
    if let Some(key) = &key
        && let Some(answer) = recall(&mut transaction, key).await?
    {
        return Ok(Answered { answer, replayed: true });
    }
    let answer = effect(&mut transaction).await.map_err(OnceError::Effect)?;
    if let Some(key) = &key {
        remember(&mut transaction, key, &answer).await?;
    }
    transaction.commit().await.map_err(OnceError::Database)?;
    Ok(Answered { answer, replayed: false })
}

/// The lock is a statement of its own: the look that follows then sees what its last holder committed.
async fn recall<E>(connection: &mut PgConnection, key: &AnswerKey) -> Result<Option<Answer>, OnceError<E>> {
    let locked = sqlx::query_file_scalar!("queries/lock_answer.sql", key.scope, key.key)
        .fetch_one(&mut *connection)
        .await
        .map_err(OnceError::Database)?;
    if !locked {
        return Err(OnceError::InWork);
    }
    let row = sqlx::query_file!("queries/find_answer.sql", key.scope, key.key)
        .fetch_optional(connection)
        .await
        .map_err(OnceError::Database)?;
    let Some(row) = row else { return Ok(None) };
    match row.answer {
        Some(text) if row.request_hash == key.request_hash => {
            serde_json::from_str(&text).map(Some).map_err(OnceError::Corrupt)
        }
        Some(_) | None => Err(OnceError::Reused),
    }
}

async fn remember<E>(connection: &mut PgConnection, key: &AnswerKey, answer: &Answer) -> Result<(), OnceError<E>> {
    let text = serde_json::to_string(answer).expect("an answer is made of texts and a number");
    let (hash, seconds) = (key.request_hash.as_slice(), key.ttl.as_secs_f64());
    sqlx::query_file!("queries/save_answer.sql", key.scope, key.key, hash, text, seconds)
        .execute(connection)
        .await
        .map_err(OnceError::Database)?;
    Ok(())
}
