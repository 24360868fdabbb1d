//! The triggers whose time has come.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onward_workflows::{Planned, RunId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::decide::{Decision, INSTANTS_MAX, Pause, REPLACED, Situation, Verdict, decide};
use super::{FireError, Fired, TRIGGERS_MAX, announce, prepare};
use crate::start::{self, StartRun};
use crate::triggers::read_timetable;
use crate::{Engine, Wakes};

const UNREADABLE: &str = "the stored schedule cannot be read by this version of Onward";

struct Trigger {
    workflow: String,
    id: String,
    version: i32,
    last_run_id: Option<Uuid>,
    next: Option<Planned>,
    decision: Decision,
}

/// What is written of an instant.
struct Fire {
    trigger: usize,
    nominal_at: DateTime<Utc>,
    start: Option<Arc<StartRun>>,
    reason: Option<String>,
    instants: i32,
}

/// Locks the triggers, records the fires, inserts the runs and advances, in one transaction.
pub(super) async fn fire(engine: &Engine) -> Result<Fired, FireError> {
    let mut transaction = engine.pool().begin().await?;
    let triggers = lock(&mut transaction).await?;
    if triggers.is_empty() {
        transaction.rollback().await?;
        return Ok(Fired::default());
    }
    let mut fires = Vec::new();
    for (place, trigger) in triggers.iter().enumerate() {
        fires.extend(trigger.fires(engine, place).await?);
    }
    let canceled = replace(&mut transaction, &triggers).await?;
    let recorded = record(&mut transaction, &triggers, &fires).await?;
    let fires: Vec<Fire> =
        fires.into_iter().filter(|fire| recorded.contains(&(fire.trigger, fire.nominal_at))).collect();
    let starts: Vec<Arc<StartRun>> = fires.iter().filter_map(|fire| fire.start.clone()).collect();
    advance(&mut transaction, &triggers, &fires).await?;
    start::insert_in(&mut transaction, &starts, engine.env()).await?;
    transaction.commit().await?;
    announce(engine, &starts);
    canceled.announce(engine.wakes());
    let skipped = fires.iter().filter(|fire| fire.reason.is_some());
    Ok(Fired {
        started: starts.len(),
        skipped: skipped.map(|fire| usize::try_from(fire.instants).unwrap_or_default()).sum(),
        waiting: fires.iter().filter(|fire| fire.start.is_none() && fire.reason.is_none()).count(),
        next_at: None,
    })
}

async fn lock(connection: &mut PgConnection) -> Result<Vec<Trigger>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/lock_due_triggers.sql", TRIGGERS_MAX).fetch_all(&mut *connection).await?;
    let workflows: Vec<&str> = rows.iter().map(|row| row.workflow.as_str()).collect();
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let activity =
        sqlx::query_file!("queries/read_activity.sql", &workflows as _, &ids as _).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .zip(activity)
        .map(|(row, activity)| {
            let read = read_timetable(&row.workflow, &row.id, row.schedule, row.timezone, &row.rules);
            let (next, decision) = if let Some((timetable, rules)) = read {
                let situation = Situation {
                    rules: &rules,
                    now: row.now,
                    pause: row.paused_at.map(|_| Pause { until: row.paused_until }),
                    active: activity.active,
                    waiting: usize::try_from(activity.waiting).unwrap_or_default(),
                };
                let due = timetable.due(row.nominal_at, row.now, INSTANTS_MAX);
                (due.next, decide(&situation, &due))
            } else {
                tracing::error!(workflow = row.workflow, trigger = row.id, "{UNREADABLE}; its trigger stops");
                let planned = Planned { nominal_at: row.nominal_at, due_at: row.nominal_at };
                let fires = vec![(planned, Verdict::Skip(UNREADABLE))];
                (None, Decision { fires, earlier: None, replaces: false })
            };
            Trigger {
                workflow: row.workflow,
                id: row.id,
                version: row.version,
                last_run_id: row.last_run_id,
                next,
                decision,
            }
        })
        .collect())
}

