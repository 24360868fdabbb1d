//! What is stored of runs, read back: facts, checkpoints, and effects without an outcome.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use onward_workflows::{ArrivedEvent, Begun, Cancel, Checkpoint, ChildEnd, ChildRun, EventId, Past, RunFacts, RunId};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::PgPool;
use uuid::Uuid;

use crate::Version;
use crate::routed::{StoredEnd, StoredRouted};

/// Written by a newer binary, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}` of run {run} does not hold what it should")]
pub struct CorruptRow {
    pub run: RunId,
    pub column: &'static str,
    #[source]
    pub source: serde_json::Error,
}

/// A run's row as far as it never changes, still as text.
pub(crate) struct StoredRun {
    pub workflow: String,
    pub version: i32,
    trigger: Option<String>,
    inputs: String,
    env: Option<String>,
    variables: Option<String>,
    created_at: DateTime<Utc>,
    scheduled_at: Option<DateTime<Utc>>,
    depth: i16,
    /// Who waits for its end.
    pub parent: Option<Uuid>,
}

impl StoredRun {
    pub fn facts(&self, run: RunId, version: &Version) -> Result<RunFacts, CorruptRow> {
        let trigger = parse(run, "trigger", self.trigger.as_deref())?.unwrap_or(Value::Null);
        let env = parse(run, "env", self.env.as_deref())?.unwrap_or_else(|| Value::Object(Map::new()));
        let mut facts = version.facts(run, &Value::Null, trigger, env, self.created_at);
        facts.inputs = parse(run, "inputs", Some(&self.inputs))?.unwrap_or(Value::Null);
        if let Some(variables) = parse(run, "variables", self.variables.as_deref())? {
            facts.variables = variables;
        }
        facts.scheduled_at = self.scheduled_at;
        facts.depth = u32::from(self.depth.unsigned_abs());
        Ok(facts)
    }
}

/// A checkpoint's row, still as text.
pub(crate) struct StoredCheckpoint {
    path: String,
    attempt: i32,
    status: String,
    output: Option<String>,
    error: Option<String>,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
}

impl StoredCheckpoint {
    pub fn parse(self, run: RunId) -> Result<Checkpoint, CorruptRow> {
        Ok(Checkpoint {
            status: serde_json::from_value(Value::String(self.status)).map_err(|source| CorruptRow {
                run,
                column: "checkpoint.status",
                source,
            })?,
            output: parse(run, "checkpoint.output", self.output.as_deref())?,
            error: parse(run, "checkpoint.error", self.error.as_deref())?,
            path: self.path,
            attempt: self.attempt.unsigned_abs(),
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

pub(crate) fn parse<T: DeserializeOwned>(
    run: RunId,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, CorruptRow> {
    text.map(serde_json::from_str).transpose().map_err(|source| CorruptRow { run, column, source })
}

pub(crate) async fn read_runs(pool: &PgPool, ids: &[Uuid]) -> Result<HashMap<Uuid, StoredRun>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/load_runs.sql", ids).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let stored = StoredRun {
                workflow: row.workflow,
                version: row.version,
                trigger: row.trigger,
                inputs: row.inputs,
                env: row.env,
                variables: row.variables,
                created_at: row.created_at,
                scheduled_at: row.scheduled_at,
                depth: row.depth,
                parent: row.parent_run_id,
            };
            (row.id, stored)
        })
        .collect())
}

/// What runs have finished, and which announced effects have no outcome.
#[derive(Default)]
pub(crate) struct History {
    pub checkpoints: Vec<StoredCheckpoint>,
    pub begun: Vec<Begun>,
    pub events: Vec<ArrivedEvent>,
    pub children: Vec<ChildRun>,
    pub routed: Vec<StoredRouted>,
    /// Instants at which attempts may begin: path, attempt, instant.
    pub reserved: Vec<(String, u32, DateTime<Utc>)>,
}

