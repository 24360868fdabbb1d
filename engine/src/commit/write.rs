//! One batch in the database.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onward_workflows::{Wait, WaitKind, WorkerId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Announced, CheckpointRow, RoutedRow, RunWrite, Then, Written, kind_of};
use crate::event::bucket;

/// Writes the batch and says for each of its runs, in order, what became of it.
pub(crate) async fn write(pool: &PgPool, worker: WorkerId, batch: &[&RunWrite]) -> Result<Vec<Written>, sqlx::Error> {
    if batch.iter().all(|write| only_adds(write)) {
        add_checkpoints(pool, worker, batch).await
    } else if batch.iter().any(|write| listens(write)) {
        park_on_events(pool, worker, batch).await
    } else {
        let mut connection = pool.acquire().await?;
        let rows = write_everything(&mut connection, worker, batch).await?;
        drop(connection);
        answer(pool, worker, batch, rows).await
    }
}

fn listens(write: &RunWrite) -> bool {
    matches!(&write.then, Then::Park(park) if park.waits.iter().any(|wait| matches!(wait.kind, WaitKind::Event(_))))
}

/// Waits and events look for each other under a lock: an event that came before the park wakes the run at once.
async fn park_on_events(pool: &PgPool, worker: WorkerId, batch: &[&RunWrite]) -> Result<Vec<Written>, sqlx::Error> {
    let parks = batch.iter().filter(|write| listens(write));
    let mut buckets: Vec<i64> = Vec::new();
    for write in parks.clone() {
        let Then::Park(park) = &write.then else { continue };
        for wait in &park.waits {
            let WaitKind::Event(event) = &wait.kind else { continue };
            buckets.extend(event.names.iter().map(|name| bucket(name, event.key.as_deref())));
        }
    }
    buckets.sort_unstable();
    buckets.dedup();
    let mut transaction = pool.begin().await?;
    sqlx::query_file_scalar!("queries/lock_worker.sql", worker.0).fetch_optional(&mut *transaction).await?;
    sqlx::query_file_scalar!("queries/lock_events.sql", &buckets, false).fetch_one(&mut *transaction).await?;
    let rows = write_everything(&mut transaction, worker, batch).await?;
    let parked: Vec<Uuid> =
        parks.map(|write| write.run.0).filter(|run| rows.get(run).is_some_and(|row| row.parked)).collect();
    sqlx::query_file!("queries/wake_for_events.sql", &parked).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    answer(pool, worker, batch, rows).await
}

fn only_adds(write: &RunWrite) -> bool {
    matches!(write.then, Then::Keep)
        && write.announced.is_empty()
        && write.routed.is_empty()
        && !write.settles
        && !write.resets_crashes
}

async fn add_checkpoints(pool: &PgPool, worker: WorkerId, batch: &[&RunWrite]) -> Result<Vec<Written>, sqlx::Error> {
    let checkpoints = checkpoints_of(batch);
    let rows = sqlx::query_file!(
        "queries/commit_checkpoints.sql",
        worker.0,
        &batch.iter().map(|write| write.run.0).collect::<Vec<_>>(),
        &batch.iter().map(|write| write.claimed).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(run, _)| *run).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.path.as_str()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.attempt).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.status).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.output.as_deref()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.error.as_deref()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.started_at).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.finished_at).collect::<Vec<_>>(),
    )
    .fetch_all(pool)
    .await?;
    let written: HashMap<Uuid, i64> = rows.into_iter().map(|row| (row.run_id, row.written)).collect();
    let mut answers = Vec::with_capacity(batch.len());
    for write in batch {
        answers.push(match written.get(&write.run.0) {
            None => Written::Lost,
            Some(written) if all_ours(pool, worker, write, *written).await? => Written::Stored,
            Some(_) => Written::ReadAgain,
        });
    }
    Ok(answers)
}

