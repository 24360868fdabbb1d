//! Deploying documents: all of them or none, their triggers in the same transaction.

mod check;
mod compare;
mod offered;
mod outside;
mod triggers;

use onward_workflows::{Catalog, Diagnostic, Source};
use serde::Serialize;
use sqlx::PgConnection;

pub use check::{CheckedDocument, CheckedDocuments, RESERVED_IDS, check_documents, validate};
pub use offered::offered_catalog;

use crate::Engine;
use crate::triggers::{TriggerRow, list_triggers};

/// Workflows that one pruning deploy switches off; more is a mistake rather than a wish.
const PRUNED_MAX: i64 = 1_000;

#[derive(Debug, Clone)]
pub struct DeployOptions {
    /// Says what would happen; nothing is written.
    pub dry_run: bool,
    /// Switches off the workflows that are not among the documents.
    pub prune: bool,
    /// Who deploys, for the version's row.
    pub by: String,
    pub expect: Expect,
}

/// What a caller believes to be there. It is held against each of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expect {
    #[default]
    Anything,
    /// Nothing of this id yet.
    Nothing,
    /// Some version.
    Something,
    /// Exactly this version.
    Version(i32),
}

#[derive(Debug, Clone, Serialize)]
pub struct Deployed {
    pub dry_run: bool,
    /// In the order of the documents; what was pruned comes last.
    pub workflows: Vec<DeployedWorkflow>,
    /// The secrets that the documents declare. All of them are set, or nothing would have been deployed.
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DeployedWorkflow {
    pub id: String,
    pub name: String,
    pub action: DeployAction,
    /// The newest version after the deploy.
    pub version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<i32>,
    pub enabled: bool,
    pub triggers: Vec<TriggerRow>,
    /// Warnings about the document.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeployAction {
    Created,
    /// A new version, or switched on or off by the document.
    Updated,
    Unchanged,
    /// Pruned: switched off, its triggers taken away. Its versions and runs stay.
    Removed,
}

#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("a document is invalid")]
    Invalid { diagnostics: Vec<Diagnostic>, omitted: usize },
    #[error("more than {0} documents in one deploy")]
    TooMany(usize),
    #[error("`{id}` cannot be the id of a workflow: the API uses this word itself")]
    Reserved { id: String, file: String },
    #[error("`{id}` is in two documents, {first} and {second}")]
    Twice { id: String, first: String, second: String },
    #[error("the endpoint `{endpoint}` belongs to the workflow `{workflow}`")]
    EndpointTaken { endpoint: String, workflow: String },
    #[error("`{id}` is already there, at version {current}")]
    Exists { id: String, current: i32 },
    #[error("`{id}` is not at the expected version")]
    Changed { id: String, expected: Option<i32>, current: Option<i32> },
    #[error("a pruning deploy would switch off more than {PRUNED_MAX} workflows")]
    TooManyPruned,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

pub async fn deploy(engine: &Engine, documents: Vec<Source>, options: &DeployOptions) -> Result<Deployed, DeployError> {
    let checked = check_documents(&offered_catalog(engine).await?, documents)?;
    let mut transaction = engine.pool().begin().await?;
    let deployed = deploy_in(&mut transaction, engine.versions().catalog(), &checked, options).await?;
    if options.dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    forget_endpoints(engine);
    Ok(deployed)
}

/// To be called once a transaction with [`deploy_in`] has committed: this process then answers by the new triggers.
pub fn forget_endpoints(engine: &Engine) {
    engine.endpoints().forget();
}

/// The same in a transaction of the caller's, which rolls back a dry run.
pub async fn deploy_in(
    connection: &mut PgConnection,
    catalog: &Catalog,
    documents: &CheckedDocuments,
    options: &DeployOptions,
) -> Result<Deployed, DeployError> {
    let now = sqlx::query_file!("queries/lock_deploys.sql").fetch_one(&mut *connection).await?.now;
    let mut plan = compare::plan(connection, documents, options.expect).await?;
    let pruned = if options.prune { find_pruned(connection, documents).await? } else { Vec::new() };
    let pruned_ids: Vec<String> = pruned.iter().map(|row| row.id.clone()).collect();
    let secrets = outside::require(connection, catalog, documents, &pruned_ids).await?;

    let touched: Vec<&CheckedDocument> = documents
        .iter()
        .zip(&plan)
        .filter(|(_, row)| row.action != DeployAction::Unchanged)
        .map(|(document, _)| document)
        .collect();
    for (document, row) in documents.iter().zip(&plan).filter(|(_, row)| row.action != DeployAction::Unchanged) {
        save(connection, document, row, &options.by).await?;
    }
    sqlx::query_file!("queries/disable_workflows.sql", &pruned_ids).execute(&mut *connection).await?;
    triggers::replace(connection, &touched, &pruned_ids, now).await?;

    let ids: Vec<String> = plan.iter().map(|row| row.id.clone()).collect();
    let mut stored = list_triggers(connection, &ids).await?;
    for row in &mut plan {
        row.triggers = stored.extract_if(.., |trigger| trigger.workflow == row.id).collect();
    }
    plan.extend(pruned);
    Ok(Deployed { dry_run: options.dry_run, workflows: plan, secrets })
}

async fn save(
    connection: &mut PgConnection,
    document: &CheckedDocument,
    row: &DeployedWorkflow,
    by: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/save_workflow.sql", row.id, row.name, row.version, row.enabled)
        .execute(&mut *connection)
        .await?;
    if row.previous_version != Some(row.version) {
        sqlx::query_file!(
            "queries/insert_workflow_version.sql",
            row.id,
            row.version,
            document.source.format.as_str(),
            document.source.text,
            &document.hash,
            &document.definition.secrets,
            by
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

async fn find_pruned(
    connection: &mut PgConnection,
    documents: &CheckedDocuments,
) -> Result<Vec<DeployedWorkflow>, DeployError> {
    let named: Vec<String> = documents.iter().map(|document| document.definition.id.clone()).collect();
    let rows = sqlx::query_file!("queries/list_workflows_beside.sql", &named, PRUNED_MAX + 1, crate::tasks::AUTHOR)
        .fetch_all(connection)
        .await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > PRUNED_MAX {
        return Err(DeployError::TooManyPruned);
    }
    Ok(rows
        .into_iter()
        .map(|row| DeployedWorkflow {
            id: row.id,
            name: row.name,
            action: DeployAction::Removed,
            version: row.version,
            previous_version: Some(row.version),
            enabled: false,
            triggers: Vec::new(),
            diagnostics: Vec::new(),
        })
        .collect())
}
