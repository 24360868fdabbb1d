//! What a worker carries out: the built-in step types, and those that its program brings along.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use onward_steps::{Attempt, Backing, Bound, Steps};
use onward_workflows::{Outcome, RunId, RunStep};
use secrecy::SecretString;
use serde_json::Value;

/// Step types of the program that links this crate.
pub trait OwnSteps: Send + Sync {
    /// Dotted names that no built-in type has.
    fn types(&self) -> &[&'static str];

    /// As [`Steps::safe_to_repeat`]: a step for which this is false is announced before it begins, and ambiguous when
    /// its worker is lost in the middle.
    fn safe_to_repeat(&self, step_type: &str) -> bool;

    /// Carries out one attempt, within the step's timeout. Dropping the future stops the attempt.
    fn run<'a>(&'a self, run: RunId, step: &'a RunStep) -> BoxFuture<'a, Outcome>;
}

/// The step types of one process.
pub struct Repertoire {
    built_in: Arc<Steps>,
    own: Option<Arc<dyn OwnSteps>>,
    offered: Vec<&'static str>,
}

impl From<Arc<Steps>> for Repertoire {
    fn from(built_in: Arc<Steps>) -> Self {
        let offered = built_in.offered().to_vec();
        Self { built_in, own: None, offered }
    }
}

impl Repertoire {
    #[must_use]
    pub fn with_own(mut self, own: Arc<dyn OwnSteps>) -> Self {
        self.offered.extend_from_slice(own.types());
        self.own = Some(own);
        self
    }

    pub(crate) fn offered(&self) -> &[&'static str] {
        &self.offered
    }

    pub(crate) fn offers(&self, step_type: &str) -> bool {
        self.offered.contains(&step_type)
    }

    pub(crate) fn safe_to_repeat(&self, step_type: &str, config: &Value, key_is_written: bool) -> bool {
        match self.own_of(step_type) {
            Some(own) => own.safe_to_repeat(step_type),
            None => self.built_in.safe_to_repeat(step_type, config, key_is_written),
        }
    }

    /// The limits of the provider that an attempt goes to.
    pub(crate) fn bounds(&self, step_type: &str, config: &Value) -> Vec<Bound> {
        self.built_in.bounds(step_type, config)
    }

    pub(crate) async fn run(
        &self,
        run: RunId,
        step: &RunStep,
        secrets: &BTreeMap<String, SecretString>,
        backing: &dyn Backing,
    ) -> Outcome {
        if let Some(own) = self.own_of(&step.step_type) {
            return own.run(run, step).await;
        }
        let attempt = Attempt {
            step_type: &step.step_type,
            config: &step.config,
            idempotency_key: &step.idempotency_key,
            timeout: step.timeout,
            trace_parent: None,
            secrets,
            backing,
        };
        self.built_in.run(attempt).await
    }

    fn own_of(&self, step_type: &str) -> Option<&dyn OwnSteps> {
        self.own.as_deref().filter(|own| own.types().contains(&step_type))
    }
}
