//! Start: keys are locked by a statement of their own, sorted, without waiting; the insert is the next statement.

use std::time::Duration;

use onward_engine::{Duplicate, StartKey};

use crate::bed::Bed;
use crate::session::{Session, code_of, query, replaced};

/// Locks and inserts at once, as it must not be done.
const IN_ONE_STATEMENT: &str = include_str!("broken/start_in_one_statement.sql");

fn key(name: &str, hash: u8) -> StartKey {
    StartKey {
        scope: "test".to_owned(),
        key: name.to_owned(),
        request_hash: [hash; 32],
        ttl: Duration::from_hours(24),
        of_document: false,
    }
}

#[tokio::test]
async fn the_loser_of_a_key_is_answered_with_the_winners_run_and_hash() {
    let bed = Bed::new().await;
    let (mut winner, mut loser) = (Session::begin(&bed).await, Session::begin(&bed).await);
    let (first, second) = (bed.prepare(Some(key("k", 1))).await, bed.prepare(Some(key("k", 2))).await);
    assert_eq!(winner.lock_keys(&query("lock_keys"), &["k"]).await.expect("no wait"), [true]);
    assert!(winner.start(&query("start_runs"), None, &first).await.begun);

    assert_eq!(loser.lock_keys(&query("lock_keys"), &["k"]).await.expect("no wait"), [false]);
    winner.commit().await;
    assert_eq!(loser.lock_keys(&query("lock_keys"), &["k"]).await.expect("no wait"), [true]);
    let answer = loser.start(&query("start_runs"), None, &second).await;
    loser.commit().await;

    assert!(!answer.begun);
    assert_eq!((answer.first_run, answer.first_hash), (Some(first.run.0), Some(vec![1; 32])));
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 1);
}

#[tokio::test]
async fn locking_and_inserting_in_one_statement_would_leave_the_loser_without_an_answer() {
    let bed = Bed::new().await;
    let (mut winner, mut loser) = (Session::begin(&bed).await, Session::begin(&bed).await);
    let (first, second) = (bed.engine.new_run_id(), bed.engine.new_run_id());
    let ask = async |session: &mut Session, run: uuid::Uuid| -> (bool, Option<uuid::Uuid>) {
        sqlx::query_as(IN_ONE_STATEMENT).bind("k").bind(run).fetch_one(session.connection()).await.expect("an answer")
    };
    assert_eq!(ask(&mut winner, first.0).await, (true, None));

    let lost = tokio::spawn(async move {
        let answer = ask(&mut loser, second.0).await;
        loser.commit().await;
        answer
    });
    bed.wait_for_blocked(1).await;
    winner.commit().await;

    let answer = lost.await.expect("the loser is answered");
    assert_eq!(
        answer,
        (false, None),
        "neither begun nor told which run was first: its snapshot is older than the wait"
    );
}

#[tokio::test]
async fn a_start_that_meets_a_held_key_goes_to_the_next_batch_and_becomes_a_duplicate() {
    let bed = Bed::new().await;
    let first = bed.prepare(Some(key("k", 1))).await;
    let mut winner = Session::begin(&bed).await;
    winner.lock_keys(&query("lock_keys"), &["k"]).await.expect("no wait");
    winner.start(&query("start_runs"), None, &first).await;

    let (engine, twin) = (bed.engine.clone(), bed.prepare(Some(key("k", 1))).await);
    let twin = tokio::spawn(async move { engine.start(twin).await.expect("an answer") });
    // Its batch does not wait for the key: others of the same process get through.
    bed.start().await;
    assert!(!twin.is_finished());
    winner.commit().await;

    let twin = twin.await.expect("the twin is answered");
    assert_eq!((twin.run, twin.duplicate), (first.run, Some(Duplicate::SameRequest)));
}