fn checkpoints_of<'a>(batch: &[&'a RunWrite]) -> Vec<(Uuid, &'a CheckpointRow)> {
    batch.iter().flat_map(|write| write.checkpoints.iter().map(|row| (write.run.0, row))).collect()
}

/// What the statement says of one run.
struct Row {
    owned: bool,
    parked: bool,
    written: i64,
}

/// One row of `pending`; a wait for several events has one for each.
#[derive(Clone)]
struct WaitRow<'a> {
    run: Uuid,
    wait: &'a Wait,
    name: Cow<'a, str>,
    key: Option<&'a str>,
    since: Option<DateTime<Utc>>,
}

fn wait_rows<'a>(batch: &[&'a RunWrite]) -> Vec<WaitRow<'a>> {
    let mut rows = Vec::new();
    for write in batch {
        let Then::Park(park) = &write.then else { continue };
        for wait in &park.waits {
            let bare = WaitRow { run: write.run.0, wait, name: Cow::Borrowed(""), key: None, since: None };
            match &wait.kind {
                WaitKind::Event(event) => rows.extend(event.names.iter().map(|name| WaitRow {
                    name: Cow::Borrowed(name),
                    key: event.key.as_deref(),
                    since: Some(event.since),
                    ..bare.clone()
                })),
                WaitKind::Child(child) => rows.push(WaitRow { name: Cow::Owned(child.0.to_string()), ..bare }),
                WaitKind::Slot { reserved } => {
                    rows.push(WaitRow { name: Cow::Borrowed(if *reserved { "rate" } else { "slot" }), ..bare });
                }
                WaitKind::Timer | WaitKind::Retry | WaitKind::Person => rows.push(bare),
                // Its row was written when it was handed over.
                WaitKind::Routed { .. } => {}
            }
        }
    }
    rows
}

