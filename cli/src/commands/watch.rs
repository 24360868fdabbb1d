//! Watching a folder of documents: what is right is deployed, what is broken keeps its last good version.

use std::collections::HashMap;
use std::path::PathBuf;

use onward_engine::{DeployAction, DeployError, DeployOptions, Engine, Expect, deploy, offered_catalog, validate};
use onward_workflows::{Severity, Source, Style, render};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::plan::triggers;
use crate::changes::Changes;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;

pub struct Watched {
    engine: Engine,
    folder: PathBuf,
    plain: bool,
    /// The texts as they were seen last.
    seen: HashMap<PathBuf, String>,
    /// What the server lacked for documents when they were seen last. These are tried again at each look.
    lacking: HashMap<PathBuf, String>,
}

/// What became of a document.
enum Taken {
    Deployed,
    Broken,
    /// It needs a secret that is not set, or calls a workflow that is not there.
    Lacks(String),
}

impl Watched {
    pub fn new(engine: Engine, folder: PathBuf, plain: bool) -> Self {
        Self { engine, folder, plain, seen: HashMap::new(), lacking: HashMap::new() }
    }

    /// Deploys what has changed since the last look; says how many documents are broken.
    pub async fn look(&mut self) -> Result<usize, Failure> {
        let said = self.lacking.clone();
        let (mut broken, mut deployed) = (0, 1);
        // A document that calls another one may come before it.
        while deployed > 0 {
            deployed = 0;
            for file in self.files()? {
                let Ok(source) = documents::read_one(&file) else { continue };
                if self.seen.get(&file) == Some(&source.text) && !self.lacking.contains_key(&file) {
                    continue;
                }
                let text = source.text.clone();
                self.lacking.remove(&file);
                match self.take(source).await? {
                    Taken::Deployed => deployed += 1,
                    Taken::Broken => broken += 1,
                    Taken::Lacks(what) => {
                        self.lacking.insert(file.clone(), what);
                    }
                }
                // Only now: what a database that was away has not taken is looked at again.
                self.seen.insert(file, text);
            }
            if self.lacking.is_empty() {
                break;
            }
        }
        for (file, lacks) in self.lacking.iter().filter(|(file, lacks)| said.get(*file) != Some(lacks)) {
            output::line(&format!(
                "  ✗ {}   this server lacks what it needs; tried again until it is there",
                file.display()
            ));
            output::line(lacks.trim_end());
        }
        Ok(broken + self.lacking.len())
    }

    /// The documents of the folder, and those that were documents when they were seen last: one that has lost its steps
    /// is a mistake to show.
    fn files(&mut self) -> Result<Vec<PathBuf>, Failure> {
        self.lacking.retain(|file, _| file.is_file());
        self.seen.retain(|file, _| {
            let there = file.is_file();
            if !there {
                output::line(&format!("  - {}   gone; what it deployed stays active", file.display()));
            }
            there
        });
        let mut files = documents::find(&self.folder)?;
        let lost: Vec<PathBuf> = self.seen.keys().filter(|file| !files.contains(file)).cloned().collect();
        files.extend(lost);
        Ok(files)
    }

    async fn take(&self, source: Source) -> Result<Taken, Failure> {
        let catalog = offered_catalog(&self.engine).await;
        let catalog = catalog.map_err(|error| Failure::because(Exit::Unreachable, error))?;
        let checked = validate(&catalog, &source);
        let style = Style { color: output::is_terminal() && !self.plain, ..Style::default() };
        if !checked.is_valid() {
            output::line(&format!("  ✗ {}   invalid; a version that was deployed before stays active", source.file));
            // Warnings can wait until the errors are gone.
            let errors: Vec<_> =
                checked.diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
            output::line(render(&errors, &source, style).trim_end());
            return Ok(Taken::Broken);
        }
        let options = DeployOptions { dry_run: false, prune: false, by: "dev".to_owned(), expect: Expect::Anything };
        let file = source.file.clone();
        match deploy(&self.engine, vec![source.clone()], &options).await {
            Ok(deployed) => {
                for row in &deployed.workflows {
                    let what = match row.action {
                        DeployAction::Created => "new".to_owned(),
                        DeployAction::Updated => {
                            format!("v{} → v{}", row.previous_version.unwrap_or_default(), row.version)
                        }
                        DeployAction::Unchanged => format!("v{}", row.version),
                        DeployAction::Removed => "switched off".to_owned(),
                    };
                    let shown = triggers(&json!(row));
                    output::line(format!("  ✓ {:24} {what:10} {shown}", row.id).trim_end());
                }
                if !checked.diagnostics.is_empty() {
                    output::line(render(&checked.diagnostics, &source, style).trim_end());
                }
                Ok(Taken::Deployed)
            }
            Err(DeployError::Invalid { diagnostics, .. }) => Ok(Taken::Lacks(render(&diagnostics, &source, style))),
            Err(error @ DeployError::Database(_)) => Err(Failure::because(Exit::Unreachable, error)),
            Err(error) => {
                output::line(&format!("  ✗ {file}   {error}"));
                Ok(Taken::Broken)
            }
        }
    }
}

/// Looks whenever something in the folder changes, until stopped.
pub async fn watch(mut folder: Watched, stop: CancellationToken) {
    let mut changes = Changes::of(std::slice::from_ref(&folder.folder));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = changes.next() => {}
        }
        if let Err(failure) = folder.look().await {
            tracing::warn!(?failure, "the folder could not be looked at");
        }
    }
}
