//! Connections: how they are opened, what every session is told, and the migrations.

use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, Executor, PgPool};

pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// No statement of the engine takes longer; one that does is stuck, and its locks with it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// A worker killed inside a transaction lets go of its locks after this.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(3);
/// Also how long a caller waits to hear that the database is down.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A migration may take long on large tables, but not for ever.
const MIGRATION_STATEMENT_TIMEOUT: &str = "15min";

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("DATABASE_URL is not a Postgres URL")]
    Url(#[source] sqlx::Error),
    #[error("connect to the database")]
    Connect(#[source] sqlx::Error),
    #[error("migrate the database")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error("create the schema `onward`")]
    Schema(#[source] sqlx::Error),
}

pub fn parse_url(url: &str) -> Result<PgConnectOptions, DatabaseError> {
    // The driver would take any scheme.
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(DatabaseError::Url(refused("it does not begin with postgres://")));
    }
    PgConnectOptions::from_str(url).map_err(DatabaseError::Url)
}

/// Opens the pool that all of one process shares. The first connection is made at once, so a wrong address is known here.
pub async fn connect(options: PgConnectOptions, connections_max: u32) -> Result<PgPool, DatabaseError> {
    let guard = Arc::new(ServerGuard::default());
    PgPoolOptions::new()
        .max_connections(connections_max)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A ping before each use would double the latency of every statement; a dead connection is an error that the
        // callers handle anyway.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let guard = Arc::clone(&guard);
            Box::pin(async move { guard.admit(connection).await })
        })
        .connect_with(session(options))
        .await
        .map_err(DatabaseError::Connect)
}

/// Opens the pool for the hot statements: starts, claims, commits, sweeps. They are written so that tables are reached by
/// arrays of ids and everything else is hashed; these settings keep a plan that was made while the tables were empty
/// from being a scan, or a loop over a batch, once they have grown.
pub async fn connect_hot(options: PgConnectOptions, connections_max: u32) -> Result<PgPool, DatabaseError> {
    let options = options.options([
        ("enable_seqscan", "off"),
        ("enable_nestloop", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ]);
    connect(options, connections_max).await
}

/// What every session is told.
fn session(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("onward").statement_cache_capacity(256).options([
        ("statement_timeout", STATEMENT_TIMEOUT.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT.as_millis().to_string()),
        ("synchronous_commit", "on".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("jit", "off".to_owned()),
        ("tcp_keepalives_idle", "5".to_owned()),
        ("tcp_keepalives_interval", "2".to_owned()),
        ("tcp_keepalives_count", "2".to_owned()),
    ])
}

/// Brings the schema to this binary's state. Safe to call from several processes at once.
pub async fn migrate(options: PgConnectOptions) -> Result<(), DatabaseError> {
    let options = options
        .application_name("onward-migrate")
        .options([("statement_timeout", MIGRATION_STATEMENT_TIMEOUT), ("client_min_messages", "warning")]);
    let mut connection = PgConnection::connect_with(&options).await.map_err(DatabaseError::Connect)?;
    connection.execute("create schema if not exists onward").await.map_err(DatabaseError::Schema)?;
    connection.execute("set search_path to onward, public").await.map_err(DatabaseError::Schema)?;
    MIGRATOR.run(&mut connection).await.map_err(DatabaseError::Migrate)?;
    connection.close().await.map_err(DatabaseError::Connect)
}

/// Which migrations a database has; none of them when it has never been migrated.
pub async fn applied_migrations(options: PgConnectOptions) -> Result<Vec<i64>, DatabaseError> {
    let mut connection = PgConnection::connect_with(&options).await.map_err(DatabaseError::Connect)?;
    let there = "select to_regclass('onward._sqlx_migrations') is not null";
    if !sqlx::query_scalar::<_, bool>(there).fetch_one(&mut connection).await.map_err(DatabaseError::Connect)? {
        return Ok(Vec::new());
    }
    let versions = "select version from onward._sqlx_migrations where success order by version";
    sqlx::query_scalar(versions).fetch_all(&mut connection).await.map_err(DatabaseError::Connect)
}

/// Remembers which server this process works with. A connection to a standby, to another system, or to an older
/// timeline is refused: acknowledged work may be missing there.
#[derive(Default)]
struct ServerGuard {
    // Shared by all connections of the pool for a few synchronous lines; a channel would only delay the verdict.
    seen: Mutex<Option<Server>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Server {
    system: i64,
    timeline: i32,
}

impl ServerGuard {
    async fn admit(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let row = sqlx::query_file!("queries/identify_server.sql").fetch_one(connection).await?;
        if row.in_recovery {
            return Err(refused("the server is a standby"));
        }
        let now = Server { system: row.system, timeline: row.timeline };
        let mut seen = self.seen.lock().expect("no code panics while it holds this lock");
        match *seen {
            Some(known) if known.system != now.system => Err(refused("the server is another database system")),
            Some(known) if known.timeline > now.timeline => Err(refused("the server is on an older timeline")),
            _ => {
                *seen = Some(now);
                Ok(())
            }
        }
    }
}

fn refused(why: &str) -> sqlx::Error {
    sqlx::Error::Configuration(why.into())
}
