//! Replacing the triggers of deployed workflows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onward_workflows::{CronTrigger, Planned, Timetable, Trigger, TriggerKind, WebhookAuth};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CheckedDocument, DeployError};

/// What survives of a trigger that is deployed again.
struct Before {
    schedule: Option<String>,
    timezone: Option<String>,
    rules: Option<Value>,
    nominal_at: Option<DateTime<Utc>>,
    paused_at: Option<DateTime<Utc>>,
    paused_until: Option<DateTime<Utc>>,
    last_run_id: Option<Uuid>,
}

/// The columns of `insert_triggers.sql`.
#[derive(Default)]
struct Columns {
    workflow: Vec<String>,
    id: Vec<String>,
    kind: Vec<String>,
    enabled: Vec<bool>,
    schedule: Vec<Option<String>>,
    timezone: Vec<Option<String>>,
    next_at: Vec<Option<DateTime<Utc>>>,
    last_run_id: Vec<Option<Uuid>>,
    endpoint: Vec<Option<String>>,
    authenticated: Vec<bool>,
    event: Vec<Option<String>>,
    rules: Vec<Option<String>>,
    nominal_at: Vec<Option<DateTime<Utc>>>,
    paused_at: Vec<Option<DateTime<Utc>>>,
    paused_until: Vec<Option<DateTime<Utc>>>,
}

pub(super) async fn replace(
    connection: &mut PgConnection,
    documents: &[&CheckedDocument],
    pruned: &[String],
    now: DateTime<Utc>,
) -> Result<(), DeployError> {
    let mut touched: Vec<String> = documents.iter().map(|document| document.definition.id.clone()).collect();
    touched.extend_from_slice(pruned);
    let before = lock(connection, &touched).await?;
    sqlx::query_file!("queries/delete_triggers.sql", &touched).execute(&mut *connection).await?;

    let mut columns = Columns::default();
    for document in documents {
        for trigger in &document.definition.triggers {
            let known = before.get(&(document.definition.id.clone(), trigger.id.clone()));
            columns.push(document, trigger, known, now);
        }
    }
    refuse_taken(connection, &columns, &touched).await?;
    sqlx::query_file!(
        "queries/insert_triggers.sql",
        &columns.workflow,
        &columns.id,
        &columns.kind,
        &columns.enabled,
        &columns.schedule as &[Option<String>],
        &columns.timezone as &[Option<String>],
        &columns.next_at as &[Option<DateTime<Utc>>],
        &columns.last_run_id as &[Option<Uuid>],
        &columns.endpoint as &[Option<String>],
        &columns.authenticated,
        &columns.rules as &[Option<String>],
        &columns.nominal_at as &[Option<DateTime<Utc>>],
        &columns.paused_at as &[Option<DateTime<Utc>>],
        &columns.paused_until as &[Option<DateTime<Utc>>],
        &columns.event as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn lock(
    connection: &mut PgConnection,
    workflows: &[String],
) -> Result<HashMap<(String, String), Before>, sqlx::Error> {
    let rows = sqlx::query_file!("queries/lock_triggers.sql", workflows).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let before = Before {
                schedule: row.schedule,
                timezone: row.timezone,
                rules: row.rules,
                nominal_at: row.nominal_at,
                paused_at: row.paused_at,
                paused_until: row.paused_until,
                last_run_id: row.last_run_id,
            };
            ((row.workflow, row.id), before)
        })
        .collect())
}

/// The unique index would refuse it too, but could not say whose the endpoint is.
async fn refuse_taken(connection: &mut PgConnection, columns: &Columns, touched: &[String]) -> Result<(), DeployError> {
    let endpoints: Vec<String> = columns.endpoint.iter().flatten().cloned().collect();
    let taken =
        sqlx::query_file!("queries/find_taken_endpoint.sql", &endpoints, touched).fetch_optional(connection).await?;
    taken.map_or(Ok(()), |row| Err(DeployError::EndpointTaken { endpoint: row.endpoint, workflow: row.workflow }))
}

impl Columns {
    fn push(&mut self, document: &CheckedDocument, trigger: &Trigger, before: Option<&Before>, now: DateTime<Utc>) {
        let (mut schedule, mut timezone, mut endpoint, mut authenticated) = (None, None, None, true);
        let (mut rules, mut next, mut pause, mut event) = (None, None, (None, None), None);
        let kind = match &trigger.kind {
            TriggerKind::Cron(cron) => {
                if document.definition.enabled && trigger.enabled {
                    next = next_fire(&document.definition.id, &trigger.id, cron, before, now);
                }
                schedule = Some(cron.schedule.clone());
                timezone = Some(cron.timezone.clone());
                rules = Some(serde_json::to_string(&cron.rules).expect("they are words and durations"));
                pause = before.map_or((None, None), |before| (before.paused_at, before.paused_until));
                "cron"
            }
            TriggerKind::Webhook(webhook) => {
                endpoint = Some(webhook.endpoint.clone());
                // A signature is asked for in place of the key, by whoever knows the document; nobody else lets one in.
                authenticated = match webhook.auth {
                    WebhookAuth::ApiKey | WebhookAuth::Signature(_) => true,
                    WebhookAuth::None => false,
                };
                "webhook"
            }
            TriggerKind::Event(on) => {
                event = Some(on.event.clone());
                "event"
            }
            TriggerKind::Manual => "manual",
        };
        self.workflow.push(document.definition.id.clone());
        self.id.push(trigger.id.clone());
        self.kind.push(kind.to_owned());
        self.enabled.push(trigger.enabled);
        self.schedule.push(schedule);
        self.timezone.push(timezone);
        self.next_at.push(next.map(|next| next.due_at));
        self.last_run_id.push(before.and_then(|before| before.last_run_id));
        self.endpoint.push(endpoint);
        self.authenticated.push(authenticated);
        self.event.push(event);
        self.rules.push(rules);
        self.nominal_at.push(next.map(|next| next.nominal_at));
        self.paused_at.push(pause.0);
        self.paused_until.push(pause.1);
    }
}

/// A schedule that did not change keeps its place: a deploy at the very minute must not swallow the fire that is due.
fn next_fire(
    workflow: &str,
    id: &str,
    cron: &CronTrigger,
    before: Option<&Before>,
    now: DateTime<Utc>,
) -> Option<Planned> {
    let timetable = Timetable::new(workflow, id, cron).expect("the checker has parsed it");
    match before.filter(|before| before.has_times_of(cron)).and_then(|before| before.nominal_at) {
        Some(nominal_at) => Some(timetable.plan(nominal_at)),
        None => timetable.next_after(now),
    }
}

impl Before {
    fn has_times_of(&self, cron: &CronTrigger) -> bool {
        let bound = |name: &str| self.rules.as_ref().and_then(|rules| rules[name].as_str()?.parse().ok());
        self.schedule.as_deref() == Some(&cron.schedule)
            && self.timezone.as_deref() == Some(&cron.timezone)
            && bound("starts_at") == cron.rules.starts_at
            && bound("ends_at") == cron.rules.ends_at
    }
}
