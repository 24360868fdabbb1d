//! The process that owns the shared test server.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use onward_engine::embedded::{self, Embedded, EmbeddedError, Options};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::{TEST_PREFIX, template};
use super::{URL, USERS, folder, lock_file, running};

/// Long enough for the pause between two runs while somebody edits.
const IDLE_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const START_MAX: Duration = Duration::from_mins(1);

/// Starts the server, prints `ready`, and keeps it until a signal comes or nobody has used it for a minute. If another
/// keeper has one running, says so and returns.
pub fn serve() -> anyhow::Result<()> {
    let folder = folder();
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keeping = lock_file(&folder, "keeping");
    let began = Instant::now();
    loop {
        match keeping.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error).context("lock the keeper's file"),
            Err(TryLockError::WouldBlock) if runtime.block_on(running(&folder)).is_some() => {
                println!("ready, another keeper has it");
                return Ok(());
            }
            Err(TryLockError::WouldBlock) if began.elapsed() > START_MAX => bail!("another keeper hangs"),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }

    let server = start(&folder)?;
    runtime.block_on(async {
        let interrupted = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        drop_leftovers(&server).await.context("drop what earlier runs left")?;
        // Written whole: a test must not read half an address.
        let unfinished = folder.join("url.unfinished");
        std::fs::write(&unfinished, server.url()).context("write the address")?;
        std::fs::rename(&unfinished, folder.join(URL)).context("write the address")?;
        println!("ready {}", server.url());
        let users = wait_for_the_end(&folder, interrupted).await?;
        let _ = std::fs::remove_file(folder.join(URL));
        // Still locked if idle: a test that comes now waits until the server is gone, and then starts another.
        server.stop();
        drop(users);
        Ok(())
    })
}

fn start(folder: &Path) -> anyhow::Result<Embedded> {
    let mut options = Options::new(folder);
    // These tests kill our processes, never the machine, so nothing is gained by waiting for the disk.
    let settings = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("max_connections", "400"),
        ("max_wal_size", "1GB"),
        ("shared_buffers", "128MB"),
    ];
    options.settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    match embedded::start(options.clone()) {
        // After a crash of the machine, data that was never synced may be damaged, and it is worth nothing.
        Err(EmbeddedError::Ended { .. } | EmbeddedError::OtherMajor { .. } | EmbeddedError::NotACluster { .. }) => {
            std::fs::remove_dir_all(folder.join("pg")).context("remove damaged test data")?;
            embedded::start(options)
        }
        other => other,
    }
    .context("start the test server")
}

/// Databases of tests that were killed, and templates of other migrations.
async fn drop_leftovers(server: &Embedded) -> anyhow::Result<()> {
    if server.report().adopted {
        return Ok(());
    }
    let mut connection = PgConnection::connect_with(&server.connect_options().database("postgres")).await?;
    let names: Vec<String> = sqlx::query_scalar("select datname from pg_database").fetch_all(&mut connection).await?;
    for name in names.iter().filter(|name| name.starts_with(TEST_PREFIX) || name.starts_with(template::PREFIX)) {
        connection.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Returns the users' file, locked, if the end came of idleness.
async fn wait_for_the_end(folder: &Path, interrupted: [Signal; 2]) -> anyhow::Result<Option<File>> {
    let [mut interrupt, mut terminate] = interrupted;
    let users = lock_file(folder, USERS);
    let mut last_used = used_at(&users);
    let mut idle_since = Instant::now();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(None),
            _ = terminate.recv() => return Ok(None),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match users.try_lock() {
            // A test that came and went between two looks has left its time.
            Ok(()) if last_used == used_at(&users) => {
                if idle_since.elapsed() > IDLE_MAX {
                    return Ok(Some(users));
                }
                users.unlock()?;
            }
            Ok(()) => {
                users.unlock()?;
                last_used = used_at(&users);
                idle_since = Instant::now();
            }
            Err(TryLockError::WouldBlock) => idle_since = Instant::now(),
            Err(TryLockError::Error(error)) => return Err(error).context("look for users of the test server"),
        }
    }
}

fn used_at(users: &File) -> Option<SystemTime> {
    users.metadata().and_then(|metadata| metadata.modified()).ok()
}