impl Trigger {
    /// In the order of time.
    async fn fires(&self, engine: &Engine, place: usize) -> Result<Vec<Fire>, FireError> {
        let mut fires = Vec::new();
        let fire = |nominal_at| Fire { trigger: place, nominal_at, start: None, reason: None, instants: 1 };
        if let Some((first, count, reason)) = &self.decision.earlier {
            let instants = i32::try_from(*count).unwrap_or(i32::MAX);
            fires.push(Fire { reason: Some(reason.clone()), instants, ..fire(*first) });
        }
        for (planned, verdict) in &self.decision.fires {
            let at = planned.nominal_at;
            fires.push(match verdict {
                Verdict::Wait => fire(at),
                Verdict::Skip(reason) => Fire { reason: Some((*reason).to_owned()), ..fire(at) },
                Verdict::Start => match prepare(engine, &self.workflow, self.version, &self.id, at).await? {
                    Ok(start) => Fire { start: Some(Arc::new(start)), ..fire(at) },
                    Err(reason) => Fire { reason: Some(reason), ..fire(at) },
                },
            });
        }
        Ok(fires)
    }
}

/// The runs that have been asked to end, for those who carry them.
struct Canceled(Vec<(RunId, String)>);

impl Canceled {
    fn announce(self, wakes: &Wakes) {
        for (run, queue) in self.0 {
            wakes.queue(&queue);
            wakes.run(run);
        }
    }
}

async fn replace(connection: &mut PgConnection, triggers: &[Trigger]) -> Result<Canceled, sqlx::Error> {
    let replacing: Vec<&Trigger> = triggers.iter().filter(|trigger| trigger.decision.replaces).collect();
    if replacing.is_empty() {
        return Ok(Canceled(Vec::new()));
    }
    let (workflows, ids): (Vec<&str>, Vec<&str>) =
        replacing.iter().map(|trigger| (trigger.workflow.as_str(), trigger.id.as_str())).unzip();
    let runs: Vec<Uuid> = replacing.iter().filter_map(|trigger| trigger.last_run_id).collect();
    let rows = sqlx::query_file!("queries/cancel_runs.sql", &runs).fetch_all(&mut *connection).await?;
    sqlx::query_file!("queries/skip_waiting_fires.sql", &workflows as _, &ids as _, REPLACED, false)
        .execute(connection)
        .await?;
    Ok(Canceled(rows.into_iter().map(|row| (RunId(row.run_id), row.queue)).collect()))
}

/// Which of them nobody had recorded before.
async fn record(
    connection: &mut PgConnection,
    triggers: &[Trigger],
    fires: &[Fire],
) -> Result<HashSet<(usize, DateTime<Utc>)>, sqlx::Error> {
    let of = |fire: &Fire| &triggers[fire.trigger];
    let result = |fire: &Fire| match (&fire.start, &fire.reason) {
        (Some(_), _) => "started",
        (None, Some(_)) => "skipped",
        (None, None) => "waiting",
    };
    let rows = sqlx::query_file!(
        "queries/insert_fires.sql",
        &fires.iter().map(|fire| of(fire).workflow.as_str()).collect::<Vec<_>>() as _,
        &fires.iter().map(|fire| of(fire).id.as_str()).collect::<Vec<_>>() as _,
        &fires.iter().map(|fire| fire.nominal_at).collect::<Vec<_>>(),
        &fires.iter().map(result).collect::<Vec<_>>() as _,
        &fires.iter().map(|fire| fire.start.as_ref().map(|start| start.run.0)).collect::<Vec<_>>() as _,
        &fires.iter().map(|fire| fire.reason.as_deref()).collect::<Vec<_>>() as _,
        &fires.iter().map(|fire| fire.instants).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let place =
        |workflow: &str, id: &str| triggers.iter().position(|trigger| trigger.workflow == workflow && trigger.id == id);
    Ok(rows.iter().filter_map(|row| Some((place(&row.workflow, &row.trigger_id)?, row.nominal_at))).collect())
}

async fn advance(connection: &mut PgConnection, triggers: &[Trigger], fires: &[Fire]) -> Result<(), sqlx::Error> {
    let last_run = |place: usize| {
        let newest = fires.iter().rev().filter(|fire| fire.trigger == place).find_map(|fire| fire.start.as_ref());
        newest.map(|start| start.run.0)
    };
    sqlx::query_file!(
        "queries/advance_triggers.sql",
        &triggers.iter().map(|trigger| trigger.workflow.as_str()).collect::<Vec<_>>() as _,
        &triggers.iter().map(|trigger| trigger.id.as_str()).collect::<Vec<_>>() as _,
        &triggers.iter().map(|trigger| trigger.next.map(|next| next.nominal_at)).collect::<Vec<_>>() as _,
        &triggers.iter().map(|trigger| trigger.next.map(|next| next.due_at)).collect::<Vec<_>>() as _,
        &(0..triggers.len()).map(last_run).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
