//! A database of its own for each test: migrated once, then cloned.

mod server;
mod template;

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_engine::database::connect;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgPool};

pub use server::{folder, serve};

const POOL_CONNECTIONS: u32 = 10;
/// Every database of ours begins like this, so that leftovers are told from what others have on the same server.
const TEST_PREFIX: &str = "onward_test_";

/// A database that nobody else uses and that is dropped at the end. Every method panics when the server is not as
/// expected: a test has nothing better to do.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    options: PgConnectOptions,
    admin: PgConnectOptions,
}

impl TestDatabase {
    /// With all migrations, and a clock that can be moved.
    pub async fn new() -> Self {
        let admin = server::shared().await;
        let template = template::ensure(&admin).await;
        Self::create(admin, &template).await
    }

    /// With nothing in it, for tests of the migrations themselves. Its clock cannot be moved.
    pub async fn empty() -> Self {
        Self::create(server::shared().await, "template0").await
    }

    async fn create(admin: PgConnectOptions, template: &str) -> Self {
        let name = format!("{TEST_PREFIX}{:016x}", rand::random::<u64>());
        let mut connection = open(&admin).await;
        execute(&mut connection, format!("create database {name} template {template}")).await;
        connection.close().await.expect("close a connection to the test server");
        Self { options: admin.clone().database(&name), name, admin }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// A pool as the engine opens it, with all that it tells its sessions.
    pub async fn pool(&self) -> PgPool {
        connect(self.options(), POOL_CONNECTIONS).await.expect("open a pool to the test database")
    }

    /// One plain connection, without the engine's session settings.
    pub async fn connection(&self) -> PgConnection {
        open(&self.options).await
    }

    /// Moves `onward.now()` forward. Every statement that begins after this sees it, in all sessions.
    pub async fn move_clock(&self, by: Duration) {
        self.change_clock("shift + make_interval(secs => $1)", by.as_secs_f64()).await;
    }

    /// Makes `onward.now()` go on from `at`.
    pub async fn set_clock(&self, at: DateTime<Utc>) {
        let change = "make_interval(secs => extract(epoch from $1 - statement_timestamp())::float8)";
        self.change_clock(change, at).await;
    }

    async fn change_clock<'q, T>(&self, shift: &str, value: T)
    where
        T: 'q + Send + sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut connection = self.connection().await;
        let statement = format!("update onward.test_clock set shift = {shift}");
        let changed = sqlx::query(AssertSqlSafe(statement)).bind(value).execute(&mut connection).await;
        assert_eq!(changed.expect("move the test clock").rows_affected(), 1, "the test clock has one row");
        connection.close().await.expect("close a connection to the test server");
    }
}

impl Drop for TestDatabase {
    /// Best effort: what stays is dropped when the server starts the next time.
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // The test's own runtime is busy running the test.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect_with(&admin).await.map_err(std::io::Error::other)?;
                let statement = AssertSqlSafe(format!("drop database if exists {name} with (force)"));
                connection.execute(statement).await.map_err(std::io::Error::other)?;
                connection.close().await.map_err(std::io::Error::other)
            })
        });
        let _: std::thread::Result<std::io::Result<()>> = thread.join();
    }
}

async fn open(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.expect("connect to the test server")
}

async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.expect("carry out a statement on the test server");
}
