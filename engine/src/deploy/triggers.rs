//! Replacing the triggers of deployed workflows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onward_workflows::{Schedule, Trigger, TriggerKind, WebhookAuth};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CheckedDocument, DeployError};

/// What survives of a trigger that is deployed again.
struct Before {
    schedule: Option<String>,
    timezone: Option<String>,
    next_at: Option<DateTime<Utc>>,
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
        &columns.authenticated
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
                next_at: row.next_at,
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
        let (mut schedule, mut timezone, mut next_at, mut endpoint, mut authenticated) = (None, None, None, None, true);
        let kind = match &trigger.kind {
            TriggerKind::Cron(cron) => {
                if document.definition.enabled && trigger.enabled {
                    next_at = next_fire(&cron.schedule, &cron.timezone, before, now);
                }
                schedule = Some(cron.schedule.clone());
                timezone = Some(cron.timezone.clone());
                "cron"
            }
            TriggerKind::Webhook(webhook) => {
                endpoint = Some(webhook.endpoint.clone());
                authenticated = match webhook.auth {
                    WebhookAuth::ApiKey | WebhookAuth::Signature(_) => true,
                    WebhookAuth::None => false,
                };
                "webhook"
            }
            TriggerKind::Event(_) => "event",
            TriggerKind::Manual => "manual",
        };
        self.workflow.push(document.definition.id.clone());
        self.id.push(trigger.id.clone());
        self.kind.push(kind.to_owned());
        self.enabled.push(trigger.enabled);
        self.schedule.push(schedule);
        self.timezone.push(timezone);
        self.next_at.push(next_at);
        self.last_run_id.push(before.and_then(|before| before.last_run_id));
        self.endpoint.push(endpoint);
        self.authenticated.push(authenticated);
    }
}

/// A schedule that did not change keeps its place: a deploy at the very minute must not swallow the fire that is due.
fn next_fire(schedule: &str, zone: &str, before: Option<&Before>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    before
        .filter(|before| before.schedule.as_deref() == Some(schedule) && before.timezone.as_deref() == Some(zone))
        .and_then(|before| before.next_at)
        .or_else(|| Schedule::parse(schedule, zone).expect("the checker has parsed it").next_after(now))
}