#[tokio::test]
async fn crossing_batches_of_keys_deadlock_when_unsorted_and_never_wait_with_ours() {
    let bed = Bed::new().await;
    let waiting =
        replaced(&query("lock_keys"), "pg_try_advisory_xact_lock(k.hash)", "pg_advisory_xact_lock(k.hash) is not null");
    let unsorted = replaced(&waiting, "order by 2", "order by place");
    for (statement, deadlocks) in [(unsorted, 1), (waiting, 0)] {
        // A third session holds the middle key until the two have each taken their first.
        let mut middle = Session::begin(&bed).await;
        middle.lock_keys(&query("lock_keys"), &["m"]).await.expect("no wait");
        let mut crossing = Vec::new();
        for (place, keys) in [["x", "m", "y"], ["y", "m", "x"]].into_iter().enumerate() {
            let (mut session, statement) = (Session::begin(&bed).await, statement.clone());
            session.run("set local deadlock_timeout = '20ms'").await;
            crossing.push(tokio::spawn(async move {
                let locked = session.lock_keys(&statement, &keys).await;
                session.roll_back().await;
                locked.map_err(|error| code_of(&error))
            }));
            bed.wait_for_blocked(i64::try_from(place + 1).expect("two")).await;
        }
        middle.commit().await;
        let mut codes = Vec::new();
        for session in crossing {
            codes.extend(session.await.expect("the session ends").err());
        }
        assert_eq!(codes, vec!["40P01"; deadlocks], "{statement}");
    }
    let (mut one, mut other) = (Session::begin(&bed).await, Session::begin(&bed).await);
    assert_eq!(one.lock_keys(&query("lock_keys"), &["x", "m"]).await.expect("no wait"), [true, true]);
    assert_eq!(other.lock_keys(&query("lock_keys"), &["y", "m", "x"]).await.expect("no wait"), [true, false, false]);
}

#[tokio::test]
async fn many_starts_of_one_key_in_two_processes_make_one_run() {
    let bed = Bed::new().await;
    let other = bed.another_engine().await;
    let mut starts = tokio::task::JoinSet::new();
    for place in 0..60 {
        let engine = if place % 2 == 0 { bed.engine.clone() } else { other.clone() };
        let start = bed.prepare(Some(key("k", 1))).await;
        starts.spawn(async move { engine.start(start).await.expect("an answer") });
    }
    let answers = starts.join_all().await;
    let runs: std::collections::HashSet<_> = answers.iter().map(|started| started.run).collect();
    assert_eq!(runs.len(), 1);
    assert_eq!(answers.iter().filter(|started| started.duplicate.is_none()).count(), 1);
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 1);
}

#[tokio::test]
async fn twins_in_one_batch_are_answered_with_one_run() {
    let bed = Bed::new().await;
    let (first, twin, other) =
        (bed.prepare(Some(key("k", 1))).await, bed.prepare(Some(key("k", 2))).await, bed.prepare(None).await);
    let run = first.run;
    // In one batch, because all are in the line before its task, on the same thread, comes to read it.
    let (first, twin, other) = tokio::join!(bed.engine.start(first), bed.engine.start(twin), bed.engine.start(other));
    assert_eq!(first.expect("an answer").duplicate, None);
    let twin = twin.expect("an answer");
    assert_eq!((twin.run, twin.duplicate), (run, Some(Duplicate::OtherRequest)));
    assert_eq!(other.expect("an answer").duplicate, None);
    assert_eq!(bed.count("select count(*) from onward.run").await, 2);
}

#[tokio::test]
async fn an_expired_key_is_taken_over_and_another_request_under_a_live_one_is_told_apart() {
    let bed = Bed::new().await;
    let start = async |hash| bed.engine.start(bed.prepare(Some(key("k", hash))).await).await.expect("an answer");
    let first = start(1).await;
    let other = start(2).await;
    assert_eq!((other.run, other.duplicate), (first.run, Some(Duplicate::OtherRequest)));

    bed.database.move_clock(Duration::from_hours(25)).await;

    let second = start(2).await;
    assert_eq!(second.duplicate, None);
    assert_ne!(second.run, first.run);
    let twin = start(2).await;
    assert_eq!((twin.run, twin.duplicate), (second.run, Some(Duplicate::SameRequest)));
    assert_eq!(bed.count("select count(*) from onward.idempotency").await, 1);
}
