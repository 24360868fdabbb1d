//! Many claimers at once, and seats that are fewer than the jobs of several lanes.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use onward_engine::{Lanes, claim};
use onward_workflows::{RunId, WorkerId};
use sqlx::{AssertSqlSafe, Row};

use crate::bed::Bed;
use crate::session::{Session, query, replaced};

const JOBS: i32 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn four_claimers_share_two_hundred_jobs_and_no_job_has_two_of_them() {
    let bed = Bed::new().await;
    sqlx::query(
        "insert into onward.job (run_id, queue, priority, due_at)
        select gen_random_uuid(), 'default', 'normal', onward.now() - make_interval(secs => n * 0.01)
        from generate_series(1, $1) n",
    )
    .bind(JOBS)
    .execute(bed.engine.pool())
    .await
    .expect("insert jobs");
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (engine, lease) = (bed.another_engine().await, bed.worker().await);
        claimers.spawn(async move {
            let mut lanes = Lanes::new(None, &[]);
            lanes.refresh(engine.hot()).await.expect("the lanes are read");
            let mut mine = Vec::new();
            loop {
                let jobs = claim(engine.hot(), lease.worker(), &mut lanes, 7).await.expect("an answer");
                if jobs.is_empty() {
                    return (lease.worker(), mine);
                }
                assert!(jobs.len() <= 7, "free seats only");
                mine.extend(jobs.into_iter().map(|job| job.run));
            }
        });
    }
    let shares = claimers.join_all().await;

    let all: Vec<RunId> = shares.iter().flat_map(|(_, runs)| runs.iter().copied()).collect();
    assert_eq!(all.len(), 200, "none is left and none is given twice");
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 200);
    for (worker, runs) in shares {
        let owned: Vec<uuid::Uuid> = sqlx::query_scalar("select run_id from onward.job where worker_id = $1")
            .bind(worker.0)
            .fetch_all(bed.engine.pool())
            .await
            .expect("read the jobs");
        let owned: HashSet<RunId> = owned.into_iter().map(RunId).collect();
        assert_eq!(owned, runs.into_iter().collect::<HashSet<_>>(), "the table says the same as the answers");
    }
}

#[tokio::test]
async fn picking_without_a_lock_would_give_one_job_to_two_claimers() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let (one, other) = (bed.worker().await, bed.worker().await);
    let ours = query("claim_jobs");
    let (mut first, mut second) = (Session::begin(&bed).await, Session::open(&bed).await);
    assert_eq!(first.claim(&ours, one.worker(), 1).await, [run]);
    assert_eq!(second.claim(&ours, other.worker(), 1).await, []);
    first.roll_back().await;

    let unlocked = replaced(&ours, "for update skip locked", "");
    let mut first = Session::begin(&bed).await;
    assert_eq!(first.claim(&unlocked, one.worker(), 1).await, [run]);
    let worker = other.worker();
    let claiming = tokio::spawn(async move { second.claim(&unlocked, worker, 1).await });
    bed.wait_for_blocked(1).await;
    first.commit().await;
    assert_eq!(claiming.await.expect("an answer"), [run]);
    assert_eq!(bed.owner(run).await, Some(worker.0), "taken from the one that was told it has it");
}

/// Two lanes, the worker's seats for both together.
async fn claim_two_lanes(session: &mut Session, statement: &str, worker: WorkerId, seats: i64) -> Vec<RunId> {
    sqlx::query(AssertSqlSafe(statement))
        .bind(worker.0)
        .bind(vec!["default", "other"])
        .bind(vec!["normal", "normal"])
        .bind(vec![DateTime::<Utc>::UNIX_EPOCH; 2])
        .bind(seats)
        .fetch_all(session.connection())
        .await
        .expect("the claim is answered")
        .iter()
        .map(|row| RunId(row.get(0)))
        .collect()
}

#[tokio::test]
async fn seats_are_counted_over_all_lanes_and_what_is_left_is_not_locked() {
    let bed = Bed::new().await;
    let runs = bed.start_many(10).await;
    let move_half = "update onward.job set queue = 'other' where run_id = any($1)";
    let half: Vec<uuid::Uuid> = runs[5..].iter().map(|run| run.0).collect();
    sqlx::query(move_half).bind(half).execute(bed.engine.pool()).await.expect("change the queue");
    let (lease, other) = (bed.worker().await, bed.worker().await);

    let greedy = replaced(&query("claim_jobs"), ") j\n    limit $5", ") j");
    let mut session = Session::begin(&bed).await;
    assert_eq!(claim_two_lanes(&mut session, &greedy, lease.worker(), 7).await.len(), 10, "seven from each lane");
    session.roll_back().await;

    let mut session = Session::begin(&bed).await;
    let taken = claim_two_lanes(&mut session, &query("claim_jobs"), lease.worker(), 7).await;
    assert_eq!(taken.iter().collect::<HashSet<_>>(), runs[..7].iter().collect::<HashSet<_>>(), "lane by lane, by age");
    let rest: HashSet<RunId> = bed.claim(&other, 10).await.into_iter().map(|job| job.run).collect();
    assert_eq!(rest, runs[7..].iter().copied().collect());
    session.commit().await;
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null").await, 0);
}

#[tokio::test]
async fn a_claimer_without_a_free_seat_takes_nothing() {
    let bed = Bed::new().await;
    let run = bed.start().await;
    let lease = bed.worker().await;
    assert_eq!(bed.claim(&lease, 0).await, []);
    assert_eq!(bed.owner(run).await, None);
    assert_eq!(bed.claim(&lease, 1).await[0].run, run);
}
