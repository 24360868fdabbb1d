//! Giving back: what a job looks like afterwards, and whose jobs are left alone.

use std::time::Duration;

use onward_engine::{Committer, HEARTBEAT_EVERY, JobName, Lease, Written, heartbeat, load, reap, release};
use onward_workflows::RunId;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::bed::{Bed, adds};
use crate::session::{Session, query};

/// Longer than a lease.
const SILENT: Duration = Duration::from_secs(11);

async fn reaped(bed: &Bed) -> usize {
    reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps")
}

/// Owner, crashes, and by how many seconds it is due later than now.
async fn job(bed: &Bed, run: RunId) -> (Option<uuid::Uuid>, i16, f64) {
    let read = "select worker_id, crashes, extract(epoch from due_at - onward.now())::float8 from onward.job
        where run_id = $1";
    sqlx::query_as(read).bind(run.0).fetch_one(bed.engine.pool()).await.expect("read the job")
}

async fn postpone(bed: &Bed, run: RunId) {
    let later = "update onward.job set due_at = onward.now() + interval '1 day' where run_id = $1";
    sqlx::query(later).bind(run.0).execute(bed.engine.pool()).await.expect("postpone the job");
}

/// Two workers with a run each, both silent; the second one beats again before anybody looks.
async fn dead_and_slow(bed: &Bed) -> (RunId, Lease, RunId) {
    let (dead, slow) = (bed.worker().await, bed.worker().await);
    let first = bed.claimed_run(&dead).await;
    let committer = Committer::start(bed.engine.hot().clone(), dead.clone());
    assert_eq!(committer.write(adds(&first, "a", json!(1), bed.now().await)).await, Written::Stored);
    let second = bed.claimed_run(&slow).await.run;
    bed.database.move_clock(SILENT).await;
    heartbeat(bed.engine.pool(), &slow).await.expect("an answer").expect("its row is still there");
    (first.run, slow, second)
}

#[tokio::test]
async fn a_dead_workers_job_is_given_back_once_due_now_and_with_its_history() {
    let bed = Bed::new().await;
    let (run, slow, kept) = dead_and_slow(&bed).await;
    postpone(&bed, run).await;
    assert_eq!((reaped(&bed).await, reaped(&bed).await), (1, 0));

    let (owner, crashes, due_in) = job(&bed, run).await;
    assert_eq!((owner, crashes), (None, 1));
    assert!(due_in <= 0.0, "due in {due_in} s");
    assert_eq!(job(&bed, kept).await.0, Some(slow.worker().0), "the slow one has beaten again and keeps its job");

    let jobs = bed.claim(&slow, 5).await;
    assert_eq!(jobs.iter().map(|job| job.run).collect::<Vec<_>>(), [run]);
    let (loaded, _) = load(&bed.engine, slow.worker(), &jobs).await.expect("it loads");
    assert_eq!((loaded[0].past.checkpoints.len(), loaded[0].crashes), (1, 1));
    bed.database.move_clock(HEARTBEAT_EVERY).await;
    assert_eq!(reaped(&bed).await, 0);
}

#[tokio::test]
async fn what_is_handed_back_counts_no_crash_and_is_due_after_its_delay() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let runs = [bed.claimed_run(&lease).await.run, bed.claimed_run(&lease).await.run];
    for (run, delay) in runs.into_iter().zip([Duration::ZERO, Duration::from_mins(1)]) {
        postpone(&bed, run).await;
        let released =
            release(bed.engine.hot(), bed.engine.wakes(), lease.worker(), &[JobName::of_run(run)], delay).await;
        assert_eq!(released.expect("an answer"), 1);
        let (owner, crashes, due_in) = job(&bed, run).await;
        assert_eq!((owner, crashes), (None, 0));
        assert!(due_in <= delay.as_secs_f64() && due_in > delay.as_secs_f64() - 10.0, "due in {due_in} s");
    }
    let jobs = bed.claim(&lease, 5).await;
    assert_eq!(jobs.iter().map(|job| (job.run, job.first)).collect::<Vec<_>>(), [(runs[0], false)]);
}

#[tokio::test]
async fn a_worker_that_dies_while_it_hands_back_is_not_blamed_for_what_it_handed_back() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let (left, handed) = (bed.claimed_run(&lease).await.run, bed.claimed_run(&lease).await.run);
    bed.silence(&lease).await;
    let mut releasing = Session::begin(&bed).await;
    sqlx::query(AssertSqlSafe(query("release_jobs")))
        .bind(lease.worker().0)
        .bind(vec![handed.0])
        .bind(0.0_f64)
        .bind(vec![""])
        .execute(releasing.connection())
        .await
        .expect("it is handed back");
    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    releasing.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 1);
    assert_eq!((job(&bed, left).await.1, job(&bed, handed).await.1), (1, 0));
}

#[tokio::test]
async fn of_many_owners_only_those_without_a_row_lose_their_jobs() {
    let bed = Bed::new().await;
    let mut owners = Vec::new();
    for _ in 0..6 {
        let lease = bed.worker().await;
        bed.start_many(2).await;
        assert_eq!(bed.claim(&lease, 2).await.len(), 2);
        owners.push(lease.worker().0);
    }
    // The first, one in the middle and the last, in the order in which owners are looked through.
    owners.sort_unstable();
    let gone = [owners[0], owners[2], owners[5]];
    sqlx::query("delete from onward.worker where id = any($1)")
        .bind(gone.to_vec())
        .execute(bed.engine.pool())
        .await
        .expect("the rows are deleted");

    assert_eq!(reaped(&bed).await, 6);
    let mut left: Vec<uuid::Uuid> =
        sqlx::query_scalar("select distinct worker_id from onward.job where worker_id is not null")
            .fetch_all(bed.engine.pool())
            .await
            .expect("read the owners");
    left.sort_unstable();
    assert_eq!(left, [owners[1], owners[3], owners[4]]);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 0").await, 6);
    assert_eq!(reaped(&bed).await, 0);
}

#[tokio::test]
async fn more_dead_workers_than_one_sweep_buries_are_all_buried_by_the_next() {
    let bed = Bed::new().await;
    bed.start_many(25).await;
    for _ in 0..25 {
        let lease = bed.worker().await;
        assert_eq!(bed.claim(&lease, 1).await.len(), 1);
    }
    bed.database.move_clock(SILENT).await;
    assert_eq!((reaped(&bed).await, reaped(&bed).await, reaped(&bed).await), (20, 5, 0));
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 1").await, 25);
}
