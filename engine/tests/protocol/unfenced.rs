//! The control of all scenarios about stale workers: with the fence taken out of our statements, the same moves do harm.
//! If one of these tests fails, the scenarios of `fence.rs` have lost their power to notice a missing fence.

use onward_engine::{Claimed, Lease, reap};

use crate::bed::Bed;
use crate::session::{FENCE, Session, query, replaced};

/// Believes what the caller says instead of looking for the worker's row.
const NO_FENCE: &str = "select $1::uuid as id";
/// What remains when a write does not ask whose job it is.
const OWNED: &str = "j.worker_id = m.id and ";

fn unfenced(name: &str) -> String {
    replaced(&query(name), FENCE, NO_FENCE)
}

/// A run that the first worker claimed before it was reaped and that the second one has now.
async fn taken_over(bed: &Bed) -> (Lease, Lease, Claimed) {
    let (stale, owner) = (bed.worker().await, bed.worker().await);
    let job = bed.claimed_run(&stale).await;
    bed.silence(&stale).await;
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);
    assert_eq!(bed.claim(&owner, 1).await[0].run, job.run);
    (stale, owner, job)
}

#[tokio::test]
async fn a_stale_worker_would_end_the_run_of_another() {
    let bed = Bed::new().await;
    let (stale, owner, job) = taken_over(&bed).await;
    let mut session = Session::open(&bed).await;
    let ours = session.move_job(&query("commit_batch"), stale.worker(), &job, "end", None).await;
    assert_eq!(ours, (false, true));
    assert_eq!((bed.status(job.run).await, bed.owner(job.run).await), (None, Some(owner.worker().0)));

    let careless = replaced(&unfenced("commit_batch"), OWNED, "");
    let harmed = session.move_job(&careless, stale.worker(), &job, "end", None).await;

    assert_eq!(harmed, (true, true));
    assert_eq!(bed.status(job.run).await.as_deref(), Some("succeeded"));
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}

#[tokio::test]
async fn a_stale_worker_would_be_the_first_to_write_an_attempt_of_another() {
    let bed = Bed::new().await;
    let (stale, owner, job) = taken_over(&bed).await;
    let mut session = Session::open(&bed).await;
    assert!(!session.add_checkpoint(&query("commit_checkpoints"), stale.worker(), &job, "\"stale\"").await);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 0);

    let careless = replaced(&unfenced("commit_checkpoints"), OWNED, "");
    assert!(session.add_checkpoint(&careless, stale.worker(), &job, "\"stale\"").await);

    session.add_checkpoint(&query("commit_checkpoints"), owner.worker(), &job, "\"owner\"").await;
    assert_eq!(bed.count("select count(*) from onward.checkpoint where output::text = '\"stale\"'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 1);
}

#[tokio::test]
async fn a_claim_and_a_start_without_the_fence_would_give_jobs_to_a_worker_that_is_gone() {
    let bed = Bed::new().await;
    let gone = bed.worker().await;
    bed.silence(&gone).await;
    reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps");
    let run = bed.start().await;
    let mut session = Session::open(&bed).await;
    assert_eq!(session.claim(&query("claim_jobs"), gone.worker(), 1).await, []);
    let start = bed.prepare(None).await;
    assert!(!session.start(&query("start_runs"), Some(gone.worker()), &start).await.claimed);
    assert_eq!(bed.owner(start.run).await, None);

    assert_eq!(session.claim(&unfenced("claim_jobs"), gone.worker(), 1).await, [run]);
    let start = bed.prepare(None).await;
    assert!(session.start(&unfenced("start_runs"), Some(gone.worker()), &start).await.claimed);

    for run in [run, start.run] {
        assert_eq!(bed.owner(run).await, Some(gone.worker().0));
    }
}

#[tokio::test]
async fn a_batch_without_the_fence_would_not_hold_off_the_reaper() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    bed.silence(&lease).await;
    let mut batch = Session::begin(&bed).await;
    assert!(batch.add_checkpoint(&unfenced("commit_checkpoints"), lease.worker(), &job, "1").await);

    // With the fence this waits for the batch; now the next owner reads the run without the checkpoint.
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);
    let owner = bed.worker().await;
    let jobs = bed.claim(&owner, 1).await;
    let (loaded, _) = onward_engine::load(&bed.engine, owner.worker(), &jobs).await.expect("it loads");
    assert!(loaded[0].past.checkpoints.is_empty());
    batch.commit().await;
    assert_eq!(
        bed.count("select count(*) from onward.checkpoint").await,
        1,
        "the step is done, and will be done again"
    );
}
