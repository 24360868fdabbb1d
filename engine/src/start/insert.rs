//! One start batch in the database.

use std::sync::Arc;

use onward_workflows::{RunId, WorkerId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Duplicate, StartRun, Started};
use crate::claim::is_served;

/// What became of one start of a batch, in the batch's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Settled {
        started: Started,
        claimed: bool,
    },
    /// Somebody else is starting a run with this key right now; ask again in the next batch.
    Busy,
}

/// Which worker claims what it starts, and how many at the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub worker: WorkerId,
    pub seats: usize,
    /// The queues it serves; `None` is all.
    pub queues: Option<&'a [String]>,
}

/// Writes the batch in one transaction. No two starts of a batch have the same key.
pub(crate) async fn insert(
    pool: &PgPool,
    starts: &[Arc<StartRun>],
    env: &Value,
    owner: Option<Owner<'_>>,
) -> Result<Vec<Verdict>, sqlx::Error> {
    let keyed: Vec<usize> = (0..starts.len()).filter(|place| starts[*place].key.is_some()).collect();
    let mut verdicts = vec![Verdict::Busy; starts.len()];
    if keyed.is_empty() {
        let everything: Vec<usize> = (0..starts.len()).collect();
        write(&mut *pool.acquire().await?, starts, &everything, env, owner, &mut verdicts).await?;
        return Ok(verdicts);
    }
    let mut transaction = pool.begin().await?;
    if let Some(owner) = owner {
        sqlx::query_file_scalar!("queries/lock_worker.sql", owner.worker.0).fetch_optional(&mut *transaction).await?;
    }
    let busy = lock_keys(&mut transaction, starts, &keyed).await?;
    let free: Vec<usize> = (0..starts.len()).filter(|place| !busy.contains(place)).collect();
    write(&mut transaction, starts, &free, env, owner, &mut verdicts).await?;
    transaction.commit().await?;
    Ok(verdicts)
}

/// Joins a transaction of the caller; the starts have no keys and nobody claims them.
pub(crate) async fn insert_in(
    connection: &mut PgConnection,
    starts: &[Arc<StartRun>],
    env: &Value,
) -> Result<(), sqlx::Error> {
    let everything: Vec<usize> = (0..starts.len()).collect();
    write(connection, starts, &everything, env, None, &mut vec![Verdict::Busy; starts.len()]).await
}

/// The same for one start that has a key. `None`: somebody else is starting a run with it right now.
pub(crate) async fn insert_keyed_in(
    connection: &mut PgConnection,
    start: &Arc<StartRun>,
    env: &Value,
) -> Result<Option<Started>, sqlx::Error> {
    let starts = std::slice::from_ref(start);
    if !lock_keys(connection, starts, &[0]).await?.is_empty() {
        return Ok(None);
    }
    let mut verdicts = [Verdict::Busy];
    write(connection, starts, &[0], env, None, &mut verdicts).await?;
    Ok(match verdicts[0] {
        Verdict::Settled { started, claimed: _ } => Some(started),
        Verdict::Busy => None,
    })
}

async fn lock_keys(
    connection: &mut PgConnection,
    starts: &[Arc<StartRun>],
    keyed: &[usize],
) -> Result<Vec<usize>, sqlx::Error> {
    let keys = keyed.iter().filter_map(|place| starts[*place].key.as_ref());
    let (scopes, keys): (Vec<&str>, Vec<&str>) = keys.map(|key| (key.scope.as_str(), key.key.as_str())).unzip();
    let rows = sqlx::query_file!("queries/lock_keys.sql", &scopes as _, &keys as _).fetch_all(connection).await?;
    Ok(rows.iter().filter(|row| !row.held).map(|row| keyed[place_of(row.place)]).collect())
}

fn place_of(ordinality: i64) -> usize {
    usize::try_from(ordinality - 1).expect("ordinality counts from one")
}

