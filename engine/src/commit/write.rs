//! One batch in the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onward_workflows::WorkerId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Announced, CheckpointRow, RunWrite, Then, Written, kind_of};

/// Writes the batch and says for each of its runs, in order, what became of it.
pub(crate) async fn write(pool: &PgPool, worker: WorkerId, batch: &[&RunWrite]) -> Result<Vec<Written>, sqlx::Error> {
    if batch.iter().all(|write| only_adds(write)) {
        add_checkpoints(pool, worker, batch).await
    } else {
        write_everything(pool, worker, batch).await
    }
}

fn only_adds(write: &RunWrite) -> bool {
    matches!(write.then, Then::Keep) && write.announced.is_empty() && !write.settles && !write.resets_crashes
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

async fn write_everything(pool: &PgPool, worker: WorkerId, batch: &[&RunWrite]) -> Result<Vec<Written>, sqlx::Error> {
    let checkpoints = checkpoints_of(batch);
    let announced: Vec<(Uuid, &Announced)> =
        batch.iter().flat_map(|write| write.announced.iter().map(|announced| (write.run.0, announced))).collect();
    let waits: Vec<_> = batch
        .iter()
        .filter_map(|write| if let Then::Park(park) = &write.then { Some((write.run.0, park)) } else { None })
        .flat_map(|(run, park)| park.waits.iter().map(move |wait| (run, wait)))
        .collect();
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
        &waits.iter().map(|(run, _)| *run).collect::<Vec<_>>(),
        &waits.iter().map(|(_, wait)| wait.path.as_str()).collect::<Vec<_>>() as _,
        &waits.iter().map(|(_, wait)| i32::try_from(wait.attempt).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &waits.iter().map(|(_, wait)| kind_of(wait)).collect::<Vec<_>>() as _,
        &waits.iter().map(|(_, wait)| wait.due_at).collect::<Vec<_>>(),
    )
    .fetch_all(pool)
    .await?;
    let rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.run_id, row)).collect();
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
