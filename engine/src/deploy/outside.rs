//! What documents need of the server that they are deployed to: workflows that they call, secrets that they declare.

use std::collections::BTreeMap;

use onward_workflows::{Catalog, Definition, Source, check, inputs_by_workflow};
use sqlx::PgConnection;

use super::{CheckedDocument, CheckedDocuments, DeployError};
use crate::secrets::missing_secrets;

/// Refuses documents that could not do their work here; says which secrets they have. The caller holds the lock on
/// deploys, so what is found stays until it has written.
pub(super) async fn require(
    connection: &mut PgConnection,
    catalog: &Catalog,
    documents: &CheckedDocuments,
    pruned: &[String],
) -> Result<Vec<String>, DeployError> {
    let called = load_called(connection, catalog, documents, pruned).await?;
    let here = documents.iter().map(|document| &document.definition);
    let workflows = inputs_by_workflow(here.chain(&called));

    let mut secrets: Vec<String> = documents.iter().flat_map(|document| document.definition.secrets.clone()).collect();
    secrets.sort_unstable();
    secrets.dedup();
    let missing = missing_secrets(connection, &secrets).await?;

    let is_set = |name: &str| !missing.contains(name);
    let diagnostics: Vec<_> =
        documents.iter().flat_map(|document| document.outside.check(&document.source, &workflows, is_set)).collect();
    if diagnostics.is_empty() { Ok(secrets) } else { Err(DeployError::Invalid { diagnostics, omitted: 0 }) }
}

/// The called workflows that are not among the documents and stay on after the deploy.
async fn load_called(
    connection: &mut PgConnection,
    catalog: &Catalog,
    documents: &CheckedDocuments,
    pruned: &[String],
) -> Result<Vec<Definition>, sqlx::Error> {
    let here: BTreeMap<&str, &CheckedDocument> =
        documents.iter().map(|document| (document.definition.id.as_str(), document)).collect();
    let mut called: Vec<String> =
        documents.iter().flat_map(|document| document.outside.workflows()).map(str::to_owned).collect();
    called.sort_unstable();
    called.dedup();
    called.retain(|id| !here.contains_key(id.as_str()) && !pruned.contains(id));
    if called.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_file!("queries/list_called_workflows.sql", &called).fetch_all(connection).await?;
    let catalog = catalog.trusting();
    Ok(rows
        .into_iter()
        .map(|row| {
            let source = row.format.parse().map(|format| Source::new(row.id.clone(), row.document, format));
            let definition = source.ok().and_then(|source| check(&source, &catalog).definition);
            // Only a newer binary can read it: it is there, and what it takes is not known.
            definition.unwrap_or_else(|| Definition::new(row.id.clone(), row.id, Vec::new()))
        })
        .collect())
}