async fn write(
    connection: &mut PgConnection,
    starts: &[Arc<StartRun>],
    places: &[usize],
    env: &Value,
    owner: Option<Owner<'_>>,
    verdicts: &mut [Verdict],
) -> Result<(), sqlx::Error> {
    let chosen = || places.iter().map(|place| &starts[*place]);
    let text = |value: &Value| value.to_string();
    let keys = || chosen().map(|start| start.key.as_ref());
    let rows = sqlx::query_file!(
        "queries/start_runs.sql",
        owner.map(|owner| owner.worker.0),
        owner.map_or(0, |owner| i64::try_from(owner.seats).expect("seats are few")),
        &chosen().map(|start| start.run.0).collect::<Vec<_>>(),
        &chosen().map(|start| start.version.workflow.as_str()).collect::<Vec<_>>() as _,
        &chosen().map(|start| start.version.version).collect::<Vec<_>>(),
        &chosen().map(|start| start.trigger_id.as_deref()).collect::<Vec<_>>() as _,
        &chosen().map(|start| (!start.trigger.is_null()).then(|| text(&start.trigger))).collect::<Vec<_>>() as _,
        &chosen().map(|start| text(&start.inputs)).collect::<Vec<_>>(),
        &chosen().map(|start| start.variables.as_ref().map(text)).collect::<Vec<_>>() as _,
        &chosen().map(|start| start.created_at).collect::<Vec<_>>(),
        &chosen().map(|start| start.scheduled_at).collect::<Vec<_>>() as _,
        &chosen().map(|start| start.queue.as_str()).collect::<Vec<_>>() as _,
        &chosen().map(|start| start.priority.as_str()).collect::<Vec<_>>() as _,
        &chosen().map(|start| start.due_at.unwrap_or(start.created_at)).collect::<Vec<_>>(),
        &chosen().map(|start| serves(owner, start)).collect::<Vec<_>>(),
        &keys().map(|key| key.map(|key| key.scope.as_str())).collect::<Vec<_>>() as _,
        &keys().map(|key| key.map(|key| key.key.as_str())).collect::<Vec<_>>() as _,
        &keys().map(|key| key.map(|key| key.request_hash.to_vec())).collect::<Vec<_>>() as _,
        &keys().map(|key| key.map(|key| key.ttl.as_secs_f64())).collect::<Vec<_>>() as _,
        (!is_empty(env)).then(|| text(env)),
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let place = places[place_of(row.place)];
        verdicts[place] = settle(&starts[place], row.begun, row.claimed, row.first_run, row.first_hash.as_deref());
    }
    Ok(())
}

fn settle(start: &StartRun, begun: bool, claimed: bool, first: Option<Uuid>, hash: Option<&[u8]>) -> Verdict {
    let started = |run, duplicate| Started { run, duplicate };
    match first {
        _ if begun => Verdict::Settled { started: started(start.run, None), claimed },
        // A repeat of our own batch after a lost answer.
        Some(first) if first == start.run.0 => Verdict::Settled { started: started(start.run, None), claimed: false },
        Some(first) => {
            let key = start.key.as_ref();
            let duplicate = if key.is_some_and(|key| key.of_document) {
                Duplicate::KeyOfDocument
            } else if key.is_some_and(|key| hash == Some(&key.request_hash)) {
                Duplicate::SameRequest
            } else {
                Duplicate::OtherRequest
            };
            Verdict::Settled { started: started(RunId(first), Some(duplicate)), claimed: false }
        }
        // Expired and removed between two looks.
        None => Verdict::Busy,
    }
}

/// May the run be inserted claimed?
fn serves(owner: Option<Owner<'_>>, start: &StartRun) -> bool {
    let is_due = start.due_at.is_none_or(|due_at| due_at <= start.created_at);
    is_due && owner.is_some_and(|owner| is_served(owner.queues, &start.queue))
}

fn is_empty(env: &Value) -> bool {
    env.as_object().is_none_or(serde_json::Map::is_empty)
}
