//! What a stale worker may still send: hand back a job that is another's by now, or say that it lives.

use std::time::Duration;

use onward_engine::{JobName, Lease, heartbeat, reap, release};
use onward_workflows::RunId;
use sqlx::AssertSqlSafe;
use tokio::task::JoinHandle;

use crate::bed::Bed;
use crate::session::{FENCE, Session, query, replaced};

/// A run that the first worker claimed before it was reaped and that the second one has now.
async fn taken_over(bed: &Bed) -> (Lease, Lease, RunId) {
    let (stale, owner) = (bed.worker().await, bed.worker().await);
    let run = bed.claimed_run(&stale).await.run;
    bed.silence(&stale).await;
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps"), 1);
    assert_eq!(bed.claim(&owner, 1).await[0].run, run);
    (stale, owner, run)
}

#[tokio::test]
async fn a_stale_worker_cannot_hand_back_what_another_has_taken_over() {
    let bed = Bed::new().await;
    let (stale, owner, run) = taken_over(&bed).await;
    let released =
        release(bed.engine.hot(), bed.engine.wakes(), stale.worker(), &[JobName::of_run(run)], Duration::ZERO).await;
    assert_eq!(released.expect("an answer"), 0);
    assert_eq!(bed.owner(run).await, Some(owner.worker().0));

    let unfenced = replaced(&query("release_jobs"), FENCE, "select $1::uuid as id");
    let careless = replaced(&unfenced, "join onward.job j on j.worker_id = m.id", "join onward.job j on true");
    let mut session = Session::open(&bed).await;
    let harmed = sqlx::query(AssertSqlSafe(careless))
        .bind(stale.worker().0)
        .bind(vec![run.0])
        .bind(0.0_f64)
        .bind(vec![""])
        .fetch_all(session.connection())
        .await
        .expect("an answer");
    assert_eq!(harmed.len(), 1);
    assert_eq!(bed.owner(run).await, None, "its owner still carries it, and a third one may claim it now");
}

/// A heartbeat that stands still at a reaper's uncommitted delete.
async fn beat_beside_a_reaper(bed: &Bed, lease: &Lease) -> (Session, JoinHandle<bool>) {
    let mut reaper = Session::begin(bed).await;
    assert_eq!(reaper.run_on(&query("delete_worker"), lease.worker().0).await.expect("the row is deleted"), 1);
    let (engine, lease) = (bed.engine.clone(), lease.clone());
    let beating = tokio::spawn(async move { heartbeat(engine.pool(), &lease).await.expect("an answer").is_ok() });
    bed.wait_for_blocked(1).await;
    (reaper, beating)
}

#[tokio::test]
async fn a_heartbeat_that_comes_while_the_reaper_deletes_learns_what_became_of_it() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let (reaper, beating) = beat_beside_a_reaper(&bed, &lease).await;
    reaper.roll_back().await;
    assert!(beating.await.expect("the heartbeat is answered"));
    assert!(lease.holds());

    let (reaper, beating) = beat_beside_a_reaper(&bed, &lease).await;
    reaper.commit().await;
    assert!(!beating.await.expect("the heartbeat is answered"));
    assert!(!lease.holds(), "lost, and not made anew by the heartbeat");
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
}
