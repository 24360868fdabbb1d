//! Routed steps: handed over once, carried out by whoever owns the job, and never lost between the run and its step.

use chrono::TimeDelta;
use onward_engine::{
    Claimed, Committer, FinishedRouted, Lease, Park, Priority, RoutedRow, RunWrite, Then, Written, finish_routed,
    load_routed, recall_routed, unregister,
};
use onward_workflows::{Outcome, RoutedEnd};
use serde_json::json;

use crate::bed::Bed;

const OPEN: &str = "select count(*) from onward.pending where kind = 'routed' and outcome is null";
const DONE: &str = "select count(*) from onward.pending where kind = 'routed' and outcome is not null";
const STEPS: &str = "select count(*) from onward.job where path = 'pdf'";

fn routes(job: &Claimed, attempt: u32) -> RunWrite {
    let row = RoutedRow { path: "pdf".to_owned(), attempt, queue: "pdf".to_owned(), priority: Priority::High };
    RunWrite { routed: vec![row], ..RunWrite::nothing(job.run, job.wakes) }
}

/// A run, its owner's committer, and the step that another worker has claimed.
async fn handed_over(bed: &Bed, owner: &Lease, other: &Lease) -> (Claimed, Committer, Claimed) {
    let job = bed.claimed_run(owner).await;
    let committer = Committer::start(bed.engine.hot().clone(), owner.clone());
    assert_eq!(committer.write(routes(&job, 1)).await, Written::Stored);
    let mut claimed = bed.claim(other, 5).await;
    assert_eq!(claimed.iter().map(|step| step.path.as_str()).collect::<Vec<_>>(), ["pdf"]);
    (job, committer, claimed.remove(0))
}

async fn finish(bed: &Bed, lease: &Lease, step: &Claimed, attempt: u32) {
    let now = bed.now().await;
    let end = RoutedEnd { outcome: Outcome::Done(json!("sent")), started_at: now, finished_at: now };
    let finished = FinishedRouted { attempt, end };
    finish_routed(&bed.engine, lease.worker(), step, &finished).await.expect("an answer");
}

#[tokio::test]
async fn a_batch_that_is_repeated_does_not_bring_back_what_was_carried_out() {
    let bed = Bed::new().await;
    let (owner, other) = (bed.worker().await, bed.worker().await);
    let (job, committer, step) = handed_over(&bed, &owner, &other).await;
    assert_eq!((step.queue.as_str(), step.priority), ("pdf", Priority::High));
    finish(&bed, &other, &step, 1).await;
    assert_eq!((bed.count(STEPS).await, bed.count(DONE).await), (0, 1));

    assert_eq!(committer.write(routes(&job, 1)).await, Written::Stored, "its answer was lost");
    assert_eq!((bed.count(STEPS).await, bed.count(DONE).await, bed.count(OPEN).await), (0, 1, 0));
}

#[tokio::test]
async fn an_outcome_that_comes_while_the_run_is_being_parked_is_read_at_once() {
    let bed = Bed::new().await;
    let (owner, other) = (bed.worker().await, bed.worker().await);
    let (job, committer, step) = handed_over(&bed, &owner, &other).await;
    finish(&bed, &other, &step, 1).await;
    let park = Park { seen: job.wakes, due_at: bed.now().await + TimeDelta::hours(1), waits: Vec::new() };
    let write = RunWrite { then: Then::Park(park), ..RunWrite::nothing(job.run, job.wakes) };
    assert_eq!(committer.write(write).await, Written::ReadAgain);
}

#[tokio::test]
async fn a_worker_that_lost_its_row_or_its_job_leaves_no_outcome() {
    let bed = Bed::new().await;
    let (owner, other) = (bed.worker().await, bed.worker().await);
    let (_, _, step) = handed_over(&bed, &owner, &other).await;
    let stale = Claimed { wakes: step.wakes + 1, ..step.clone() };
    finish(&bed, &other, &stale, 1).await;
    finish(&bed, &owner, &step, 1).await;
    assert_eq!(bed.count(OPEN).await, 1, "another claim, another owner");
    unregister(bed.engine.pool(), &other).await.expect("it leaves");
    finish(&bed, &other, &step, 1).await;
    assert_eq!((bed.count(OPEN).await, bed.count(DONE).await), (1, 0));
}

#[tokio::test]
async fn a_step_that_is_begun_is_not_taken_back() {
    let bed = Bed::new().await;
    let (owner, other) = (bed.worker().await, bed.worker().await);
    let (job, _, step) = handed_over(&bed, &owner, &other).await;
    recall_routed(&bed.engine, owner.worker(), job.run, ("pdf", 1)).await.expect("an answer");
    assert_eq!((bed.count(STEPS).await, bed.count(OPEN).await), (1, 1));
    let loaded = load_routed(&bed.engine, other.worker(), &step).await.expect("it loads").expect("it is waited for");
    assert!(loaded.recalled && !loaded.begun);

    // Given back by its worker, it is nobody's, and the next wish takes it back.
    sqlx::query("update onward.job set worker_id = null where path = 'pdf'")
        .execute(bed.engine.pool())
        .await
        .expect("give it back");
    recall_routed(&bed.engine, other.worker(), job.run, ("pdf", 1)).await.expect("an answer");
    assert_eq!(bed.count(OPEN).await, 1, "only the run's owner may ask");
    recall_routed(&bed.engine, owner.worker(), job.run, ("pdf", 1)).await.expect("an answer");
    assert_eq!((bed.count(STEPS).await, bed.count(DONE).await), (0, 1));
}

#[tokio::test]
async fn a_job_of_a_former_life_of_the_run_is_taken_over() {
    let bed = Bed::new().await;
    let (owner, other) = (bed.worker().await, bed.worker().await);
    let (job, committer, step) = handed_over(&bed, &owner, &other).await;
    sqlx::query("delete from onward.pending")
        .execute(bed.engine.pool())
        .await
        .expect("the run has ended and was reopened");
    assert_eq!(committer.write(routes(&job, 2)).await, Written::Stored);
    finish(&bed, &other, &step, 1).await;
    assert_eq!((bed.count(STEPS).await, bed.count(OPEN).await, bed.count(DONE).await), (1, 1, 0));
    assert_eq!(bed.claim(&other, 5).await.len(), 1, "it can be claimed");
}
