//! The migrated database that all tests are cloned from.

use std::hash::{DefaultHasher, Hash, Hasher};

use onward_engine::database::{MIGRATOR, migrate};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

use super::{execute, open};

pub(super) const PREFIX: &str = "onward_template_";

/// Any number that nothing else on the server uses.
const LOCK: i64 = 0x6f6e_7761_7264;

/// As in the migrations, plus a shift that tests change. A table and not a session's setting, because all sessions
/// and other processes must see the change at once.
const CLOCK: &str = "
    create table onward.test_clock (single boolean primary key default true check (single), shift interval not null);
    insert into onward.test_clock (shift) values ('0');
    create or replace function onward.now() returns timestamptz
    language sql stable parallel safe
    as $$ select statement_timestamp() + (select shift from onward.test_clock) $$;
";

/// The template's name; made at most once for the same migrations in the same week.
pub(super) async fn ensure(admin: &PgConnectOptions) -> String {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(|| async { find_or_make(admin).await }).await.clone()
}

async fn find_or_make(admin: &PgConnectOptions) -> String {
    let mut connection = open(admin).await;
    // The migrations make partitions for the weeks around the present one.
    let week = ask(&mut connection, "select to_char(now() at time zone 'UTC', 'IYYYIW')").await;
    let name = format!("{PREFIX}{week}_{:016x}", content_hash());
    let lock = sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut connection).await;
    lock.expect("lock the making of the template");
    let exists = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
    let exists: bool = exists.bind(&name).fetch_one(&mut connection).await.expect("look for the template");
    if !exists {
        // Renamed when it is whole, so that an interrupted one is never used.
        let unfinished = format!("{PREFIX}unfinished");
        execute(&mut connection, format!("drop database if exists {unfinished} with (force)")).await;
        execute(&mut connection, format!("create database {unfinished} template template0 encoding 'UTF8'")).await;
        fill(&admin.clone().database(&unfinished)).await;
        execute(&mut connection, format!("alter database {unfinished} rename to {name}")).await;
    }
    // Ends the session, and with it the lock.
    connection.close().await.expect("close a connection to the test server");
    name
}

async fn fill(options: &PgConnectOptions) {
    migrate(options.clone()).await.expect("migrate the template");
    let mut connection = open(options).await;
    execute(&mut connection, CLOCK.to_owned()).await;
    connection.close().await.expect("close a connection to the template");
}

async fn ask(connection: &mut PgConnection, question: &'static str) -> String {
    sqlx::query_scalar(question).fetch_one(connection).await.expect("ask the test server")
}

fn content_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATOR.iter() {
        migration.version.hash(&mut hasher);
        migration.checksum.hash(&mut hasher);
    }
    CLOCK.hash(&mut hasher);
    hasher.finish()
}
