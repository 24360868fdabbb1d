//! Claim: one job, one claimer; free seats only; by priority, then age, and every tenth time by age alone.

use std::collections::HashSet;

use onward_engine::{Lanes, Priority, claim};
use onward_workflows::RunId;

use crate::bed::Bed;
use crate::session::{Session, query, replaced};

#[tokio::test]
async fn two_claimers_at_once_never_get_one_job_and_do_not_wait_for_each_other() {
    let bed = Bed::new().await;
    let all: HashSet<RunId> = bed.start_many(6).await.into_iter().collect();
    let (one, other) = (bed.worker().await, bed.worker().await);
    let mut first = Session::begin(&bed).await;
    let taken = first.claim(&query("claim_jobs"), one.worker(), 4).await;

    let rest = bed.claim(&other, 10).await;

    first.commit().await;
    assert_eq!((taken.len(), rest.len()), (4, 2), "free seats only, and only what nobody else has");
    let claimed: HashSet<RunId> = taken.into_iter().chain(rest.iter().map(|job| job.run)).collect();
    assert_eq!(claimed, all);
}

#[tokio::test]
async fn without_skip_locked_the_second_claimer_would_stand_still() {
    let bed = Bed::new().await;
    bed.start_many(2).await;
    let (one, other) = (bed.worker().await, bed.worker().await);
    let mut first = Session::begin(&bed).await;
    assert_eq!(first.claim(&query("claim_jobs"), one.worker(), 1).await.len(), 1);

    let waiting = replaced(&query("claim_jobs"), "for update skip locked", "for update");
    let mut second = Session::begin(&bed).await;
    let stuck = tokio::spawn(async move { second.claim(&waiting, other.worker(), 1).await });
    bed.wait_for_blocked(1).await;
    first.roll_back().await;
    assert_eq!(stuck.await.expect("it goes on").len(), 1);
}

#[tokio::test]
async fn jobs_are_claimed_by_priority_then_age_then_id() {
    let bed = Bed::new().await;
    let runs = bed.start_many(5).await;
    let set = async |run: RunId, priority: &str, minutes_ago: i32| {
        sqlx::query(
            "update onward.job set priority = $2::text::onward.priority,
                due_at = date_trunc('hour', onward.now()) - make_interval(mins => $3)
            where run_id = $1",
        )
        .bind(run.0)
        .bind(priority)
        .bind(minutes_ago)
        .execute(bed.engine.pool())
        .await
        .expect("change the job");
    };
    set(runs[0], "low", 50).await;
    set(runs[1], "normal", 10).await;
    set(runs[2], "normal", 20).await;
    set(runs[3], "critical", 1).await;
    set(runs[4], "normal", 20).await;
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(None, &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    let mut order = Vec::new();
    for _ in 0..5 {
        order.extend(claim(bed.engine.hot(), lease.worker(), &mut lanes, 1).await.expect("an answer"));
    }
    let order: Vec<RunId> = order.iter().map(|job| job.run).collect();
    assert_eq!(order, [runs[3], runs[2], runs[4], runs[1], runs[0]]);
}

#[tokio::test]
async fn every_tenth_claim_takes_the_oldest_so_that_a_low_priority_is_not_starved() {
    let bed = Bed::new().await;
    let oldest = bed.start().await;
    let age = "update onward.job set priority = 'low', due_at = due_at - interval '1 hour'";
    sqlx::query(age).execute(bed.engine.pool()).await.expect("age the job");
    bed.start_many(12).await;
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(None, &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    for turn in 1..=10 {
        let claimed = claim(bed.engine.hot(), lease.worker(), &mut lanes, 1).await.expect("an answer");
        assert_eq!(claimed[0].run == oldest, turn == 10, "claim {turn}");
        assert_eq!(claimed[0].priority == Priority::Low, turn == 10, "claim {turn}");
    }
}

#[tokio::test]
async fn a_job_that_is_not_due_or_of_another_queue_is_left_alone() {
    let bed = Bed::new().await;
    let (later, elsewhere) = (bed.start().await, bed.start().await);
    let change = "update onward.job set due_at = case when run_id = $1 then due_at + interval '1 hour' else due_at end,
        queue = case when run_id = $2 then 'other' else queue end";
    sqlx::query(change).bind(later.0).bind(elsewhere.0).execute(bed.engine.pool()).await.expect("change the jobs");
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(Some(vec!["default".to_owned()]), &[]);
    lanes.refresh(bed.engine.hot()).await.expect("the lanes are read");
    assert_eq!(claim(bed.engine.hot(), lease.worker(), &mut lanes, 5).await.expect("an answer"), []);
    let due_at = lanes.next_due(bed.engine.hot()).await.expect("an answer").expect("one job is due later");
    assert!(due_at > bed.now().await);
    assert_eq!(bed.claim(&lease, 5).await[0].run, elsewhere, "a worker that serves all queues takes it");
}