async fn write_everything(
    connection: &mut PgConnection,
    worker: WorkerId,
    batch: &[&RunWrite],
) -> Result<HashMap<Uuid, Row>, sqlx::Error> {
    let checkpoints = checkpoints_of(batch);
    let announced: Vec<(Uuid, &Announced)> =
        batch.iter().flat_map(|write| write.announced.iter().map(|announced| (write.run.0, announced))).collect();
    let routed: Vec<(Uuid, &RoutedRow)> =
        batch.iter().flat_map(|write| write.routed.iter().map(|routed| (write.run.0, routed))).collect();
    let waits = wait_rows(batch);
    let ends = || batch.iter().map(|write| if let Then::End(end) = &write.then { Some(end) } else { None });
    let rows = sqlx::query_file!(
        "queries/commit_batch.sql",
        worker.0,
        &batch.iter().map(|write| write.run.0).collect::<Vec<_>>(),
        &batch.iter().map(|write| write.claimed).collect::<Vec<_>>(),
        &batch.iter().map(|write| name_of(&write.then)).collect::<Vec<_>>() as _,
        &batch.iter().map(|write| seen_of(&write.then)).collect::<Vec<_>>() as _,
        &batch.iter().map(|write| due_of(&write.then)).collect::<Vec<_>>() as _,
        &ends().map(|end| end.map(|end| end.status)).collect::<Vec<_>>() as _,
        &ends().map(|end| end.and_then(|end| end.output.as_deref())).collect::<Vec<_>>() as _,
        &ends().map(|end| end.and_then(|end| end.error.as_deref())).collect::<Vec<_>>() as _,
        &batch.iter().map(|write| write.settles).collect::<Vec<_>>(),
        &batch.iter().map(|write| write.resets_crashes).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(run, _)| *run).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.path.as_str()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.attempt).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.status).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.output.as_deref()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.error.as_deref()).collect::<Vec<_>>() as _,
        &checkpoints.iter().map(|(_, row)| row.started_at).collect::<Vec<_>>(),
        &checkpoints.iter().map(|(_, row)| row.finished_at).collect::<Vec<_>>(),
        &announced.iter().map(|(run, _)| *run).collect::<Vec<_>>(),
        &announced.iter().map(|(_, row)| row.path.as_str()).collect::<Vec<_>>() as _,
        &announced.iter().map(|(_, row)| i32::try_from(row.attempt).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &announced.iter().map(|(_, row)| row.repeatable).collect::<Vec<_>>(),
        &ends().map(|end| end.and_then(|end| end.not_undone.as_deref())).collect::<Vec<_>>() as _,
        &waits.iter().map(|row| row.run).collect::<Vec<_>>(),
        &waits.iter().map(|row| row.wait.path.as_str()).collect::<Vec<_>>() as _,
        &waits.iter().map(|row| i32::try_from(row.wait.attempt).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &waits.iter().map(|row| kind_of(row.wait)).collect::<Vec<_>>() as _,
        &waits.iter().map(|row| row.wait.due_at).collect::<Vec<_>>(),
        &waits.iter().map(|row| &*row.name).collect::<Vec<_>>() as _,
        &waits.iter().map(|row| row.key).collect::<Vec<_>>() as _,
        &waits.iter().map(|row| row.since).collect::<Vec<_>>() as _,
        &routed.iter().map(|(run, _)| *run).collect::<Vec<_>>(),
        &routed.iter().map(|(_, row)| row.path.as_str()).collect::<Vec<_>>() as _,
        &routed.iter().map(|(_, row)| i32::try_from(row.attempt).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &routed.iter().map(|(_, row)| row.queue.as_str()).collect::<Vec<_>>() as _,
        &routed.iter().map(|(_, row)| row.priority.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    let of = |owned, parked, written| Row { owned, parked, written };
    Ok(rows.into_iter().map(|row| (row.run_id, of(row.owned, row.parked, row.written))).collect())
}

async fn answer(
    pool: &PgPool,
    worker: WorkerId,
    batch: &[&RunWrite],
    rows: HashMap<Uuid, Row>,
) -> Result<Vec<Written>, sqlx::Error> {
    let mut answers = Vec::with_capacity(batch.len());
    for write in batch {
        answers.push(match rows.get(&write.run.0) {
            Some(row) if !row.owned => Written::Lost,
            Some(row) if row.parked && all_ours(pool, worker, write, row.written).await? => Written::Stored,
            Some(_) => Written::ReadAgain,
            None => Written::Lost,
        });
    }
    Ok(answers)
}

/// First one wins per attempt; losing to ourselves is a repeat after a lost answer and counts as written.
async fn all_ours(pool: &PgPool, worker: WorkerId, write: &RunWrite, written: i64) -> Result<bool, sqlx::Error> {
    if usize::try_from(written).is_ok_and(|written| written == write.checkpoints.len()) {
        return Ok(true);
    }
    let paths: Vec<&str> = write.checkpoints.iter().map(|row| row.path.as_str()).collect();
    let attempts: Vec<i32> = write.checkpoints.iter().map(|row| row.attempt).collect();
    let authors = sqlx::query_file_scalar!("queries/find_checkpoint_authors.sql", write.run.0, &paths as _, &attempts)
        .fetch_all(pool)
        .await?;
    Ok(authors.len() == paths.len() && authors.iter().all(|author| *author == Some(worker.0)))
}

fn name_of(then: &Then) -> &'static str {
    match then {
        Then::Keep => "keep",
        Then::Park(_) => "park",
        Then::Release(_) => "release",
        Then::End(_) => "end",
    }
}

fn seen_of(then: &Then) -> Option<i32> {
    match then {
        Then::Park(park) => Some(park.seen),
        Then::Release(release) => Some(release.seen),
        Then::Keep | Then::End(_) => None,
    }
}

fn due_of(then: &Then) -> Option<DateTime<Utc>> {
    match then {
        Then::Park(park) => Some(park.due_at),
        Then::Release(release) => Some(release.due_at),
        Then::Keep | Then::End(_) => None,
    }
}
