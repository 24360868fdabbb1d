//! Whose fault a refused batch is: one run's, a collision's, the load's, or the database's own.

use chrono::{DateTime, Utc};
use onward_engine::{CheckpointRow, Claimed, Committer, Lease, Park, RunWrite, Then, Written, database};
use onward_testkit::wait_until;
use onward_workflows::{Checkpoint, CheckpointStatus};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;

use crate::bed::{Bed, DEADLINE, adds};
use crate::session::{Session, query};
use crate::wire::Wire;

/// Runs claimed by this worker, in the order in which a batch locks them.
async fn claimed_runs(bed: &Bed, lease: &Lease, count: usize) -> Vec<Claimed> {
    bed.start_many(count).await;
    let mut jobs = bed.claim(lease, count).await;
    jobs.sort_by_key(|job| job.run.0);
    assert_eq!(jobs.len(), count);
    jobs
}

fn parks(job: &Claimed, due_at: DateTime<Utc>) -> RunWrite {
    let park = Park { seen: job.wakes, due_at, waits: Vec::new() };
    RunWrite { then: Then::Park(park), ..RunWrite::nothing(job.run, job.wakes) }
}

/// In one batch, because all are in the committer's line before its task, on the same thread, comes to read it.
async fn written_together(committer: &Committer, writes: Vec<RunWrite>) -> Vec<Written> {
    futures_util::future::join_all(writes.into_iter().map(|write| committer.write(write))).await
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_for_its_own_run_alone() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let lease = bed.worker().await;
    let jobs = claimed_runs(&bed, &lease, 10).await;
    let pool = database::connect(wire.options(), 2).await.expect("connect");
    let committer = Committer::start(pool, lease.clone());
    let at = bed.now().await;
    let mut writes: Vec<RunWrite> = jobs.iter().map(|job| adds(job, "a", json!(1), at)).collect();
    // A byte that no text may hold, an instant beyond the calendar, and a row that breaks a constraint of ours.
    writes[2] = adds(&jobs[2], "a\0", json!(1), at);
    writes[5] = adds(&jobs[5], "a", json!(1), DateTime::<Utc>::MIN_UTC);
    let nameless = Checkpoint {
        path: "a".to_owned(),
        attempt: 0,
        status: CheckpointStatus::Succeeded,
        output: None,
        error: None,
        started_at: at,
        finished_at: at,
    };
    writes[9].checkpoints = vec![CheckpointRow::new(&nameless, None)];

    let written = written_together(&committer, writes).await;

    for (place, written) in written.iter().enumerate() {
        let refused = matches!(written, Written::Refused(_));
        assert_eq!(refused, [2, 5, 9].contains(&place), "{place}: {written:?}");
        assert!(refused || *written == Written::Stored, "{place}: {written:?}");
    }
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 7);
    assert!(wire.refusals("22021") > 1 && wire.refusals("22008") > 1 && wire.refusals("23514") > 0, "found by halving");
}

#[tokio::test]
async fn a_missing_partition_is_the_databases_fault_and_nobody_fails() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let pool = database::connect(wire.options(), 2).await.expect("connect");
    let committer = Committer::start(pool, lease.clone());
    let partition = "select c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid) from pg_class c
        where c.oid = to_regclass('onward.checkpoint_' || to_char(onward.week_of(now()) at time zone 'UTC', 'YYYYMMDD'))";
    let (name, bounds): (String, String) =
        sqlx::query_as(partition).fetch_one(bed.engine.pool()).await.expect("this week's partition");
    let mut session = Session::open(&bed).await;
    session.run(&format!("alter table onward.checkpoint detach partition {name}")).await;

    let write = adds(&job, "a", json!(1), bed.now().await);
    let writing = tokio::spawn(async move { committer.write(write).await });
    wait_until(DEADLINE, "the batch to be repeated", async || wire.refusals("23514") > 1).await;
    assert!(!writing.is_finished());
    session.run(&format!("alter table onward.checkpoint attach partition {name} {bounds}")).await;

    assert_eq!(writing.await.expect("the committer answers"), Written::Stored);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 1);
}

