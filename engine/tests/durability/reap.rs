//! Taking jobs from the dead, and only from them.

use std::time::Duration;

use onward_engine::{heartbeat, reap};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Bed, engine_on};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_workers_jobs_go_back_once_however_many_reap() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(5).await;
    assert_eq!(bed.claim(&lease, 5).await.len(), 5);
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.unwrap(), 0, "it is alive");
    bed.database.move_clock(Duration::from_secs(11)).await;
    let mut reapers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let engine = engine_on(&bed.database).await;
        reapers.spawn(async move { reap(engine.pool(), engine.wakes()).await.unwrap() });
    }
    assert_eq!(reapers.join_all().await.iter().sum::<usize>(), 5);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 1").await, 5);
    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_only_slow_keeps_its_jobs() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    bed.claim(&lease, 1).await;
    bed.database.move_clock(Duration::from_secs(11)).await;
    heartbeat(bed.engine.pool(), &lease).await.unwrap().unwrap();
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.unwrap(), 0);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is not null and crashes = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_an_owner_without_a_row_go_back() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    bed.claim(&lease, 1).await;
    bed.execute("delete from onward.worker").await;
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.unwrap(), 1);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 0").await, 1);
}

/// Deleting the worker and taking its jobs in one statement misses what its last batch commits in between: that job
/// would be owned by nobody for ever. Our two statements see it.
#[tokio::test(flavor = "multi_thread")]
async fn in_one_statement_a_job_would_be_left_with_nobody() {
    let together = "with dead as (delete from onward.worker returning id) \
        update onward.job j set worker_id = null from dead d where j.worker_id = d.id";
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start().await;
    let mut batch = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    batch.execute("begin").await.unwrap();
    sqlx::query("select id from onward.worker where id = $1 for key share")
        .bind(lease.worker().0)
        .execute(&mut batch)
        .await
        .unwrap();
    sqlx::query("update onward.job set worker_id = $1").bind(lease.worker().0).execute(&mut batch).await.unwrap();
    let mut reaper = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    let reaping = tokio::spawn(async move { reaper.execute(together).await.map(|done| done.rows_affected()) });
    bed.somebody_waits().await;
    batch.execute("commit").await.unwrap();
    assert_eq!(reaping.await.unwrap().unwrap(), 0, "it did not see the job");
    let stranded = "select count(*) from onward.job j where worker_id is not null and not exists (select from onward.worker w where w.id = j.worker_id)";
    assert_eq!(bed.count(stranded).await, 1, "owned by a worker that is gone");
    // The sweep's second net catches even that.
    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.unwrap(), 1);
    assert_eq!(bed.count(stranded).await, 0);
}
