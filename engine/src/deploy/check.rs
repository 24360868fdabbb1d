//! The half of a deploy that needs no database.

use std::collections::HashMap;
use std::ops::Deref;

use onward_workflows::{Catalog, Checked, Definition, Diagnostic, Outside, Source, check};
use sha2::{Digest, Sha256};

use super::DeployError;

const DOCUMENTS_MAX: usize = 500;

/// Words that stand where a workflow's id stands in a URL.
pub const RESERVED_IDS: [&str; 3] = ["enabled", "validate", "deploy"];

#[derive(Debug)]
pub struct CheckedDocument {
    pub source: Source,
    pub definition: Definition,
    pub warnings: Vec<Diagnostic>,
    /// What it needs of the server.
    pub outside: Outside,
    /// Of the text and its format. Comments count: people want to find them again.
    pub hash: [u8; 32],
}

/// Documents that may be deployed together: each is valid, no id and no endpoint is there twice.
#[derive(Debug)]
pub struct CheckedDocuments(Vec<CheckedDocument>);

impl Deref for CheckedDocuments {
    type Target = [CheckedDocument];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Checks one document as a deploy would: that no worker offers a step type is worth a warning, as one may come later.
pub fn validate(catalog: &Catalog, source: &Source) -> Checked {
    let mut checked = check(source, catalog);
    if !checked.unoffered.is_empty() {
        checked.diagnostics.append(&mut checked.unoffered);
        checked.diagnostics.sort_by_key(|diagnostic| diagnostic.range.start.offset);
    }
    checked
}

/// Reports what is wrong with all of them at once.
pub fn check_documents(catalog: &Catalog, documents: Vec<Source>) -> Result<CheckedDocuments, DeployError> {
    if documents.len() > DOCUMENTS_MAX {
        return Err(DeployError::TooMany(DOCUMENTS_MAX));
    }
    let (mut good, mut diagnostics, mut omitted) = (Vec::with_capacity(documents.len()), Vec::new(), 0);
    for source in documents {
        let checked = validate(catalog, &source);
        if let Some(definition) = checked.definition {
            let hash = hash(&source);
            let (warnings, outside) = (checked.diagnostics, checked.outside);
            good.push(CheckedDocument { source, definition, warnings, outside, hash });
        } else {
            diagnostics.extend(checked.diagnostics);
            omitted += checked.omitted;
        }
    }
    if !diagnostics.is_empty() {
        return Err(DeployError::Invalid { diagnostics, omitted });
    }
    refuse_clashes(&good)?;
    Ok(CheckedDocuments(good))
}

fn refuse_clashes(documents: &[CheckedDocument]) -> Result<(), DeployError> {
    let mut ids: HashMap<&str, &str> = HashMap::new();
    let mut endpoints: HashMap<&str, &str> = HashMap::new();
    for CheckedDocument { source, definition, .. } in documents {
        let id = definition.id.as_str();
        if RESERVED_IDS.contains(&id) {
            return Err(DeployError::Reserved { id: id.to_owned(), file: source.file.clone() });
        }
        if let Some(first) = ids.insert(id, &source.file) {
            let (id, first, second) = (id.to_owned(), first.to_owned(), source.file.clone());
            return Err(DeployError::Twice { id, first, second });
        }
        for trigger in &definition.triggers {
            if let onward_workflows::TriggerKind::Webhook(webhook) = &trigger.kind
                && let Some(workflow) = endpoints.insert(&webhook.endpoint, id)
            {
                let (endpoint, workflow) = (webhook.endpoint.clone(), workflow.to_owned());
                return Err(DeployError::EndpointTaken { endpoint, workflow });
            }
        }
    }
    Ok(())
}

fn hash(source: &Source) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(source.format.as_str());
    digest.update([0]);
    digest.update(&source.text);
    digest.finalize().into()
}
