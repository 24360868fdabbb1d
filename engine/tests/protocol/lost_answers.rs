//! The server has committed, and the answer never comes: what is repeated neither doubles nor loses.

use std::time::Duration;

use onward_engine::{Committer, StartKey, Written};
use serde_json::json;

use crate::bed::{Bed, adds, engine_on};
use crate::session::{Session, query, replaced};
use crate::wire::Wire;

#[tokio::test]
async fn runs_whose_start_was_not_answered_are_found_by_their_ids() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let engine = engine_on(wire.options()).await;
    wire.lose_answer_to("insert into onward.run ");
    let mut starts = Vec::new();
    for _ in 0..10 {
        starts.push(engine.start(bed.prepare(None).await));
    }
    let started = futures_util::future::join_all(starts).await;
    assert!(wire.has_lost_it());
    assert!(started.iter().all(|answer| answer.as_ref().is_ok_and(|started| started.duplicate.is_none())));
    assert_eq!(bed.count("select count(*) from onward.run").await, 10);
    assert_eq!(bed.count("select count(*) from onward.job").await, 10);
}

#[tokio::test]
async fn a_keyed_start_whose_commit_was_not_answered_is_not_its_own_duplicate() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let engine = engine_on(wire.options()).await;
    let key = StartKey {
        scope: "test".to_owned(),
        key: "k".to_owned(),
        request_hash: [1; 32],
        ttl: Duration::from_hours(1),
        of_document: false,
    };
    let start = bed.prepare(Some(key)).await;
    let run = start.run;
    wire.lose_answer_to("COMMIT");
    let started = engine.start(start).await.expect("an answer");
    assert!(wire.has_lost_it());
    assert_eq!((started.run, started.duplicate), (run, None));
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 1);
}

#[tokio::test]
async fn checkpoints_whose_commit_was_not_answered_are_stored_once_and_reported_as_stored() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let engine = engine_on(wire.options()).await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let committer = Committer::start(engine.hot().clone(), lease.clone());
    let at = bed.now().await;

    wire.lose_answer_to("insert into onward.checkpoint ");
    assert_eq!(committer.write(adds(&job, "a", json!(1), at)).await, Written::Stored);
    assert!(wire.has_lost_it());
    assert_eq!(bed.count("select count(*) from onward.checkpoint where output::text = '1'").await, 1);
}

#[tokio::test]
async fn a_park_repeated_after_its_answer_was_lost_does_not_park_a_run_that_was_claimed_again() {
    let bed = Bed::new().await;
    let ours = query("commit_batch");
    let careless = replaced(&ours, "(l.move = 'keep' or j.wakes = l.seen)", "true");
    for (statement, stays) in [(&ours, true), (&careless, false)] {
        let lease = bed.worker().await;
        let job = bed.claimed_run(&lease).await;
        let mut session = Session::open(&bed).await;
        let park = session.move_job(&ours, lease.worker(), &job, "park", Some(job.wakes)).await;
        assert_eq!(park, (true, true));
        sqlx::query("update onward.job set due_at = onward.now(), wakes = wakes + 1 where run_id = $1")
            .bind(job.run.0)
            .execute(bed.engine.pool())
            .await
            .expect("something wakes the run");
        assert_eq!(bed.claim(&lease, 1).await[0].run, job.run);

        let (_, parked) = session.move_job(statement, lease.worker(), &job, "park", Some(job.wakes)).await;

        assert_eq!(parked, !stays);
        assert_eq!(bed.owner(job.run).await == Some(lease.worker().0), stays);
    }
}

#[tokio::test]
async fn a_park_repeated_after_another_worker_took_the_run_changes_nothing() {
    let bed = Bed::new().await;
    let (lease, other) = (bed.worker().await, bed.worker().await);
    let job = bed.claimed_run(&lease).await;
    let mut session = Session::open(&bed).await;
    session.move_job(&query("commit_batch"), lease.worker(), &job, "park", Some(job.wakes)).await;
    sqlx::query("update onward.job set due_at = onward.now()").execute(bed.engine.pool()).await.expect("it is due");
    assert_eq!(bed.claim(&other, 1).await.len(), 1);

    let repeated = session.move_job(&query("commit_batch"), lease.worker(), &job, "park", Some(job.wakes)).await;

    assert_eq!(repeated, (false, false));
    assert_eq!(bed.owner(job.run).await, Some(other.worker().0));
}
