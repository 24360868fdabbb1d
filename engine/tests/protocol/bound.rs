//! The lower bound of a claim: what was claimed before is not waded through, and what commits late is still found.

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{Lanes, claim};
use onward_workflows::{RunId, WorkerId};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::bed::Bed;
use crate::session::{Session, query};

const CLAIMED: i32 = 4_000;

/// Due ten milliseconds apart, the last one a minute ago; spread over the table, so that each visit is a page.
async fn add_jobs(bed: &Bed, count: i32) {
    sqlx::query(
        "insert into onward.job (run_id, queue, priority, due_at)
        select gen_random_uuid(), 'default', 'normal',
            onward.now() - interval '1 minute' - make_interval(secs => ($1 - n) * 0.01)
        from generate_series(1, $1) n
        order by random()",
    )
    .bind(count)
    .execute(bed.engine.pool())
    .await
    .expect("insert jobs");
}

/// Pages that one more claim of ten jobs reads; the claim itself is rolled back.
async fn pages_of_a_claim(bed: &Bed, worker: WorkerId, bound: DateTime<Utc>) -> i64 {
    let mut session = Session::begin(bed).await;
    // As on the engine's own connections for hot statements: the index is the only way in.
    session.run("set local enable_seqscan = off; set local enable_bitmapscan = off").await;
    let plan: Value =
        sqlx::query_scalar(AssertSqlSafe(format!("explain (analyze, buffers, format json) {}", query("claim_jobs"))))
            .bind(worker.0)
            .bind(vec!["default"])
            .bind(vec!["normal"])
            .bind(vec![bound])
            .bind(10_i64)
            .fetch_one(session.connection())
            .await
            .expect("explain the claim");
    session.roll_back().await;
    let plan = &plan[0]["Plan"];
    assert_eq!(plan["Actual Rows"].as_f64(), Some(10.0), "the claim found its ten jobs");
    plan["Shared Hit Blocks"].as_i64().expect("hits") + plan["Shared Read Blocks"].as_i64().expect("reads")
}

#[tokio::test]
async fn under_an_old_snapshot_a_bounded_claim_does_not_wade_through_what_was_claimed() {
    let bed = Bed::new().await;
    add_jobs(&bed, CLAIMED + 100).await;
    let lease = bed.worker().await;
    // Somebody's long report: nothing that dies from now on may be cleaned away.
    let mut report = Session::open(&bed).await;
    report.run("begin isolation level repeatable read").await;
    report.run("select count(*) from onward.job").await;

    let mut lanes = Lanes::new(None, &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    let mut highest = DateTime::<Utc>::UNIX_EPOCH;
    for _ in 0..CLAIMED / 500 {
        let claimed = claim(bed.engine.hot(), lease.worker(), &mut lanes, 500).await.expect("an answer");
        assert_eq!(claimed.len(), 500);
        highest = claimed.iter().map(|job| job.due_at).max().expect("some").max(highest);
    }

    let unbounded = pages_of_a_claim(&bed, lease.worker(), DateTime::<Utc>::UNIX_EPOCH).await;
    let bounded = pages_of_a_claim(&bed, lease.worker(), highest - TimeDelta::milliseconds(250)).await;
    report.roll_back().await;
    assert!(unbounded > i64::from(CLAIMED) / 2, "without the bound every claimed row is visited: {unbounded} pages");
    assert!(bounded * 10 < unbounded, "{bounded} pages with the bound, {unbounded} without");
}

#[tokio::test]
async fn a_job_that_commits_late_is_found_within_the_margin_at_once_and_below_it_by_the_next_look() {
    let bed = Bed::new().await;
    add_jobs(&bed, 3).await;
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(None, &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    let highest = claim(bed.engine.hot(), lease.worker(), &mut lanes, 10)
        .await
        .expect("an answer")
        .into_iter()
        .map(|job| job.due_at)
        .max()
        .expect("three jobs");
    let insert = async |before: TimeDelta| {
        let run = bed.engine.new_run_id();
        sqlx::query("insert into onward.job (run_id, queue, priority, due_at) values ($1, 'default', 'normal', $2)")
            .bind(run.0)
            .bind(highest - before)
            .execute(bed.engine.pool())
            .await
            .expect("insert a job");
        run
    };
    let (inside, outside) = (insert(TimeDelta::milliseconds(200)).await, insert(TimeDelta::milliseconds(300)).await);
    let runs = async |lanes: &mut Lanes| -> Vec<RunId> {
        let claimed = claim(bed.engine.hot(), lease.worker(), lanes, 10).await.expect("an answer");
        claimed.into_iter().map(|job| job.run).collect()
    };

    assert_eq!(runs(&mut lanes).await, [inside]);
    assert_eq!(runs(&mut lanes).await, []);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    assert_eq!(runs(&mut lanes).await, [outside]);
}
