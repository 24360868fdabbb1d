//! Commit: the first row of an attempt wins, a park needs an unchanged count of wakes, an end is final.

use chrono::TimeDelta;
use onward_engine::{Announced, Committer, EndRow, Park, RunWrite, Then, Written};
use onward_workflows::{End, RunStatus, Wait, WaitKind};
use serde_json::{Value, json};

use crate::bed::{Bed, adds, checkpoint};
use crate::session::{Session, query};

fn ends(job: &onward_engine::Claimed, status: RunStatus, output: Value) -> RunWrite {
    let end = End { status, output: Some(output), error: None, not_undone: Vec::new() };
    RunWrite { then: Then::End(EndRow::from(&end)), ..RunWrite::nothing(job.run, job.wakes) }
}

#[tokio::test]
async fn the_first_row_of_an_attempt_wins_and_a_foreign_one_makes_the_run_read_again() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let at = bed.now().await;
    assert_eq!(committer.write(adds(&job, "a", json!("first"), at)).await, Written::Stored);
    assert_eq!(committer.write(adds(&job, "a", json!("second"), at)).await, Written::Stored, "ours, so a repeat");

    sqlx::query("update onward.checkpoint set worker_id = gen_random_uuid()")
        .execute(bed.engine.pool())
        .await
        .expect("as if an earlier owner had written it");
    assert_eq!(committer.write(adds(&job, "a", json!("third"), at)).await, Written::ReadAgain);

    // The full form of the statement decides alike.
    let mut write = adds(&job, "a", json!("fourth"), at);
    write.settles = true;
    assert_eq!(committer.write(write).await, Written::ReadAgain);
    assert_eq!(bed.count("select count(*) from onward.checkpoint where output::text = '\"first\"'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 1);
}

#[tokio::test]
async fn a_park_with_a_stale_count_leaves_the_run_in_hand_and_stores_no_wait() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let due_at = bed.now().await + TimeDelta::minutes(5);
    let park = |seen| {
        let waits = vec![Wait { path: "pause".to_owned(), attempt: 1, kind: WaitKind::Timer, due_at }];
        RunWrite { then: Then::Park(Park { seen, due_at, waits }), ..RunWrite::nothing(job.run, job.wakes) }
    };
    onward_engine::cancel(&bed.engine, job.run).await.expect("it can be cancelled");

    assert_eq!(committer.write(park(job.wakes)).await, Written::ReadAgain);
    assert_eq!(bed.owner(job.run).await, Some(lease.worker().0));
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);

    assert_eq!(committer.write(park(job.wakes + 1)).await, Written::Stored);
    assert_eq!(bed.owner(job.run).await, None);
    assert_eq!(bed.count("select count(*) from onward.pending").await, 1);
}

#[tokio::test]
async fn a_wake_that_commits_while_a_park_waits_for_the_job_is_not_slept_through() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let mut canceller = Session::begin(&bed).await;
    canceller.run_on(&query("lock_job"), job.run.0).await.expect("the job is locked");
    canceller.run_on(&query("request_cancel").replace("$2", "false"), job.run.0).await.expect("the request is written");
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let due_at = bed.now().await + TimeDelta::minutes(5);
    let park = Then::Park(Park { seen: job.wakes, due_at, waits: Vec::new() });
    let write = RunWrite { then: park, ..RunWrite::nothing(job.run, job.wakes) };
    let parking = tokio::spawn(async move { committer.write(write).await });
    bed.wait_for_blocked(1).await;
    canceller.commit().await;

    assert_eq!(parking.await.expect("the committer answers"), Written::ReadAgain);
    assert_eq!(bed.owner(job.run).await, Some(lease.worker().0));
}

#[tokio::test]
async fn an_end_is_final_and_takes_job_and_waits_with_it() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let mut announced = RunWrite::nothing(job.run, job.wakes);
    announced.announced = vec![Announced { path: "send".to_owned(), attempt: 1, repeatable: false }];
    assert_eq!(committer.write(announced).await, Written::Stored);
    assert_eq!(bed.count("select count(*) from onward.pending where kind = 'started'").await, 1);

    let mut end = ends(&job, RunStatus::Succeeded, json!("first"));
    end.settles = true;
    end.checkpoints = vec![checkpoint("send", json!(1), bed.now().await)];
    assert_eq!(committer.write(end.clone()).await, Written::Stored);
    assert_eq!(committer.write(end).await, Written::Lost, "the job is gone, and with it the right to write");
    assert_eq!(committer.write(ends(&job, RunStatus::Canceled, json!("second"))).await, Written::Lost);

    assert_eq!(bed.status(job.run).await.as_deref(), Some("succeeded"));
    assert_eq!(bed.count("select count(*) from onward.run where output::text = '\"first\"'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

#[tokio::test]
async fn an_end_and_a_cancel_at_once_leave_one_final_state() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let mut canceller = Session::begin(&bed).await;
    canceller.run_on(&query("lock_job"), job.run.0).await.expect("the job is locked");
    canceller.run_on(&query("request_cancel").replace("$2", "false"), job.run.0).await.expect("the request is written");
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let end = ends(&job, RunStatus::Succeeded, json!(1));
    let ending = tokio::spawn(async move { committer.write(end).await });
    bed.wait_for_blocked(1).await;
    canceller.commit().await;
    assert_eq!(ending.await.expect("the committer answers"), Written::Stored);
    let late = onward_engine::cancel(&bed.engine, job.run).await;
    assert!(matches!(late, Err(onward_engine::CancelError::AlreadyEnded)), "{late:?}");
    assert_eq!(bed.status(job.run).await.as_deref(), Some("succeeded"));
}

#[tokio::test]
async fn progress_forgets_crashes_and_a_write_that_is_none_does_not() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    sqlx::query("update onward.job set crashes = 3").execute(bed.engine.pool()).await.expect("three deaths");
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let crashes = "select crashes::int8 from onward.job";
    let mut announced = RunWrite::nothing(job.run, job.wakes);
    announced.announced = vec![Announced { path: "a".to_owned(), attempt: 1, repeatable: false }];
    committer.write(announced).await;
    assert_eq!(bed.count(crashes).await, 3);
    let mut write = adds(&job, "a", json!(1), bed.now().await);
    write.resets_crashes = true;
    committer.write(write).await;
    assert_eq!(bed.count(crashes).await, 0);
}
