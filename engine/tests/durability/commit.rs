//! Storing what runs have come to: first one wins, stale parks bounce, and one bad run does not take others with it.

use chrono::TimeDelta;
use onward_engine::{CheckpointRow, Committer, EndRow, Lease, Park, RunWrite, Then, Written, cancel};
use onward_workflows::{Checkpoint, CheckpointStatus, End, RunId, RunStatus};
use serde_json::{Value, json};

use crate::support::{Bed, engine_on};

fn checkpoint(path: &str, status: CheckpointStatus, output: Value) -> CheckpointRow {
    let at = "2026-11-24T12:00:00Z".parse().unwrap();
    let checkpoint = Checkpoint {
        path: path.to_owned(),
        attempt: 1,
        status,
        output: Some(output),
        error: None,
        started_at: at,
        finished_at: at,
    };
    CheckpointRow::new(&checkpoint, None)
}

fn done(run: RunId, claimed: i32, output: Value) -> RunWrite {
    RunWrite {
        checkpoints: vec![checkpoint("note", CheckpointStatus::Succeeded, output)],
        ..RunWrite::nothing(run, claimed)
    }
}

fn park(run: RunId, claimed: i32, seen: i32) -> RunWrite {
    let park = Park { seen, due_at: "2030-01-01T00:00:00Z".parse().unwrap(), waits: Vec::new() };
    RunWrite { then: Then::Park(park), ..RunWrite::nothing(run, claimed) }
}

fn committer(bed: &Bed, lease: &Lease) -> Committer {
    Committer::start(bed.engine.hot().clone(), lease.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_checkpoint_of_an_attempt_wins_and_a_repeat_changes_nothing() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let job = bed.claim(&lease, 1).await.remove(0);
    let committer = committer(&bed, &lease);
    assert_eq!(committer.write(done(job.run, job.wakes, json!(1))).await, Written::Stored);
    // Its answer was lost: the same again.
    assert_eq!(committer.write(done(job.run, job.wakes, json!(2))).await, Written::Stored);
    assert_eq!(bed.count("select output::text::bigint from onward.checkpoint").await, 1);
    // Somebody else's row was there first: read the run again.
    bed.execute("update onward.checkpoint set worker_id = gen_random_uuid()").await;
    assert_eq!(committer.write(done(job.run, job.wakes, json!(3))).await, Written::ReadAgain);
    assert_eq!(bed.count("select output::text::bigint from onward.checkpoint").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_park_does_not_park_a_run_that_was_claimed_again() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let first = bed.claim(&lease, 1).await.remove(0);
    let committer = committer(&bed, &lease);
    assert_eq!(committer.write(park(first.run, first.wakes, first.wakes)).await, Written::Stored);
    bed.execute("update onward.job set due_at = onward.now()").await;
    let second = bed.claim(&lease, 1).await.remove(0);
    // The answer of the first park was lost, and it is sent again.
    assert_eq!(committer.write(park(first.run, first.wakes, first.wakes)).await, Written::ReadAgain);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is not null").await, 1, "still claimed");
    assert_eq!(committer.write(park(second.run, second.wakes, second.wakes)).await, Written::Stored);
}

/// The count that a claim returns is newer than what its statement saw; only one read before the rows protects a park.
#[tokio::test(flavor = "multi_thread")]
async fn a_park_never_passes_a_cancel() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let job = bed.claim(&lease, 1).await.remove(0);
    let seen = job.wakes;
    cancel(&bed.engine, job.run).await.unwrap();
    let committer = committer(&bed, &lease);
    assert_eq!(committer.write(park(job.run, job.wakes, seen)).await, Written::ReadAgain);
    // With the newest count as `seen` the park would pass, and the cancel would wait for its deadline.
    assert_eq!(committer.write(park(job.run, job.wakes, seen + 1)).await, Written::Stored);
    assert_eq!(
        bed.count("select count(*) from onward.job where cancel_requested_at is not null and due_at > onward.now()")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_final() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let job = bed.claim(&lease, 1).await.remove(0);
    let committer = committer(&bed, &lease);
    let end = |status| {
        let end = End { status, output: None, error: None };
        RunWrite { then: Then::End(EndRow::from(&end)), ..RunWrite::nothing(job.run, job.wakes) }
    };
    assert_eq!(committer.write(end(RunStatus::Succeeded)).await, Written::Stored);
    assert_eq!(committer.write(end(RunStatus::Canceled)).await, Written::Lost);
    assert_eq!(bed.count("select count(*) from onward.run where status = 'succeeded'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_that_cannot_be_stored_fails_alone() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(10).await;
    let jobs = bed.claim(&lease, 10).await;
    let committer = committer(&bed, &lease);
    let mut writes = tokio::task::JoinSet::new();
    for (number, job) in jobs.into_iter().enumerate() {
        // A failure without an error breaks a rule of the table.
        let status = if number == 3 { CheckpointStatus::Failed } else { CheckpointStatus::Succeeded };
        let committer = committer.clone();
        let write = RunWrite {
            checkpoints: vec![checkpoint("note", status, json!(1))],
            ..RunWrite::nothing(job.run, job.wakes)
        };
        writes.spawn(async move { committer.write(write).await });
    }
    let written = writes.join_all().await;
    assert_eq!(written.iter().filter(|written| **written == Written::Stored).count(), 9, "{written:?}");
    assert_eq!(written.iter().filter(|written| matches!(written, Written::Refused(_))).count(), 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 9);
}

/// A missing partition reports a class 23 error like a broken rule; it is the database's fault, and nobody fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_partition_fails_nobody() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let job = bed.claim(&lease, 1).await.remove(0);
    let names = "select string_agg(format('alter table onward.checkpoint detach partition %s', inhrelid::regclass), ';') from pg_inherits where inhparent = 'onward.checkpoint'::regclass";
    let detach: String = sqlx::query_scalar(names).fetch_one(bed.engine.pool()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(detach)).execute(bed.engine.pool()).await.unwrap();
    let writing = tokio::spawn({
        let (committer, write) = (committer(&bed, &lease), done(job.run, job.wakes, json!(1)));
        async move { committer.write(write).await }
    });
    onward_testkit::wait_until(crate::support::DEADLINE, "the batch to be refused once", async || {
        bed.count("select xact_rollback from pg_stat_database where datname = current_database()").await > 0
    })
    .await;
    assert!(!writing.is_finished());
    bed.execute("create table onward.checkpoint_all partition of onward.checkpoint default").await;
    assert_eq!(writing.await.unwrap(), Written::Stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_cancels_and_releases_at_once_do_not_deadlock() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(60).await;
    let jobs = bed.claim(&lease, 60).await;
    let (committer, other) = (committer(&bed, &lease), engine_on(&bed.database).await);
    let mut work = tokio::task::JoinSet::new();
    for (number, job) in jobs.iter().cloned().enumerate() {
        let (committer, other) = (committer.clone(), other.clone());
        let soon = bed.engine.clock().now() + TimeDelta::seconds(5);
        work.spawn(async move {
            match number % 3 {
                0 => {
                    committer.write(park(job.run, job.wakes, job.wakes)).await;
                }
                1 => {
                    committer
                        .write(RunWrite { then: Then::Release(soon), ..RunWrite::nothing(job.run, job.wakes) })
                        .await;
                }
                _ => drop(cancel(&other, job.run).await),
            }
        });
        let other = bed.engine.clone();
        work.spawn(async move { drop(cancel(&other, job.run).await) });
    }
    work.join_all().await;
    assert_eq!(bed.count("select deadlocks from pg_stat_database where datname = current_database()").await, 0);
}
