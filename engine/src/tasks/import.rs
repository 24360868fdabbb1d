//! Taking over the tasks that wait in fang's own table.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::NewTask;
use super::enqueue::{EnqueueError, prepare, release};
use super::fang_table::{FangRow, FangTableError, read_page, read_rest};
use super::key::TaskId;
use super::kinds::Kinds;
use crate::start::{insert_in, insert_keyed_in};
use crate::{Answer, AnswerKey, Engine, OnceError, StartRun, once};

/// Which rows have been taken over; a key for each.
const SCOPE: &str = "fang";
const REMEMBERED: Duration = Duration::from_hours(367 * 24);
/// Somebody may be enqueueing an equal task.
const TRIES_MAX: u32 = 50;
const TRY_PAUSE: Duration = Duration::from_millis(20);
const UNREADABLE_MAX: usize = 100;
const IMPORTED: u16 = 201;
const THERE: u16 = 200;

#[derive(Debug, Clone, Copy, Default)]
pub struct ImportTasks {
    /// Also rows that have been in progress for at least so many minutes.
    pub in_progress_minutes: Option<i32>,
}

/// What an import has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportedTasks {
    pub imported: u64,
    /// Taken over by an earlier import.
    pub already: u64,
    /// Unique, and an equal one is here and unfinished.
    pub equal: u64,
    /// Rows whose task has no `type`, or which cannot be stored; the first of them.
    pub unreadable: Vec<Uuid>,
    /// Left alone: in progress.
    pub in_progress: i64,
    /// Left alone: finished or failed.
    pub ended: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Table(#[from] FangTableError),
    #[error("the task {id} could not be taken over")]
    Task {
        id: Uuid,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

enum Taken {
    Now,
    Before,
    Equal,
    Unreadable,
}

/// Copies unfinished tasks from `source`. It may be done again: a row is taken over once. Fang's own workers have to be
/// stopped before, or they carry the same tasks out.
pub async fn import_tasks(
    engine: &Engine,
    kinds: &Kinds,
    source: &PgPool,
    wish: ImportTasks,
) -> Result<ImportedTasks, ImportError> {
    let rest = read_rest(source, wish.in_progress_minutes).await?;
    let mut done = ImportedTasks { in_progress: rest.in_progress, ended: rest.ended, ..ImportedTasks::default() };
    let mut after = Uuid::nil();
    loop {
        let page = read_page(source, after, wish.in_progress_minutes).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = last.id;
        for row in page {
            let id = row.id;
            match take(engine, kinds, row).await.map_err(|source| ImportError::Task { id, source })? {
                Taken::Now => done.imported += 1,
                Taken::Before => done.already += 1,
                Taken::Equal => done.equal += 1,
                Taken::Unreadable if done.unreadable.len() < UNREADABLE_MAX => done.unreadable.push(id),
                Taken::Unreadable => {}
            }
        }
    }
}

async fn take(engine: &Engine, kinds: &Kinds, row: FangRow) -> Result<Taken, Box<dyn std::error::Error + Send + Sync>> {
    let FangRow { id, metadata: task, task_type, is_unique: unique, scheduled_at } = row;
    let due_at = (scheduled_at > engine.clock().now()).then_some(scheduled_at);
    let request_hash = TaskId::of(&task).0;
    let new = NewTask { task, task_type, unique, due_at, run: None };
    let start = match prepare(engine, kinds, &new).await {
        Ok(start) => Arc::new(start),
        Err(EnqueueError::NoKind | EnqueueError::TooLarge(_) | EnqueueError::TooLate | EnqueueError::Refused(_)) => {
            return Ok(Taken::Unreadable);
        }
        Err(error) => return Err(error.into()),
    };
    for _ in 0..TRIES_MAX {
        let key = AnswerKey { scope: SCOPE.to_owned(), key: id.to_string(), request_hash, ttl: REMEMBERED };
        let (effect, env) = (Arc::clone(&start), Arc::clone(engine.env()));
        let answered =
            once(engine, Some(key), move |connection| async move { begin(connection, &effect, &env).await }.boxed());
        match answered.await {
            Ok(answered) if answered.replayed => return Ok(Taken::Before),
            Ok(answered) if answered.answer.status == IMPORTED => {
                engine.wakes().queue(&start.queue);
                return Ok(Taken::Now);
            }
            Ok(_) => return Ok(Taken::Equal),
            Err(OnceError::Effect(Busy::Key) | OnceError::InWork) => tokio::time::sleep(TRY_PAUSE).await,
            // Its fields were changed after it had been taken over.
            Err(OnceError::Reused) => return Ok(Taken::Before),
            Err(error) => return Err(error.into()),
        }
    }
    Err(EnqueueError::Busy.into())
}

#[derive(Debug, thiserror::Error)]
enum Busy {
    #[error("an equal task is being enqueued")]
    Key,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// In the transaction that remembers the row.
async fn begin(connection: &mut PgConnection, start: &Arc<StartRun>, env: &serde_json::Value) -> Result<Answer, Busy> {
    let (status, run) = if start.key.is_some() {
        release(&mut *connection, start, None).await?;
        let started = insert_keyed_in(connection, start, env).await?.ok_or(Busy::Key)?;
        (if started.duplicate.is_some() { THERE } else { IMPORTED }, started.run)
    } else {
        insert_in(connection, std::slice::from_ref(start), env).await?;
        (IMPORTED, start.run)
    };
    Ok(Answer { status, location: None, etag: None, body: run.to_string() })
}
