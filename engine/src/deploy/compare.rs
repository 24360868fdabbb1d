//! What a deploy would do, by comparing its documents with what is there.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{CheckedDocument, CheckedDocuments, DeployAction, DeployError, DeployedWorkflow, Expect};

struct Head {
    version: i32,
    enabled: bool,
    hash: Vec<u8>,
}

/// One row a document, in their order. The caller holds the lock on deploys, so this stays true until it has written.
pub(super) async fn plan(
    connection: &mut PgConnection,
    documents: &CheckedDocuments,
    expect: Expect,
) -> Result<Vec<DeployedWorkflow>, DeployError> {
    let ids: Vec<String> = documents.iter().map(|document| document.definition.id.clone()).collect();
    let rows = sqlx::query_file!("queries/list_workflow_heads.sql", &ids).fetch_all(connection).await?;
    let heads: HashMap<String, Head> = rows
        .into_iter()
        .map(|row| (row.id, Head { version: row.version, enabled: row.enabled, hash: row.document_hash }))
        .collect();
    documents
        .iter()
        .map(|document| {
            let head = heads.get(&document.definition.id);
            hold(expect, &document.definition.id, head.map(|head| head.version))?;
            Ok(row(document, head))
        })
        .collect()
}

fn hold(expect: Expect, id: &str, current: Option<i32>) -> Result<(), DeployError> {
    let id = id.to_owned();
    match (expect, current) {
        (Expect::Anything, _) | (Expect::Nothing, None) | (Expect::Something, Some(_)) => Ok(()),
        (Expect::Nothing, Some(current)) => Err(DeployError::Exists { id, current }),
        (Expect::Something, None) => Err(DeployError::Changed { id, expected: None, current }),
        (Expect::Version(expected), _) if current == Some(expected) => Ok(()),
        (Expect::Version(expected), _) => Err(DeployError::Changed { id, expected: Some(expected), current }),
    }
}

fn row(document: &CheckedDocument, head: Option<&Head>) -> DeployedWorkflow {
    let definition = &document.definition;
    let (action, version) = match head {
        None => (DeployAction::Created, 1),
        Some(head) if head.hash != document.hash => (DeployAction::Updated, head.version + 1),
        Some(head) if head.enabled != definition.enabled => (DeployAction::Updated, head.version),
        Some(head) => (DeployAction::Unchanged, head.version),
    };
    DeployedWorkflow {
        id: definition.id.clone(),
        name: definition.name.clone(),
        action,
        version,
        previous_version: head.map(|head| head.version),
        enabled: definition.enabled,
        triggers: Vec::new(),
        diagnostics: document.warnings.clone(),
    }
}
