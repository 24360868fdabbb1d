//! Which database a command works on: the given one, or a private server in the data folder.

use std::sync::Arc;
use std::time::Duration;

use onward_engine::database::{self, DatabaseError};
use onward_engine::embedded::{self, Embedded, Ensured};
use onward_engine::{Engine, Settings as EngineSettings};
use onward_steps::Steps;
use onward_workflows::Catalog;
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::failure::{Exit, Failure};
use crate::output;
use crate::secrets_key;
use crate::settings::Settings;

const CONNECTIONS_MAX: u32 = 20;
/// How often a private server is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub enum Cluster {
    Private(Arc<Embedded>),
    Given(Box<PgConnectOptions>),
}

/// Finds or starts the database. Blocks, and is called before any runtime starts.
pub fn open(settings: &Settings) -> Result<Cluster, Failure> {
    if let Some(url) = &settings.database_url {
        for doubt in &settings.doubts {
            tracing::warn!("{doubt}");
        }
        let options = database::parse_url(url.expose_secret()).map_err(|error| Failure::because(Exit::Usage, error))?;
        return Ok(Cluster::Given(Box::new(options)));
    }
    std::fs::create_dir_all(&settings.data_dir).map_err(|error| {
        Failure::new(Exit::Failed, format!("make the data folder {}: {error}", settings.data_dir.display()))
    })?;
    let server = embedded::start(embedded::Options::new(&settings.data_dir))
        .map_err(|error| Failure::because(Exit::Unreachable, error))?;
    Ok(Cluster::Private(Arc::new(server)))
}

impl Cluster {
    pub fn options(&self) -> PgConnectOptions {
        match self {
            Self::Private(server) => server.connect_options(),
            Self::Given(options) => PgConnectOptions::clone(options),
        }
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Given(options) => {
                format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or(""))
            }
            Self::Private(server) => {
                let report = server.report();
                let how = match (report.created, report.adopted) {
                    (true, _) => "created",
                    (false, true) => "found running",
                    (false, false) => "started",
                };
                let moved = report.moved_from.as_ref().map_or_else(String::new, |from| {
                    format!("; its user may not enter {}, so the data is here", from.display())
                });
                format!(
                    "private {} in {}, {how} in {}{moved}",
                    report.version,
                    report.folder.display(),
                    output::duration(i64::try_from(report.elapsed.as_millis()).unwrap_or(i64::MAX))
                )
            }
        }
    }

    /// Starts a private server again when it is down, whoever owned it.
    pub fn look_after(&self, stop: CancellationToken) {
        let Self::Private(server) = self else { return };
        let server = Arc::clone(server);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                let looked = Arc::clone(&server);
                match tokio::task::spawn_blocking(move || looked.ensure()).await {
                    Ok(Ok(Ensured::Running)) | Err(_) => {}
                    Ok(Ok(Ensured::Adopted | Ensured::Restarted)) => {
                        tracing::warn!("the private Postgres was down and runs again");
                    }
                    Ok(Err(error)) => tracing::error!(error = %error, "the private Postgres is down"),
                }
            }
        });
    }

    pub async fn migrate(&self) -> Result<(), Failure> {
        database::migrate(self.options()).await.map_err(unreachable)
    }

    pub async fn engine(&self, settings: &Settings) -> Result<Engine, Failure> {
        let pool = database::connect(self.options(), CONNECTIONS_MAX).await.map_err(unreachable)?;
        let engine_settings = EngineSettings { catalog: catalog(), env: settings.public.clone() };
        let engine = Engine::new(pool, engine_settings).await.map_err(unreachable)?;
        Ok(engine.with_secrets_key(secrets_key::find(settings, self)?))
    }
}

pub fn catalog() -> Catalog {
    Catalog::new(Steps::types())
}

fn unreachable(error: DatabaseError) -> Failure {
    let exit = match &error {
        DatabaseError::Url(_) => Exit::Usage,
        DatabaseError::Connect(_) => Exit::Unreachable,
        DatabaseError::Migrate(_) | DatabaseError::Schema(_) => Exit::Failed,
    };
    Failure::because(exit, error)
}
