//! The fence: a worker writes only while its row exists, and nobody takes the row away in the middle of a write.

use std::sync::Arc;
use std::time::Duration;

use onward_engine::{Committer, EndRow, Lanes, RunWrite, Then, Written, claim, heartbeat, reap, release};
use onward_workflows::{End, RunStatus};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::bed::{Bed, adds};
use crate::session::{Session, code_of, query, replaced};

#[tokio::test]
async fn a_worker_that_lost_its_row_records_nothing() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    bed.silence(&lease).await;
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);

    let at = bed.now().await;
    assert_eq!(committer.write(adds(&job, "a", json!(1), at)).await, Written::Lost);
    let end = End { status: RunStatus::Succeeded, output: Some(json!("late")), error: None, not_undone: Vec::new() };
    let end = RunWrite { then: Then::End(EndRow::from(&end)), ..RunWrite::nothing(job.run, job.wakes) };
    assert_eq!(committer.write(end).await, Written::Lost);
    let released = release(bed.engine.hot(), bed.engine.wakes(), lease.worker(), &[job.name()], Duration::ZERO)
        .await
        .expect("answer");
    assert_eq!(released, 0);
    assert_eq!(bed.claim(&lease, 10).await, []);
    assert!(heartbeat(bed.engine.pool(), &lease).await.expect("an answer").is_err());
    assert!(!lease.holds());

    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 0);
    assert_eq!(bed.status(job.run).await, None);
    assert_eq!(bed.owner(job.run).await, None);
}

#[tokio::test]
async fn a_start_by_a_worker_without_a_row_is_stored_for_others_to_claim() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let mut line = bed.engine.offer_seats(Arc::new(Semaphore::new(5)));
    let start_eagerly = async |line: &mut tokio::sync::mpsc::Receiver<_>| {
        let (engine, start) = (bed.engine.clone(), bed.prepare(None).await);
        let started = tokio::spawn(async move { engine.start(start).await.expect("an answer").run });
        let batch: onward_engine::EagerBatch = line.recv().await.expect("the batch comes to the worker");
        let begun = batch.write(bed.engine.hot(), lease.worker(), 5, None).await;
        (started.await.expect("the caller is answered"), begun.len())
    };
    let (run, begun) = start_eagerly(&mut line).await;
    assert_eq!((begun, bed.owner(run).await), (1, Some(lease.worker().0)));

    bed.silence(&lease).await;
    reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps");
    let (run, begun) = start_eagerly(&mut line).await;
    assert_eq!((begun, bed.owner(run).await), (0, None));
}

#[tokio::test]
async fn the_reaper_waits_for_a_batch_in_flight_and_then_gives_back_a_job_with_its_checkpoint() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    bed.silence(&lease).await;
    let mut batch = Session::begin(&bed).await;
    assert!(batch.add_checkpoint(&query("commit_checkpoints"), lease.worker(), &job, "1").await);

    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    assert_eq!(bed.owner(job.run).await, Some(lease.worker().0), "nothing is given back before the batch is over");
    batch.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 1);
    assert_eq!(bed.owner(job.run).await, None);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 1);
}

#[tokio::test]
async fn the_reaper_waits_for_an_end_in_flight_and_then_finds_nothing_to_give_back() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    bed.silence(&lease).await;
    let mut batch = Session::begin(&bed).await;
    assert_eq!(batch.move_job(&query("commit_batch"), lease.worker(), &job, "end", None).await, (true, true));

    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    // The worker's row is what it waits for, and not yet the job.
    let deleting = "select count(*) from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like '%delete from onward.worker%'";
    assert_eq!(bed.count(deleting).await, 1);
    batch.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 0);
    assert_eq!(bed.status(job.run).await.as_deref(), Some("succeeded"));
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}

#[tokio::test]
async fn a_batch_that_comes_while_the_reaper_deletes_waits_and_then_writes_nothing() {
    // The lean form of the statement and the full one.
    for settles in [false, true] {
        let bed = Bed::new().await;
        let lease = bed.worker().await;
        let job = bed.claimed_run(&lease).await;
        let mut reaper = Session::begin(&bed).await;
        reaper.run_on(&query("delete_worker"), lease.worker().0).await.expect("the row is deleted");

        let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
        let write = RunWrite { settles, ..adds(&job, "a", json!(1), bed.now().await) };
        let writing = tokio::spawn(async move { committer.write(write).await });
        bed.wait_for_blocked(1).await;
        reaper.commit().await;

        assert_eq!(writing.await.expect("the committer answers"), Written::Lost);
        assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 0);
    }
}

#[tokio::test]
async fn heartbeats_do_not_wait_for_a_fence_and_would_wait_for_a_stronger_lock() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let mut batch = Session::begin(&bed).await;
    assert_eq!(batch.run_on(&query("lock_worker"), lease.worker().0).await.expect("the fence"), 1);
    heartbeat(bed.engine.pool(), &lease).await.expect("an answer").expect("the row is there");
    batch.roll_back().await;

    let stronger = replaced(&query("lock_worker"), "for key share", "for update");
    let mut batch = Session::begin(&bed).await;
    batch.run_on(&stronger, lease.worker().0).await.expect("the lock");
    let mut beat = Session::begin(&bed).await;
    beat.run("set local lock_timeout = '50ms'").await;
    let refused = beat.run_on(&query("beat_worker"), lease.worker().0).await.expect_err("it waits in vain");
    assert_eq!(code_of(&refused), "55P03");
}

#[tokio::test]
async fn a_claim_in_flight_holds_off_the_reaper_too() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let lease = bed.worker().await;
    bed.silence(&lease).await;
    let mut claiming = Session::begin(&bed).await;
    assert_eq!(claiming.claim(&query("claim_jobs"), lease.worker(), 1).await, [run]);

    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    claiming.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 1, "the job claimed in that last moment is seen");
    assert_eq!(bed.owner(run).await, None);
    let mut lanes = Lanes::new(None, &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    assert_eq!(claim(bed.engine.hot(), bed.worker().await.worker(), &mut lanes, 1).await.expect("answer")[0].run, run);
}

#[tokio::test]
async fn a_lease_is_judged_by_the_databases_clock() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.database.move_clock(Duration::from_secs(9)).await;
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 0);
    assert_eq!(bed.count("select count(*) from onward.worker").await, 1);
    bed.database.move_clock(Duration::from_secs(2)).await;
    reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps");
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
    assert!(lease.holds(), "the process itself hears of it only by its next heartbeat");
}
