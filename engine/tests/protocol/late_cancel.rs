//! A claim that stood still while somebody wrote to the job: it returns the new count with what it saw before.

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{
    Claimed, Committer, DEFAULT_QUEUE, Lanes, Lease, Park, Priority, RunWrite, Then, Written, cancel, claim, load,
};
use onward_workflows::RunId;
use sqlx::{AssertSqlSafe, Row};

use crate::bed::Bed;
use crate::session::{Session, query, replaced};

/// A claim that also looks at the run, to save the statement that would do so later.
fn claim_and_look() -> String {
    let returning = "j.crashes as \"crashes!\"";
    let looking = "(select c.cancel_requested_at is not null from onward.job c where c.run_id = j.run_id) as told";
    replaced(&query("claim_jobs"), returning, &format!("{returning}, {looking}"))
}

/// The worker's row in somebody else's hands: a claim begins, takes its snapshot, and stands still at its fence.
async fn hold_at_the_fence(bed: &Bed, lease: &Lease) -> Session {
    let mut holder = Session::begin(bed).await;
    let hold = replaced(&query("lock_worker"), "for key share", "for update");
    holder.run_on(&hold, lease.worker().0).await.expect("the row is there");
    holder
}

/// Longer than what wakes a run by itself.
async fn sleeps(bed: &Bed, run: RunId) -> bool {
    let asleep = "select worker_id is null and due_at > onward.now() + interval '30 minutes' from onward.job
        where run_id = $1";
    sqlx::query_scalar(asleep).bind(run.0).fetch_one(bed.engine.pool()).await.expect("read the job")
}

#[tokio::test]
async fn a_cancel_that_a_first_claim_waited_past_is_seen_by_the_load() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let lease = bed.worker().await;
    let holder = hold_at_the_fence(&bed, &lease).await;
    let (engine, worker) = (bed.engine.clone(), lease.worker());
    let claiming = tokio::spawn(async move {
        let mut lanes = Lanes::new(None, &[]);
        lanes.refresh(engine.hot()).await.expect("the lanes are read");
        claim(engine.hot(), worker, &mut lanes, 1).await.expect("the claim is answered").remove(0)
    });
    bed.wait_for_blocked(1).await;
    cancel(&bed.engine, run).await.expect("it can be cancelled");
    holder.roll_back().await;

    let job = claiming.await.expect("the claim goes on");
    assert_eq!((job.run, job.wakes), (run, 2));
    assert!(!job.first, "nobody had it before, but there is something to read");
    let (loaded, _) = load(&bed.engine, lease.worker(), &[job]).await.expect("it loads");
    assert!(loaded[0].cancel.is_some());
}

#[tokio::test]
async fn looking_in_the_claim_itself_would_park_the_run_past_that_cancel() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let lease = bed.worker().await;
    let holder = hold_at_the_fence(&bed, &lease).await;
    let (mut naive, worker) = (Session::open(&bed).await, lease.worker());
    let claiming = tokio::spawn(async move {
        let statement = claim_and_look();
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(worker.0)
            .bind(vec!["default"])
            .bind(vec!["normal"])
            .bind(vec![DateTime::<Utc>::UNIX_EPOCH])
            .bind(1_i64)
            .fetch_one(naive.connection())
            .await
            .expect("the claim is answered");
        (row.get::<i32, _>("wakes!"), row.get::<bool, _>("told"), naive)
    });
    bed.wait_for_blocked(1).await;
    cancel(&bed.engine, run).await.expect("it can be cancelled");
    holder.roll_back().await;

    let (wakes, told, mut naive) = claiming.await.expect("the claim goes on");
    assert_eq!((wakes, told), (2, false), "the count of after the cancel, the flag of before");
    let job = Claimed {
        run,
        path: String::new(),
        queue: DEFAULT_QUEUE.to_owned(),
        priority: Priority::default(),
        due_at: bed.now().await,
        wakes,
        crashes: 0,
        first: false,
    };
    let parked = naive.move_job(&query("commit_batch"), lease.worker(), &job, "park", Some(wakes)).await;
    assert_eq!(parked, (true, true));
    assert!(sleeps(&bed, run).await, "the cancel would be noticed in an hour");
}

#[tokio::test]
async fn a_cancel_after_the_claim_undoes_a_park_whichever_count_it_compares() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let job = bed.claimed_run(&lease).await;
    cancel(&bed.engine, job.run).await.expect("it can be cancelled");
    // A first claim is not followed by a read of the count, and need not be: nobody else had seen the row before.
    assert!(job.first);
    let (loaded, _) = load(&bed.engine, lease.worker(), std::slice::from_ref(&job)).await.expect("it loads");
    assert_eq!((loaded[0].seen, loaded[0].cancel), (job.wakes, None));

    let due_at = bed.now().await + TimeDelta::hours(1);
    let park = |seen| RunWrite {
        then: Then::Park(Park { seen, due_at, waits: Vec::new() }),
        ..RunWrite::nothing(job.run, job.wakes)
    };
    assert_eq!(committer.write(park(loaded[0].seen)).await, Written::ReadAgain);
    assert_eq!(bed.owner(job.run).await, Some(lease.worker().0));

    // The count in the table at that moment is what would let the park through.
    assert_eq!(committer.write(park(job.wakes + 1)).await, Written::Stored);
    assert!(sleeps(&bed, job.run).await);
}
