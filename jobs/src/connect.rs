//! The way in: an engine of one's own, or the one that is there.

use std::sync::Arc;

use onward_engine::database::{self, DatabaseError};
use onward_engine::{Engine, Kinds, Settings};
use onward_steps::Steps;
use onward_workflows::Catalog;
use serde_json::json;

use crate::context::Parent;

const CONNECTIONS_MAX: u32 = 10;

/// Fang's queue, on Onward. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs {
    pub(crate) engine: Engine,
    pub(crate) kinds: Arc<Kinds>,
    /// The task that enqueues, inside of `run`.
    pub(crate) parent: Option<Arc<Parent>>,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to reach Onward's database")]
pub struct ConnectError(#[from] DatabaseError);

impl Jobs {
    /// Brings the database to this version's state and connects to it. Needs a Tokio runtime.
    pub async fn connect(database_url: &str) -> Result<Self, ConnectError> {
        let options = database::parse_url(database_url)?;
        database::migrate(options.clone()).await?;
        let pool = database::connect(options, CONNECTIONS_MAX).await?;
        let settings = Settings { catalog: Catalog::new(Steps::types()), env: json!({}) };
        Ok(Self::on(Engine::new(pool, settings).await?))
    }

    pub fn on(engine: Engine) -> Self {
        Self { engine, kinds: Arc::default(), parent: None }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
