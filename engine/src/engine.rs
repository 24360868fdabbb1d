//! What one process shares: a pool, a clock, the versions it has compiled, the start batch.

use std::sync::Arc;
use std::time::Duration;

use onward_workflows::{Catalog, EventId, RunId};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Semaphore, mpsc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::database::{self, DatabaseError};
use crate::depth::Depths;
use crate::ends::Ends;
use crate::keys::KnownKeys;
use crate::secrets::{Secrets, SecretsKey};
use crate::start::{self, EagerBatch, StartError, StartRun, Started};
use crate::triggers::KnownEndpoints;
use crate::{Clock, Versions, Wakes};

/// One each for the start batch, the claimer, the committer and the heartbeat, and some to spare.
const HOT_CONNECTIONS: u32 = 6;

/// What an engine is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    pub catalog: Catalog,
    /// What documents read as `env`; copied into each run.
    pub env: Value,
}

/// In claiming order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, sqlx::Type, serde::Serialize, serde::Deserialize,
)]
#[sqlx(type_name = "onward.priority", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Critical,
    High,
    #[default]
    Normal,
    Low,
}

impl From<onward_workflows::Priority> for Priority {
    fn from(written: onward_workflows::Priority) -> Self {
        match written {
            onward_workflows::Priority::Critical => Self::Critical,
            onward_workflows::Priority::High => Self::High,
            onward_workflows::Priority::Normal => Self::Normal,
            onward_workflows::Priority::Low => Self::Low,
        }
    }
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Engine {
    pool: PgPool,
    hot: PgPool,
    clock: Arc<Clock>,
    versions: Arc<Versions>,
    env: Arc<Value>,
    starts: mpsc::Sender<start::Waiting>,
    eager: start::EagerLine,
    wakes: Wakes,
    endpoints: Arc<KnownEndpoints>,
    keys: Arc<KnownKeys>,
    ends: Arc<Ends>,
    secrets: Secrets,
    depths: Depths,
}

impl Engine {
    /// Needs a migrated database and a Tokio runtime: the start batch is a task of its own, which ends with the engine.
    pub async fn new(pool: PgPool, settings: Settings) -> Result<Self, DatabaseError> {
        let clock = Arc::new(Clock::start(&pool).await.map_err(DatabaseError::Connect)?);
        let hot = database::connect_hot(PgConnectOptions::clone(&pool.connect_options()), HOT_CONNECTIONS).await?;
        let wakes = Wakes::start(pool.clone());
        let eager = start::EagerLine::default();
        let env = Arc::new(settings.env);
        let starts = start::spawn(hot.clone(), Arc::clone(&env), wakes.clone(), eager.clone());
        let versions = Arc::new(Versions::new(settings.catalog));
        Ok(Self {
            pool,
            hot,
            clock,
            versions,
            env,
            starts,
            eager,
            wakes,
            endpoints: Arc::default(),
            keys: Arc::default(),
            ends: Arc::default(),
            secrets: Secrets::default(),
            depths: Depths::default(),
        })
    }

    /// In place of [`QUEUE_DEPTH_MAX`](crate::QUEUE_DEPTH_MAX).
    #[must_use]
    pub fn with_queue_depth_max(self, max: i64) -> Self {
        Self { depths: self.depths.with_max(max), ..self }
    }

    pub(crate) fn depths(&self) -> &Depths {
        &self.depths
    }

    /// Without a key secrets can be listed and unset, and neither set nor read.
    #[must_use]
    pub fn with_secrets_key(self, key: Option<SecretsKey>) -> Self {
        Self { secrets: Secrets::new(key), ..self }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// For the statements that carry runs; see [`database::connect_hot`].
    pub fn hot(&self) -> &PgPool {
        &self.hot
    }

    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    pub fn versions(&self) -> &Arc<Versions> {
        &self.versions
    }

    pub fn env(&self) -> &Arc<Value> {
        &self.env
    }

    /// Where people reach this installation; empty when nobody has said it.
    pub fn public_url(&self) -> &str {
        self.env.get("ONWARD_PUBLIC_URL").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// A run has ended here: who waits for it in this process looks at once.
    pub fn tell_end(&self, run: RunId) {
        self.ends.tell(run);
    }

    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    pub(crate) fn endpoints(&self) -> &KnownEndpoints {
        &self.endpoints
    }

    pub(crate) fn keys(&self) -> &KnownKeys {
        &self.keys
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Joins the process's start batch; returns when the run is committed.
    pub async fn start(&self, start: StartRun) -> Result<Started, StartError> {
        if self.depths.is_full(&start.queue) {
            return Err(StartError::QueueFull { queue: start.queue, max: self.depths.max });
        }
        start::join(&self.starts, start).await
    }

    /// From now on start batches of this process go through its worker while that has free seats, so that a run is
    /// inserted already claimed.
    pub fn offer_seats(&self, seats: Arc<Semaphore>) -> mpsc::Receiver<EagerBatch> {
        self.eager.offer(seats)
    }

    /// A new run's id, by the database's clock.
    pub fn new_run_id(&self) -> RunId {
        let since = Duration::from_millis(u64::try_from(self.clock.now().timestamp_millis()).unwrap_or_default());
        RunId(Uuid::new_v7(Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos())))
    }

    pub fn new_event_id(&self) -> EventId {
        EventId(self.new_run_id().0)
    }
}
