//! Versions, compiled once per process and kept while they are used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use onward_workflows::{Body, Catalog, Definition, InputCheck, RunFacts, RunId, Source, Step, Template, check};
use serde_json::Value;
use sqlx::PgPool;

/// Compiled versions kept in memory; the one unused for longest goes first.
const KEPT_MAX: usize = 512;

/// One deployed document, compiled.
#[derive(Debug)]
pub struct Version {
    pub workflow: String,
    pub version: i32,
    pub definition: Arc<Definition>,
    pub inputs: InputCheck,
    /// Some of its steps wait for events or for other runs.
    pub waits_outside: bool,
    /// Its runs, or some of its steps, may have to wait for a slot.
    pub takes_slots: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error("there is no version {version} of `{workflow}`")]
    NotFound { workflow: String, version: i32 },
    /// It was valid when it was deployed; this binary reads it differently.
    #[error("version {version} of `{workflow}` cannot be read by this binary: {reason}")]
    Undecodable { workflow: String, version: i32, reason: String },
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

#[derive(Debug)]
pub struct Versions {
    catalog: Catalog,
    /// For what is deployed.
    trusting: Catalog,
    // Looked up by every start and every claimed run; the lock is held for one map operation.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    versions: HashMap<(String, i32), (Arc<Version>, u64)>,
    uses: u64,
}

impl Version {
    pub fn new(workflow: String, version: i32, definition: Definition) -> Self {
        let inputs = InputCheck::new(&definition);
        let is_outside = |step: &&Step| matches!(step.body, Body::WaitForEvent(_) | Body::Call { .. });
        let waits_outside = definition.all_steps().iter().any(is_outside);
        let takes_slots =
            definition.concurrency.is_some() || definition.all_steps().iter().any(|step| step.concurrency.is_some());
        Self { workflow, version, definition: Arc::new(definition), inputs, waits_outside, takes_slots }
    }

    /// Nothing to evaluate, so nothing to store with each run.
    pub fn variables_are_literal(&self) -> bool {
        matches!(self.definition.variables, Template::Literal(_))
    }

    /// The facts of a run of this version before its variables are evaluated.
    pub fn facts(&self, run: RunId, inputs: &Value, trigger: Value, env: Value, created_at: DateTime<Utc>) -> RunFacts {
        RunFacts {
            run,
            workflow: self.workflow.clone(),
            workflow_name: self.definition.name.clone(),
            version: self.version,
            inputs: inputs.clone(),
            variables: self.literal_variables(),
            env,
            trigger,
            labels: serde_json::json!(self.definition.labels),
            secrets: Value::Object(serde_json::Map::new()),
            depth: 0,
            created_at,
            admitted_at: None,
            scheduled_at: None,
        }
    }

    pub fn literal_variables(&self) -> Value {
        match &self.definition.variables {
            Template::Literal(value) => value.clone(),
            Template::Hole(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => Value::Null,
        }
    }
}

impl Versions {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { trusting: catalog.trusting(), catalog, kept: Mutex::default() }
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub async fn load(&self, pool: &PgPool, workflow: &str, version: i32) -> Result<Arc<Version>, VersionError> {
        if let Some(known) = self.kept.lock().expect("no code panics while it holds this lock").find(workflow, version)
        {
            return Ok(known);
        }
        let source = load_source(pool, workflow, version).await?;
        let verdict = check(&source, &self.trusting);
        let Some(definition) = verdict.definition else {
            let reason = verdict
                .diagnostics
                .first()
                .map_or_else(String::new, |first| format!("{} {}", first.code, first.message));
            return Err(VersionError::Undecodable { workflow: workflow.to_owned(), version, reason });
        };
        let compiled = Arc::new(Version::new(workflow.to_owned(), version, definition));
        self.kept.lock().expect("no code panics while it holds this lock").keep(Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// A version's document, named as people know it: `orders v3`.
pub(crate) async fn load_source(pool: &PgPool, workflow: &str, version: i32) -> Result<Source, VersionError> {
    let not_found = || VersionError::NotFound { workflow: workflow.to_owned(), version };
    let row = sqlx::query_file!("queries/load_version.sql", workflow, version)
        .fetch_optional(pool)
        .await?
        .ok_or_else(not_found)?;
    let format = row.format.parse().map_err(|_| VersionError::Undecodable {
        workflow: workflow.to_owned(),
        version,
        reason: "unknown format".to_owned(),
    })?;
    Ok(Source::new(format!("{workflow} v{version}"), row.document, format))
}

impl Kept {
    fn find(&mut self, workflow: &str, version: i32) -> Option<Arc<Version>> {
        self.uses += 1;
        let now = self.uses;
        let (known, used) = self.versions.get_mut(&(workflow.to_owned(), version))?;
        *used = now;
        Some(Arc::clone(known))
    }

    fn keep(&mut self, version: Arc<Version>) {
        if self.versions.len() >= KEPT_MAX {
            let oldest = self.versions.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.versions.remove(&name));
        }
        self.uses += 1;
        self.versions.insert((version.workflow.clone(), version.version), (version, self.uses));
    }
}
