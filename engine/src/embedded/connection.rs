//! Talking to the server while nothing async runs yet.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::EmbeddedError;
use super::folder::Folder;

pub(super) const SUPERUSER: &str = "onward";
pub(super) const DATABASE: &str = "onward";
/// Only a part of the socket's name, since there is no TCP.
pub(super) const PORT: u16 = 5432;

const CONNECT_MAX: Duration = Duration::from_secs(10);
/// SQLSTATE `invalid_catalog_name`.
const NO_SUCH_DATABASE: &str = "3D000";

pub(super) fn options(folder: &Folder, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(folder.socket())
        .port(PORT)
        .username(SUPERUSER)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
}

pub(super) fn url(folder: &Folder) -> String {
    // The path is of our making and needs no escapes.
    format!("postgres://{SUPERUSER}@localhost:{PORT}/{DATABASE}?host={}", folder.socket().display())
}

/// Whether a server answers on the socket and serves this folder's data.
pub(super) fn answers(folder: &Folder) -> bool {
    let expected = folder.cluster();
    let options = options(folder, "postgres");
    let asked = block_on(async move {
        let mut connection = connect(&options).await?;
        let path: String = sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(path)
    });
    matches!(asked, Ok(Ok(path)) if std::path::Path::new(&path) == expected)
}

/// Makes the database `onward` if it is absent. The caller holds the lock, so that two processes do not race.
pub(super) fn create_database(folder: &Folder) -> Result<(), EmbeddedError> {
    let wanted = options(folder, DATABASE);
    let maintenance = options(folder, "postgres");
    block_on(async move {
        match connect(&wanted).await {
            Ok(connection) => connection.close().await,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_DATABASE) => {
                let mut connection = connect(&maintenance).await?;
                sqlx::query("create database onward").execute(&mut connection).await?;
                connection.close().await
            }
            Err(error) => Err(error),
        }
    })?
    .map_err(EmbeddedError::Connect)
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    match tokio::time::timeout(CONNECT_MAX, options.clone().disable_statement_logging().connect()).await {
        Ok(connected) => connected,
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// On a thread of its own, so that it also works where the caller is inside an async runtime.
fn block_on<T: Send>(
    work: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<Result<T, sqlx::Error>, EmbeddedError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("onward-pg-ask".to_owned());
        let handle = thread
            .spawn_scoped(scope, || {
                tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| runtime.block_on(work))
            })
            .map_err(EmbeddedError::Thread)?;
        handle.join().expect("asking the server does not panic").map_err(EmbeddedError::Thread)
    })
}
