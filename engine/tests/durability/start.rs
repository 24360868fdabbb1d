//! One idempotency key, one run.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Bed, engine_on, key};

#[tokio::test(flavor = "multi_thread")]
async fn many_starts_with_one_key_from_two_processes_are_one_run() {
    let bed = Bed::new().await;
    let engines = [bed.engine.clone(), engine_on(&bed.database).await];
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..50 {
        let engine = engines[number % 2].clone();
        let start = bed.prepare_on(&engine, Some(key("one", 1))).await;
        starts.spawn(async move { engine.start(start).await.unwrap() });
    }
    let started = starts.join_all().await;
    assert_eq!(started.iter().map(|started| started.run).collect::<HashSet<_>>().len(), 1);
    assert_eq!(started.iter().filter(|started| started.duplicate.is_none()).count(), 1);
    assert!(started.iter().filter_map(|started| started.duplicate).all(|duplicate| duplicate.same_request));
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_the_same_key_is_told_apart() {
    let bed = Bed::new().await;
    let first = bed.start_keyed(&bed.engine, Some(key("k", 1))).await;
    let other = bed.start_keyed(&bed.engine, Some(key("k", 2))).await;
    assert_eq!(other.run, first.run);
    assert!(!other.duplicate.unwrap().same_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_starts_a_new_run() {
    let bed = Bed::new().await;
    let first = bed.start_keyed(&bed.engine, Some(key("k", 1))).await;
    bed.database.move_clock(Duration::from_secs(3_601)).await;
    let second = bed.start_keyed(&bed.engine, Some(key("k", 2))).await;
    assert!(second.duplicate.is_none() && second.run != first.run);
    assert_eq!(bed.count("select count(*) from onward.run").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_cross_each_others_keys_do_not_deadlock() {
    let bed = Bed::new().await;
    let engines = [bed.engine.clone(), engine_on(&bed.database).await];
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..200_usize {
        let engine = engines[number % 2].clone();
        // One engine counts up, the other down.
        let name = if number % 2 == 0 { number / 2 } else { 99 - number / 2 };
        let start = bed.prepare_on(&engine, Some(key(&name.to_string(), 1))).await;
        starts.spawn(async move { engine.start(start).await.unwrap() });
    }
    let started = starts.join_all().await;
    assert_eq!(started.iter().filter(|started| started.duplicate.is_none()).count(), 100);
    assert_eq!(bed.count("select deadlocks from pg_stat_database where datname = current_database()").await, 0);
}

/// Without the lock in a statement of its own, the loser of a race waits for the winner's row, finds it taken, and sees
/// nothing of it: it could neither start a run nor name the first one.
#[tokio::test(flavor = "multi_thread")]
async fn in_one_statement_the_loser_would_see_nothing() {
    let insert = "with won as (insert into onward.idempotency (scope, key, request_hash, run_id, expires_at) \
        values ('s', 'k', '\\x00', gen_random_uuid(), now() + interval '1 hour') on conflict (scope, key) do nothing returning run_id) \
        select coalesce((select run_id from won), (select run_id from onward.idempotency where scope = 's' and key = 'k')) as run_id";
    let bed = Bed::new().await;
    let mut winner = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    winner.execute("begin").await.unwrap();
    winner.execute(insert).await.unwrap();
    let mut loser = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    let losing =
        tokio::spawn(async move { sqlx::query_scalar::<_, Option<uuid::Uuid>>(insert).fetch_one(&mut loser).await });
    bed.somebody_waits().await;
    winner.execute("commit").await.unwrap();
    assert_eq!(losing.await.unwrap().unwrap(), None);
}
