//! Runs that kill their workers: five deaths end them, three make them suspects.

use onward_testkit::wait_until;
use serde_json::json;

use crate::bed::Bed;
use crate::{DEADLINE, change, requests};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_killed_five_workers_ends_with_crash_loop_and_starts_nothing() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: deadly\nsteps:\n  - {id: get, type: http.request, config: {url: 'http://shop.test/orders/IL1'}}\n")
        .await;
    let (deadly, patient) = (bed.start(&id, json!({})).await, bed.start(&id, json!({})).await);
    sqlx::query("update onward.job set crashes = case when run_id = $1 then 5 else 4 end")
        .bind(deadly.0)
        .execute(bed.engine.pool())
        .await
        .expect("workers have died");
    let _worker = bed.work(4);
    let (status, _, error) = bed.ended(deadly).await;
    assert_eq!((status.as_str(), &error["kind"]), ("failed", &json!("crash_loop")), "{error}");
    assert_eq!(bed.ended(patient).await.0, "succeeded", "four deaths are not five");
    assert_eq!(requests(&bed, "/orders/IL1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_suspects_one_is_carried_at_a_time_and_others_go_normally() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: suspect\nsteps:\n  - {id: get, type: http.request, timeout: 150ms, retry: {max: 0}, config: {url: 'http://shop.test/orders/IL1?fault=hang'}}\n")
        .await;
    let ordinary = bed
        .deploy("version: 1\nname: ordinary\nsteps:\n  - {id: get, type: http.request, config: {url: 'http://shop.test/rates'}}\n")
        .await;
    for _ in 0..3 {
        bed.start(&id, json!({})).await;
    }
    change(&bed, "update onward.job set crashes = 3").await;
    let ordinary = bed.start(&ordinary, json!({})).await;
    let _worker = bed.work(10);
    assert_eq!(bed.ended(ordinary).await.0, "succeeded");
    wait_until(DEADLINE, "all suspects to end", async || {
        let begun = requests(&bed, "/orders/IL1");
        let ended =
            bed.count("select count(*) from onward.run where workflow = 'suspect' and status is not null").await;
        let ended = usize::try_from(ended).expect("few");
        assert!(begun <= ended + 1, "{begun} have begun and only {ended} have ended");
        ended == 3
    })
    .await;
}
