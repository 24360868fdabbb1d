//! The secrets of a run, fetched before it is carried and held in memory only.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use onward_engine::{EndRow, LoadSecretsError, LoadedRun, Release, RunWrite, Then, load_secrets};
use onward_workflows::{Definition, ErrorKind, RunFacts};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::carry::{Carrier, failed};
use crate::errand;
use crate::mask::Mask;

/// A run whose secrets cannot be read is handed back for so long, and a part of it more, so that many such runs do not
/// come back at once.
const AGAIN_SECONDS: i64 = 10;
/// The longest pause between two tries.
const AGAIN_SECONDS_MAX: i64 = 5 * 60;

/// What a run's attempts may use, and what hides it in what they report.
#[derive(Default)]
pub(crate) struct Unsealed {
    pub mask: Mask,
    pub secrets: BTreeMap<String, SecretString>,
}

impl Carrier {
    /// Gives the run the secrets that its document declares, and what hides them again. `None` when it has been let go:
    /// one that is not set ends it, everything else is a fault of this installation and tried again later.
    pub(crate) async fn unseal(&self, loaded: &mut LoadedRun) -> Option<Arc<Unsealed>> {
        match self.unsealed(&loaded.version.definition, &mut loaded.facts).await {
            Ok(unsealed) => Some(unsealed),
            Err(error @ LoadSecretsError::NotSet(_)) => {
                self.end_without_secrets(loaded, &error).await;
                None
            }
            Err(
                error @ (LoadSecretsError::NoKey
                | LoadSecretsError::OtherKey(_)
                | LoadSecretsError::Damaged(_)
                | LoadSecretsError::Database(_)),
            ) => {
                tracing::error!(run.id = %loaded.run, error = %error, "the secrets of a run cannot be read; it is handed back");
                self.try_again_later(loaded).await;
                None
            }
        }
    }

    /// The same for whoever carries out a single step. Expressions see what the document declares and nothing else.
    pub(crate) async fn unsealed(
        &self,
        definition: &Definition,
        facts: &mut Arc<RunFacts>,
    ) -> Result<Arc<Unsealed>, LoadSecretsError> {
        if definition.secrets.is_empty() && definition.own_secrets.is_empty() {
            return Ok(Arc::default());
        }
        let secrets = load_secrets(&self.engine, &definition.secrets, &definition.own_secrets).await?;
        let declared = definition.secrets.iter().filter_map(|name| Some((name, secrets.get(name)?)));
        let values = declared.map(|(name, value)| (name.clone(), Value::from(value.expose_secret())));
        Arc::make_mut(facts).secrets = Value::Object(values.collect::<Map<_, _>>());
        Ok(Arc::new(Unsealed { mask: Mask::new(&secrets), secrets }))
    }

    async fn end_without_secrets(&self, loaded: &LoadedRun, error: &LoadSecretsError) {
        let end = failed(ErrorKind::Config, &error.to_string());
        let write = RunWrite {
            settles: loaded.has_pending,
            then: Then::End(EndRow::from(&end)),
            ..RunWrite::nothing(loaded.run, loaded.claimed)
        };
        self.committer.write(write).await;
        metrics::counter!("onward_runs_ended_total", "status" => "failed").increment(1);
        if let Some(parent) = loaded.parent {
            errand::wake_parent(&self.engine, parent).await;
        }
    }

    /// The longer the run has been there, the longer the pause.
    async fn try_again_later(&self, loaded: &LoadedRun) {
        let now = self.engine.clock().now();
        let age = (now - loaded.facts.created_at).num_seconds();
        let pause = (age / 4).clamp(AGAIN_SECONDS, AGAIN_SECONDS_MAX);
        let pause = TimeDelta::seconds(pause + rand::rng().random_range(0..=pause / 4));
        let release = Release { seen: loaded.seen, due_at: now + pause };
        let write = RunWrite { then: Then::Release(release), ..RunWrite::nothing(loaded.run, loaded.claimed) };
        self.committer.write(write).await;
    }
}