#[tokio::test]
async fn trouble_of_the_database_is_repeated_until_it_is_over_or_the_lease_is() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.database.options()).await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let pool = database::connect(wire.options(), 2).await.expect("connect");
    let committer = Committer::start(pool, lease.clone());
    let mut session = Session::open(&bed).await;
    let (at, mut paths) = (bed.now().await, ["a", "b", "c"].into_iter());
    // A serialization failure, a full disk, and a constraint that is not one of ours.
    for code in ["40001", "53100", "23505"] {
        session
            .run(&format!(
                "create function onward.refuse() returns trigger language plpgsql as
                    $$ begin raise exception using errcode = '{code}'; end $$;
                create trigger refuse before insert on onward.checkpoint for each row execute function onward.refuse()"
            ))
            .await;
        let write = adds(&job, paths.next().expect("one each"), json!(1), at);
        let writing = tokio::spawn({
            let committer = committer.clone();
            async move { committer.write(write).await }
        });
        wait_until(DEADLINE, "the batch to be repeated", async || wire.refusals(code) > 1).await;
        if code == "23505" {
            lease.give_up();
            assert_eq!(writing.await.expect("the committer answers"), Written::Lost);
            continue;
        }
        session.run("drop function onward.refuse() cascade").await;
        assert_eq!(writing.await.expect("the committer answers"), Written::Stored, "{code}");
    }
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 2);
    assert_eq!(bed.status(job.run).await, None);
}

#[tokio::test]
async fn a_batch_that_loses_a_deadlock_is_repeated() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let jobs = claimed_runs(&bed, &lease, 2).await;
    let wire = Wire::to(bed.database.options()).await;
    let impatient = wire.options().options([("deadlock_timeout", "20ms")]);
    let committer = Committer::start(database::connect(impatient, 2).await.expect("connect"), lease.clone());
    // One session keeps the first job until the other, which has the second, waits for the worker's row.
    let (mut first, mut second) = (Session::begin(&bed).await, Session::begin(&bed).await);
    first.run_on(&query("lock_job"), jobs[0].run.0).await.expect("the first job is locked");
    second.run("set local deadlock_timeout = '1min'").await;
    second.run_on(&query("lock_job"), jobs[1].run.0).await.expect("the second job is locked");
    let due_at = bed.now().await;
    let batch = written_together(&committer, vec![parks(&jobs[0], due_at), parks(&jobs[1], due_at)]);
    let worker = lease.worker().0;
    let breaking = async {
        bed.wait_for_blocked(1).await;
        let blocked = tokio::spawn(async move {
            second.run_on("select id from onward.worker where id = $1 for update", worker).await.expect("in the end");
            second.commit().await;
        });
        bed.wait_for_blocked(2).await;
        first.commit().await;
        blocked.await.expect("the session ends");
    };
    let (written, ()) = tokio::join!(batch, breaking);
    assert_eq!(written, [Written::Stored, Written::Stored]);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null").await, 2);
    assert_eq!(wire.refusals("40P01"), 1);
}

#[tokio::test]
async fn a_lock_that_is_not_obtained_in_time_is_tried_again() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let job = bed.claimed_run(&lease).await;
    let wire = Wire::to(bed.database.options()).await;
    let impatient = wire.options().options([("lock_timeout", "20ms")]);
    let committer = Committer::start(database::connect(impatient, 2).await.expect("connect"), lease.clone());
    let mut holder = Session::begin(&bed).await;
    holder.run_on(&query("lock_job"), job.run.0).await.expect("the job is locked");
    let write = parks(&job, bed.now().await);
    let writing = tokio::spawn(async move { committer.write(write).await });
    wait_until(DEADLINE, "the batch to be repeated", async || wire.refusals("55P03") > 1).await;
    holder.commit().await;
    assert_eq!(writing.await.expect("the committer answers"), Written::Stored);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_halved_until_the_one_that_blocks_is_alone() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let jobs = claimed_runs(&bed, &lease, 8).await;
    // Not the engine's own pool, whose limit is too long for a test.
    let options = bed.database.options().options([("statement_timeout", "150ms")]);
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("connect");
    let slow = Committer::start(pool, lease.clone());
    let mut holder = Session::begin(&bed).await;
    holder.run_on(&query("lock_job"), jobs[3].run.0).await.expect("one job is locked");
    let due_at = bed.now().await;
    let written = written_together(&slow, jobs.iter().map(|job| parks(job, due_at)).collect()).await;
    holder.roll_back().await;
    for (place, written) in written.into_iter().enumerate() {
        assert_eq!(written, if place == 3 { Written::TooHeavy } else { Written::Stored }, "{place}");
    }
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null").await, 7);
}
