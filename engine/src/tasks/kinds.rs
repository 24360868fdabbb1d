//! The workflows of the kinds of tasks, deployed when a process first needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use onward_workflows::Source;

use super::document::{self, AUTHOR};
use crate::{DeployError, DeployOptions, Engine, Expect, Version, VersionError, deploy, find_workflow};

/// What a process knows of the kinds that it has enqueued.
#[derive(Debug, Default)]
pub struct Kinds {
    // Looked up once per task; the lock is held for one map operation. A program has as many kinds as it has types.
    known: Mutex<HashMap<String, Arc<Version>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum KindError {
    #[error("the workflow `{0}` is a document of somebody else")]
    Taken(String),
    #[error("the workflow of the task could not be deployed")]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

impl Kinds {
    /// The version that runs of this kind are of.
    pub(super) async fn version(&self, engine: &Engine, kind: &str) -> Result<Arc<Version>, KindError> {
        let known = || self.known.lock().expect("no code panics while it holds this lock");
        if let Some(version) = known().get(kind) {
            return Ok(Arc::clone(version));
        }
        let workflow = document::workflow_of(kind);
        let version = keep(engine, &workflow, document::of_kind(&workflow)).await?;
        known().insert(kind.to_owned(), Arc::clone(&version));
        Ok(version)
    }
}

/// Deploys a document of tasks, unless it is there.
pub(super) async fn keep(engine: &Engine, workflow: &str, source: Source) -> Result<Arc<Version>, KindError> {
    let there = find_workflow(engine, workflow, None).await?;
    let number = match there {
        Some(there) if there.created_by != AUTHOR => return Err(KindError::Taken(workflow.to_owned())),
        Some(there) if there.enabled && there.document == source.text => there.version,
        Some(_) | None => {
            let by = AUTHOR.to_owned();
            let options = DeployOptions { dry_run: false, prune: false, by, expect: Expect::Anything };
            deploy(engine, vec![source], &options).await?.workflows[0].version
        }
    };
    Ok(engine.versions().load(engine.pool(), workflow, number).await?)
}
