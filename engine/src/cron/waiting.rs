//! Fires that wait for the end of a run.

use std::sync::Arc;

use uuid::Uuid;

use super::{FireError, Fired, TRIGGERS_MAX, announce, prepare};
use crate::Engine;
use crate::start;

const STRANDED: &str = "waiting: its trigger was removed or switched off meanwhile";

/// One for each trigger whose last run has ended; the oldest first, those of a backfill last.
pub(super) async fn start_waiting(engine: &Engine) -> Result<Fired, FireError> {
    let stranded =
        sqlx::query_file!("queries/skip_stranded_fires.sql", STRANDED).execute(engine.pool()).await?.rows_affected();
    let mut fired = Fired { skipped: usize::try_from(stranded).unwrap_or_default(), ..Fired::default() };

    let mut transaction = engine.pool().begin().await?;
    let triggers =
        sqlx::query_file!("queries/lock_waiting_triggers.sql", TRIGGERS_MAX).fetch_all(&mut *transaction).await?;
    let workflows: Vec<&str> = triggers.iter().map(|trigger| trigger.workflow.as_str()).collect();
    let ids: Vec<&str> = triggers.iter().map(|trigger| trigger.id.as_str()).collect();
    let startable = sqlx::query_file!("queries/find_waiting_fires.sql", &workflows as _, &ids as _)
        .fetch_all(&mut *transaction)
        .await?;
    if startable.is_empty() {
        transaction.rollback().await?;
        return Ok(fired);
    }
    let mut prepared = Vec::with_capacity(startable.len());
    for fire in &startable {
        let trigger = &triggers[usize::try_from(fire.place - 1).expect("ordinality counts from one")];
        let start = prepare(engine, &trigger.workflow, trigger.version, &trigger.id, fire.nominal_at).await?;
        prepared.push((trigger, fire.nominal_at, start.map(Arc::new)));
    }
    let workflows: Vec<&str> = prepared.iter().map(|(trigger, ..)| trigger.workflow.as_str()).collect();
    let ids: Vec<&str> = prepared.iter().map(|(trigger, ..)| trigger.id.as_str()).collect();
    let runs: Vec<Option<Uuid>> =
        prepared.iter().map(|(.., start)| start.as_ref().ok().map(|start| start.run.0)).collect();
    let settled = sqlx::query_file!(
        "queries/settle_fires.sql",
        &workflows as _,
        &ids as _,
        &prepared.iter().map(|(_, nominal_at, _)| *nominal_at).collect::<Vec<_>>(),
        &runs as _,
        &prepared.iter().map(|(.., start)| start.as_ref().err().map(String::as_str)).collect::<Vec<_>>() as _,
    )
    .fetch_all(&mut *transaction)
    .await?;
    // Somebody may have found one of them stranded in this very moment; it has no run then.
    prepared.retain(|(trigger, ..)| {
        settled.iter().any(|row| row.workflow == trigger.workflow && row.trigger_id == trigger.id)
    });
    let last: Vec<(&str, &str, Uuid)> = prepared
        .iter()
        .filter_map(|(trigger, _, start)| {
            Some((trigger.workflow.as_str(), trigger.id.as_str(), start.as_ref().ok()?.run.0))
        })
        .collect();
    sqlx::query_file!(
        "queries/keep_last_runs.sql",
        &last.iter().map(|(workflow, ..)| *workflow).collect::<Vec<_>>() as _,
        &last.iter().map(|(_, id, _)| *id).collect::<Vec<_>>() as _,
        &last.iter().map(|(.., run)| *run).collect::<Vec<_>>(),
    )
    .execute(&mut *transaction)
    .await?;
    let starts: Vec<_> = prepared.iter().filter_map(|(.., start)| start.as_ref().ok().cloned()).collect();
    start::insert_in(&mut transaction, &starts, engine.env()).await?;
    transaction.commit().await?;
    announce(engine, &starts);
    fired.skipped += prepared.len() - starts.len();
    fired.started = starts.len();
    Ok(fired)
}
