use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_testkit::TestDatabase;
use sqlx::{Connection, PgConnection, PgPool};

async fn now(pool: &PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("select onward.now()").fetch_one(pool).await.expect("read the clock")
}

#[tokio::test]
async fn two_databases_do_not_see_each_other() {
    let (one, other) = (TestDatabase::new().await, TestDatabase::new().await);
    one.move_clock(Duration::from_hours(1)).await;
    let (one_now, other_now) = (now(&one.pool().await).await, now(&other.pool().await).await);
    assert!(one_now - other_now > TimeDelta::minutes(59), "{one_now} {other_now}");
}

#[tokio::test]
async fn a_moved_clock_is_seen_by_sessions_that_were_open_before() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let before = now(&pool).await;

    database.move_clock(Duration::from_hours(24)).await;
    database.move_clock(Duration::from_millis(500)).await;

    let passed = now(&pool).await - before;
    assert!(passed >= TimeDelta::milliseconds(86_400_500) && passed < TimeDelta::hours(25), "{passed}");
}

#[tokio::test]
async fn a_set_clock_goes_on_from_there() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    // A leap day, across which a shift counted in months would go wrong.
    let at = "2028-02-29T23:59:59.5Z".parse::<DateTime<Utc>>().expect("an instant");

    database.set_clock(at).await;

    let (first, second) = (now(&pool).await, now(&pool).await);
    assert!(at <= first && first < second && second < at + TimeDelta::minutes(1), "{first} {second}");
}

#[tokio::test]
async fn the_moved_clock_may_bound_an_index_scan() {
    let database = TestDatabase::new().await;
    let volatility: String = sqlx::query_scalar(
        "select provolatile::text from pg_proc where oid = 'onward.now()'::regprocedure and proparallel = 's'",
    )
    .fetch_one(&database.pool().await)
    .await
    .expect("look at the function");
    assert_eq!(volatility, "s", "stable, as in production");
}

#[tokio::test]
async fn the_address_works_for_other_programs() {
    let database = TestDatabase::new().await;
    let mut connection = PgConnection::connect(&database.url()).await.expect("connect by the address");
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut connection).await.expect("ask");
    assert_eq!(name, database.name());
}

#[tokio::test]
async fn an_empty_database_has_no_schema_of_ours() {
    let database = TestDatabase::empty().await;
    let mut connection = database.connection().await;
    let found: Option<String> =
        sqlx::query_scalar("select to_regnamespace('onward')::text").fetch_one(&mut connection).await.expect("look");
    assert_eq!(found, None);
}

#[tokio::test]
async fn a_database_is_gone_when_its_test_is_over() {
    let (database, witness) = (TestDatabase::new().await, TestDatabase::new().await);
    let (name, _busy) = (database.name().to_owned(), database.pool().await);

    drop(database);

    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut witness.connection().await)
        .await
        .expect("look for the database");
    assert!(!exists, "{name} is still there");
}
