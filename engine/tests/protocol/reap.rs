//! Reap: delete the worker, then, in a second statement that waits, take its jobs.

use onward_engine::{heartbeat, reap};

use crate::bed::Bed;
use crate::session::{Session, query, replaced};

const IN_ONE_STATEMENT: &str = include_str!("broken/reap_in_one_statement.sql");

#[tokio::test]
async fn reaping_in_one_statement_would_leave_a_job_with_nobody_for_ever() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let lease = bed.worker().await;
    bed.silence(&lease).await;
    let mut claiming = Session::begin(&bed).await;
    assert_eq!(claiming.claim(&query("claim_jobs"), lease.worker(), 1).await, [run]);
    let (mut reaper, worker) = (Session::open(&bed).await, lease.worker().0);
    let reaping = tokio::spawn(async move { reaper.run_on(IN_ONE_STATEMENT, worker).await });
    bed.wait_for_blocked(1).await;
    claiming.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends").expect("its statement too"), 0, "it did not see the new job");
    assert_eq!(bed.owner(run).await, Some(worker));
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0, "and its owner does not exist");

    // What our sweep does about such a job, however it came to be.
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);
    assert_eq!(bed.owner(run).await, None);
    assert_eq!(bed.count("select crashes::int8 from onward.job").await, 0, "nobody died with it");
}

#[tokio::test]
async fn giving_back_waits_for_a_locked_job_and_would_lose_it_if_it_skipped() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let skipping = replaced(&query("give_back_jobs"), "for no key update", "for no key update skip locked");
    let mut canceller = Session::begin(&bed).await;
    canceller.run_on(&query("lock_job"), job.run.0).await.expect("the job is locked");
    let mut reaper = Session::begin(&bed).await;
    let given = sqlx::query(sqlx::AssertSqlSafe(skipping)).bind(lease.worker().0).bind(1_i16);
    assert_eq!(given.execute(reaper.connection()).await.expect("an answer").rows_affected(), 0, "lost");
    reaper.roll_back().await;

    bed.silence(&lease).await;
    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    canceller.run_on(&query("request_cancel").replace("$2", "false"), job.run.0).await.expect("the request is written");
    canceller.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 1);
    assert_eq!(bed.owner(job.run).await, None);
    let both = "select count(*) from onward.job where cancel_requested_at is not null and crashes = 1";
    assert_eq!(bed.count(both).await, 1, "the cancel was not overwritten");
}

#[tokio::test]
async fn a_worker_that_beats_while_the_reaper_waits_was_only_slow() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    bed.silence(&lease).await;
    let mut batch = Session::begin(&bed).await;
    batch.run_on(&query("lock_worker"), lease.worker().0).await.expect("the fence");
    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;

    heartbeat(bed.engine.pool(), &lease).await.expect("an answer").expect("the row is there");
    batch.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 0);
    assert_eq!(bed.owner(job.run).await, Some(lease.worker().0));
}

#[tokio::test]
async fn two_reapers_at_once_count_one_death() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(20).await;
    assert_eq!(bed.claim(&lease, 20).await.len(), 20);
    bed.silence(&lease).await;
    let other = bed.another_engine().await;
    let (one, two) = tokio::join!(reap(bed.engine.pool(), bed.engine.wakes()), reap(other.pool(), other.wakes()),);
    assert_eq!(one.expect("it reaps") + two.expect("it reaps"), 20);
    assert_eq!(bed.count("select count(*) from onward.job where crashes = 1 and worker_id is null").await, 20);

    // Held apart by a lock that is not waited for: while one is at it, the other goes on with its own work.
    let again = bed.worker().await;
    bed.claim(&again, 20).await;
    bed.silence(&again).await;
    let mut first = Session::begin(&bed).await;
    first.run_on(&query("lock_reaping"), again.worker().0).await.expect("the first reaper's lock");
    assert_eq!(reap(other.pool(), other.wakes()).await.expect("it does not wait"), 0);
    first.roll_back().await;
    assert_eq!(reap(other.pool(), other.wakes()).await.expect("it reaps"), 20);
    assert_eq!(bed.count("select count(*) from onward.job where crashes = 2").await, 20);
}

#[tokio::test]
async fn a_reaper_that_dies_halfway_leaves_the_worker_to_the_next_one() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    bed.silence(&lease).await;
    let mut dying = Session::begin(&bed).await;
    dying.run_on(&query("lock_reaping"), lease.worker().0).await.expect("the reaper's lock");
    dying.run_on(&query("delete_worker"), lease.worker().0).await.expect("the row is deleted");
    dying.roll_back().await;

    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);
    assert_eq!(bed.owner(job.run).await, None);
}