impl History {
    pub fn past(self, run: RunId, cancel: Option<Cancel>) -> Result<Past, CorruptRow> {
        let Self { checkpoints, begun, events, children, routed, reserved: _ } = self;
        Ok(Past {
            checkpoints: checkpoints.into_iter().map(|row| row.parse(run)).collect::<Result<_, _>>()?,
            begun,
            events,
            children,
            routed: routed.into_iter().map(|row| row.parse(run)).collect::<Result<_, _>>()?,
            cancel,
        })
    }
}

/// Events that one load looks at; the rest comes with the next one.
const EVENTS_MAX: i64 = 10_000;

/// What runs that wait for something outside have to know: events, and the ends of their children.
pub(crate) async fn read_outside(
    pool: &PgPool,
    ids: &[Uuid],
    histories: &mut HashMap<Uuid, History>,
) -> Result<(), OutsideError> {
    for row in sqlx::query_file!("queries/load_events.sql", ids, EVENTS_MAX).fetch_all(pool).await? {
        let event = ArrivedEvent {
            id: EventId(row.id).to_string(),
            name: row.name,
            key: row.key,
            data: parse(RunId(row.run_id), "event.data", Some(&row.data))?.unwrap_or_default(),
            received_at: row.received_at,
        };
        histories.entry(row.run_id).or_default().events.push(event);
    }
    for row in sqlx::query_file!("queries/load_children.sql", ids).fetch_all(pool).await? {
        let run = RunId(row.id);
        let end = match (row.status, row.finished_at) {
            (Some(status), Some(finished_at)) => Some(ChildEnd {
                status: serde_json::from_value(Value::String(status)).map_err(|source| CorruptRow {
                    run,
                    column: "status",
                    source,
                })?,
                output: parse(run, "output", row.output.as_deref())?,
                error: parse(run, "error", row.error.as_deref())?,
                finished_at,
            }),
            _ => None,
        };
        if let Some(parent) = row.parent {
            histories.entry(parent).or_default().children.push(ChildRun { run, end });
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OutsideError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
}

/// A run without anything stored has no entry.
pub(crate) async fn read_histories(pool: &PgPool, ids: &[Uuid]) -> Result<HashMap<Uuid, History>, sqlx::Error> {
    let mut histories: HashMap<Uuid, History> = HashMap::new();
    for row in sqlx::query_file!("queries/load_checkpoints.sql", ids).fetch_all(pool).await? {
        histories.entry(row.run_id).or_default().checkpoints.push(StoredCheckpoint {
            path: row.path,
            attempt: row.attempt,
            status: row.status,
            output: row.output,
            error: row.error,
            started_at: row.started_at,
            finished_at: row.finished_at,
        });
    }
    for row in sqlx::query_file!("queries/load_unanswered.sql", ids).fetch_all(pool).await? {
        let attempt = row.attempt.unsigned_abs();
        let history = histories.entry(row.run_id).or_default();
        match (row.kind.as_str(), row.due_at) {
            ("slot", Some(due_at)) => history.reserved.push((row.path, attempt, due_at)),
            ("routed", _) => history.routed.push(StoredRouted {
                path: row.path,
                attempt,
                queue: row.name,
                end: match (row.outcome, row.started_at, row.finished_at) {
                    (Some(outcome), Some(started_at), Some(finished_at)) => {
                        Some(StoredEnd { outcome, started_at, finished_at })
                    }
                    _ => None,
                },
            }),
            _ => history.begun.push(Begun { path: row.path, attempt, repeatable: row.repeatable }),
        }
    }
    for history in histories.values_mut() {
        let answered: HashSet<(&str, u32)> =
            history.checkpoints.iter().map(|row| (row.path.as_str(), row.attempt.unsigned_abs())).collect();
        let is_answered = |begun: &Begun| answered.contains(&(begun.path.as_str(), begun.attempt));
        history.begun.retain(|begun| !is_answered(begun));
        history.routed.retain(|routed| !answered.contains(&(routed.path.as_str(), routed.attempt)));
    }
    Ok(histories)
}
