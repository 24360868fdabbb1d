//! A worker may write only while its row exists.

use std::time::Duration;

use chrono::Utc;
use onward_engine::{Committer, EndRow, Lanes, RunWrite, Then, Written, claim, heartbeat, reap, release};
use onward_workflows::{End, RunStatus};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::support::{Bed, engine_on};

fn end(run: onward_workflows::RunId, claimed: i32) -> RunWrite {
    let end = End { status: RunStatus::Succeeded, output: None, error: None };
    RunWrite { then: Then::End(EndRow::from(&end)), ..RunWrite::nothing(run, claimed) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_row_writes_nothing() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(3).await;
    let job = bed.claim(&lease, 1).await.remove(0);
    bed.execute("delete from onward.worker").await;

    let mut lanes = Lanes::new(None);
    lanes.refresh(bed.engine.hot()).await.unwrap();
    assert!(claim(bed.engine.hot(), lease.worker(), &mut lanes, 10).await.unwrap().is_empty(), "no claim");
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    assert_eq!(committer.write(end(job.run, job.wakes)).await, Written::Lost, "no end");
    let wakes = bed.engine.wakes();
    assert_eq!(
        release(bed.engine.hot(), wakes, lease.worker(), &[job.run], Duration::ZERO).await.unwrap(),
        0,
        "no release"
    );
    assert!(heartbeat(bed.engine.pool(), &lease).await.unwrap().is_err(), "no heartbeat");
    assert_eq!(bed.count("select count(*) from onward.run where status is not null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_claimed_again_is_not_ended_by_its_first_owner() {
    let bed = Bed::new().await;
    let (first, second) = (bed.worker().await, bed.worker().await);
    bed.start().await;
    let old = bed.claim(&first, 1).await.remove(0);
    release(bed.engine.hot(), bed.engine.wakes(), first.worker(), &[old.run], Duration::ZERO).await.unwrap();
    let new = bed.claim(&second, 1).await.remove(0);
    assert_eq!(old.run, new.run);
    let committer = Committer::start(bed.engine.hot().clone(), first.clone());
    assert_eq!(committer.write(end(old.run, old.wakes)).await, Written::Lost);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is not null").await, 1);
    // The same worker again, with a claim of its own in between: its old write is as stale.
    release(bed.engine.hot(), bed.engine.wakes(), second.worker(), &[new.run], Duration::ZERO).await.unwrap();
    let newest = bed.claim(&first, 1).await.remove(0);
    assert!(newest.wakes > old.wakes);
    assert_eq!(committer.write(end(old.run, newest.wakes + 1)).await, Written::Lost, "a claim that never was");
    assert_eq!(committer.write(end(old.run, newest.wakes)).await, Written::Stored);
}

/// The switch that removes the fence: without the worker's row and without the owner of the job in the statement, a
/// stale worker ends a run that belongs to another. The tests above look at exactly this.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_fence_a_stale_worker_ends_anothers_run() {
    const FENCED: &str = include_str!("../../queries/commit_batch.sql");
    let unfenced = FENCED
        .replace("select w.id from onward.worker w where w.id = $1 for key share", "select $1::uuid as id")
        .replace("and j.worker_id = m.id and j.wakes >= i.claimed", "")
        .replace("for no key update of j", "");
    assert_ne!(unfenced, FENCED);
    for (statement, stolen) in [(FENCED.to_owned(), false), (unfenced, true)] {
        let bed = Bed::new().await;
        let (stale, owner) = (bed.worker().await, bed.worker().await);
        bed.start().await;
        let job = bed.claim(&owner, 1).await.remove(0);
        bed.execute("delete from onward.worker where id = (select min(id::text)::uuid from onward.worker)").await;
        end_by(&bed, &statement, stale.worker().0, job.run.0, job.wakes).await;
        let ended = bed.count("select count(*) from onward.run where status = 'succeeded'").await == 1;
        assert_eq!(ended, stolen, "{statement}");
    }
}

/// Runs a commit statement with one end in it.
async fn end_by(bed: &Bed, statement: &str, worker: Uuid, run: Uuid, claimed: i32) {
    let (none, nothing) = (Vec::<String>::new(), Vec::<i32>::new());
    let (no_ids, no_times) = (Vec::<Uuid>::new(), Vec::<chrono::DateTime<Utc>>::new());
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .bind(worker)
        .bind(vec![run])
        .bind(vec![claimed])
        .bind(vec!["end".to_owned()])
        .bind(vec![None::<i32>])
        .bind(vec![None::<chrono::DateTime<Utc>>])
        .bind(vec![Some("succeeded".to_owned())])
        .bind(vec![None::<String>])
        .bind(vec![None::<String>])
        .bind(vec![false])
        .bind(vec![false])
        .bind(no_ids.clone())
        .bind(none.clone())
        .bind(nothing.clone())
        .bind(none.clone())
        .bind(none.clone())
        .bind(none.clone())
        .bind(no_times.clone())
        .bind(no_times.clone())
        .bind(no_ids.clone())
        .bind(none.clone())
        .bind(nothing.clone())
        .bind(no_ids)
        .bind(none.clone())
        .bind(nothing)
        .bind(none)
        .bind(no_times)
        .execute(bed.engine.pool())
        .await
        .expect("the statement runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_flight_is_waited_for_and_its_rows_are_seen() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let run = bed.start().await;
    // The dead worker's last batch: it has taken its fence and not committed yet.
    let mut batch = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    batch.execute("begin").await.unwrap();
    sqlx::query("select id from onward.worker where id = $1 for key share")
        .bind(lease.worker().0)
        .execute(&mut batch)
        .await
        .unwrap();
    sqlx::query("update onward.job set worker_id = $1, wakes = wakes + 1 where run_id = $2")
        .bind(lease.worker().0)
        .bind(run.0)
        .execute(&mut batch)
        .await
        .unwrap();
    bed.database.move_clock(Duration::from_secs(11)).await;
    // A heartbeat does not wait for a fence.
    assert_eq!(bed.execute("update onward.worker set heartbeat_at = heartbeat_at").await, 1);

    let other = engine_on(&bed.database).await;
    let reaping = tokio::spawn(async move { reap(other.pool(), other.wakes()).await });
    bed.somebody_waits().await;
    batch.execute("commit").await.unwrap();
    assert_eq!(reaping.await.unwrap().unwrap(), 1, "the job that was claimed last is given back too");
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 1").await, 1);
}
