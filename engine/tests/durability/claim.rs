//! Every job to one claimer, in order, without wading through what is gone.

use std::collections::HashSet;

use onward_engine::{Lanes, claim};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::Bed;

#[tokio::test(flavor = "multi_thread")]
async fn no_job_goes_to_two_claimers() {
    let bed = Bed::new().await;
    bed.start_many(200).await;
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (hot, lease) = (bed.engine.hot().clone(), bed.worker().await);
        claimers.spawn(async move {
            let (mut lanes, mut mine) = (Lanes::new(None), Vec::new());
            loop {
                lanes.refresh(&hot).await.unwrap();
                let claimed = claim(&hot, lease.worker(), &mut lanes, 7).await.unwrap();
                assert!(claimed.len() <= 7, "free seats only");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.run));
            }
        });
    }
    let claimed: Vec<_> = claimers.join_all().await.concat();
    assert!(claimed.len() >= 200 && claimed.iter().collect::<HashSet<_>>().len() == claimed.len(), "{}", claimed.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn priority_goes_before_age_except_in_every_tenth_claim() {
    let bed = Bed::new().await;
    let runs = bed.start_many(30).await;
    bed.execute("update onward.job set priority = 'high', due_at = due_at + interval '1 millisecond'").await;
    let oldest = runs[0];
    sqlx::query("update onward.job set priority = 'low', due_at = due_at - interval '1 hour' where run_id = $1")
        .bind(oldest.0)
        .execute(bed.engine.pool())
        .await
        .unwrap();
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(None);
    lanes.refresh(bed.engine.hot()).await.unwrap();
    for turn in 1..=10 {
        let job = claim(bed.engine.hot(), lease.worker(), &mut lanes, 1).await.unwrap().remove(0);
        assert_eq!(job.run == oldest, turn == 10, "claim {turn}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_are_not_served_are_left_alone() {
    let bed = Bed::new().await;
    bed.start_many(2).await;
    bed.execute("update onward.job set queue = 'pdf' where run_id = (select min(run_id::text)::uuid from onward.job)")
        .await;
    let lease = bed.worker().await;
    let mut lanes = Lanes::new(Some(vec!["pdf".to_owned()]));
    lanes.refresh(bed.engine.hot()).await.unwrap();
    let claimed = claim(bed.engine.hot(), lease.worker(), &mut lanes, 10).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.queue.as_str()).collect::<Vec<_>>(), ["pdf"]);
}

/// Under an old snapshot the index keeps an entry for everything that was ever claimed. A claim from the lower bound
/// skips them; one from the beginning reads them all.
#[tokio::test(flavor = "multi_thread")]
async fn the_lower_bound_keeps_a_claim_from_reading_what_is_gone() {
    let bed = Bed::new().await;
    let mut old = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    old.execute("begin isolation level repeatable read").await.unwrap();
    old.execute("select count(*) from onward.job").await.unwrap();
    bed.execute(
        "insert into onward.job (run_id, queue, priority, due_at) \
         select gen_random_uuid(), 'default', 'normal', onward.now() - interval '1 hour' + n * interval '1 second' from generate_series(1, 3000) n",
    )
    .await;
    bed.execute("delete from onward.job").await;
    bed.start().await;
    let bounded = pages(&bed, "onward.now() - interval '250 milliseconds' - interval '1 second'").await;
    let unbounded = pages(&bed, "'-infinity'").await;
    assert!(bounded * 5 < unbounded, "{bounded} pages from the bound, {unbounded} from the beginning");
    old.execute("commit").await.unwrap();
}

/// Pages that the heart of the claim touches.
async fn pages(bed: &Bed, bound: &str) -> i64 {
    let statement = format!(
        "explain (analyze, buffers, format json) select c.run_id from onward.job c where c.worker_id is null and c.queue = 'default' \
         and c.priority = 'normal' and c.due_at >= {bound} and c.due_at <= onward.now() order by c.due_at, c.run_id, c.path limit 10"
    );
    let plan: serde_json::Value =
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(bed.engine.hot()).await.unwrap();
    plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap() + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap()
}
