//! `wakes`: the count that a park compares is read before what it protects, never taken from an update.

use chrono::TimeDelta;
use onward_engine::{CancelOutcome, Committer, LoadedRun, Park, RunWrite, Then, Written, cancel, load};

use crate::bed::Bed;
use crate::session::{Session, query};

const WAKE_AND_LOOK: &str = include_str!("broken/wake_and_look.sql");

async fn park(bed: &Bed, committer: &Committer, run: &LoadedRun) -> Written {
    let due_at = bed.now().await + TimeDelta::hours(1);
    let park = Then::Park(Park { seen: run.seen, due_at, waits: Vec::new() });
    committer.write(RunWrite { then: park, ..RunWrite::nothing(run.run, run.claimed) }).await
}

#[tokio::test]
async fn a_cancel_at_any_moment_of_carrying_is_never_parked_past() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    // Before the claim, between claim and load, between load and park; for runs seen the first time and again.
    for again in [false, true] {
        for moment in 0..3 {
            let run = bed.start().await;
            if again {
                let woken = "update onward.job set wakes = 1 where run_id = $1";
                sqlx::query(woken).bind(run.0).execute(bed.engine.pool()).await.expect("it was woken before");
            }
            let cancel_at = async |here| {
                if here == moment {
                    let outcome = cancel(&bed.engine, run).await.expect("it can be cancelled");
                    assert_eq!(outcome == CancelOutcome::Acknowledged, moment == 0);
                }
            };
            cancel_at(0).await;
            let jobs = bed.claim(&lease, 1).await;
            cancel_at(1).await;
            let (mut loaded, unloadable) = load(&bed.engine, lease.worker(), &jobs).await.expect("it loads");
            assert!(unloadable.is_empty());
            let loaded = loaded.remove(0);
            cancel_at(2).await;

            let parked = park(&bed, &committer, &loaded).await;

            let told = loaded.cancel.is_some();
            assert!(told || parked == Written::ReadAgain, "again: {again}, moment: {moment}");
            if moment == 0 {
                assert!(told, "a cancel before the claim is known to whoever loads the run");
            }
            if parked == Written::ReadAgain {
                let (mut loaded, _) = load(&bed.engine, lease.worker(), &[loaded.job()]).await.expect("it loads");
                assert!(loaded.remove(0).cancel.is_some());
            }
            sqlx::query("truncate onward.job").execute(bed.engine.pool()).await.expect("clean up");
        }
    }
}

#[tokio::test]
async fn a_count_returned_by_an_update_would_park_the_run_past_a_cancel() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let mut canceller = Session::begin(&bed).await;
    canceller.run_on(&query("lock_job"), job.run.0).await.expect("the job is locked");
    canceller.run_on(&query("request_cancel").replace("$2", "false"), job.run.0).await.expect("the request is written");
    let mut naive = Session::open(&bed).await;
    let looking = tokio::spawn(async move {
        let looked: (i32, bool) =
            sqlx::query_as(WAKE_AND_LOOK).bind(job.run.0).fetch_one(naive.connection()).await.expect("an answer");
        (looked, naive, job)
    });
    bed.wait_for_blocked(1).await;
    canceller.commit().await;

    let ((seen, told), mut naive, job) = looking.await.expect("it looked");
    assert_eq!((seen, told), (job.wakes + 2, false), "the new count beside the old flag");
    let (_, parked) = naive.move_job(&query("commit_batch"), lease.worker(), &job, "park", Some(seen)).await;
    assert!(parked);
    let asleep = "select count(*) from onward.job
        where worker_id is null and cancel_requested_at is not null and due_at > onward.now() + interval '30 minutes'";
    assert_eq!(bed.count(asleep).await, 1, "the cancel would not be noticed for an hour");
}

#[tokio::test]
async fn a_cancel_of_a_parked_run_makes_it_due_and_the_second_one_is_told_so() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let (loaded, _) = load(&bed.engine, lease.worker(), std::slice::from_ref(&job)).await.expect("it loads");
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    assert_eq!(park(&bed, &committer, &loaded[0]).await, Written::Stored);
    assert_eq!(bed.claim(&lease, 1).await, []);

    assert_eq!(cancel(&bed.engine, job.run).await.expect("it can be cancelled"), CancelOutcome::Acknowledged);
    assert_eq!(cancel(&bed.engine, job.run).await.expect("it can be asked again"), CancelOutcome::AlreadyRequested);

    assert_eq!(bed.claim(&lease, 1).await[0].run, job.run);
}
