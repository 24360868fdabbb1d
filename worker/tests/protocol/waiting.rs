//! Waiting in memory and in the table, and wake-ups that never arrive.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bed::{Bed, engine_on};
use crate::{change, wait_for_count};

const PARKS: &str = "select count(*) from parks";

/// Writes down every job that is given up by its owner.
async fn watch_parks(bed: &Bed) {
    change(bed, "create table parks (run_id uuid)").await;
    change(
        bed,
        "create function note_park() returns trigger language plpgsql as
            $$ begin insert into parks values (new.run_id); return new; end $$",
    )
    .await;
    change(
        bed,
        "create trigger note_park after update on onward.job for each row
            when (old.worker_id is not null and new.worker_id is null) execute function note_park()",
    )
    .await;
}

fn waits(name: &str, time: &str) -> String {
    format!(
        "version: 1\nname: {name}\nsteps:\n  - {{id: pause, type: wait, config: {{for: {time}}}}}\n  - {{id: a, type: log, config: {{message: hi}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_wait_stays_in_memory_and_a_longer_one_is_parked() {
    let bed = Bed::new().await;
    watch_parks(&bed).await;
    let (short, long) = (bed.deploy(&waits("short", "500ms")).await, bed.deploy(&waits("long", "1h")).await);
    let _worker = bed.work(4);
    let began = Instant::now();
    let run = bed.start(&short, json!({})).await;
    assert_eq!(bed.ended(run).await.0, "succeeded");
    assert!(began.elapsed() >= Duration::from_millis(500), "it did wait");
    assert_eq!(bed.count(PARKS).await, 0);
    bed.start(&long, json!({})).await;
    wait_for_count(&bed, PARKS, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_ends_when_the_clock_says_so() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: slow\ntimeout: 1h\nsteps:\n  - {id: pause, type: wait, config: {for: 5h}}\n")
        .await;
    let worker = bed.work(4);
    let run = bed.start(&id, json!({})).await;
    wait_for_count(&bed, "select count(*) from onward.job where worker_id is null", 1).await;
    worker.stop.cancel();
    worker.task.await.expect("the worker drains");

    bed.database.move_clock(Duration::from_secs(3_601)).await;
    let later = engine_on(&bed.database).await;
    let _worker = bed.work_with(later, 4);
    let (status, _, error) = bed.ended(run).await;
    assert_eq!((status.as_str(), &error["kind"]), ("failed", &json!("timeout")), "{error}");
    assert_eq!(bed.count("select count(*) from onward.pending").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_started_elsewhere_is_found_by_polling_when_every_wake_up_is_lost() {
    let bed = Bed::new().await;
    let id = bed.deploy("version: 1\nname: quiet\nsteps:\n  - {id: a, type: log, config: {message: hi}}\n").await;
    // Nobody listens on this engine, so nothing that another process says ever arrives.
    let deaf = engine_on(&bed.database).await;
    let _worker = bed.work_with(deaf, 4);
    wait_for_count(&bed, "select count(*) from onward.worker", 1).await;
    for _ in 0..2 {
        let run = bed.start(&id, json!({})).await;
        assert_eq!(bed.ended(run).await.0, "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_busy_owner_by_its_sweep_when_every_wake_up_is_lost() {
    let bed = Bed::new().await;
    let id = bed
        .deploy("version: 1\nname: busy\nsteps:\n  - {id: get, type: http.request, timeout: 1m, config: {url: 'http://shop.test/orders/IL1?fault=hang'}}\n")
        .await;
    let deaf = engine_on(&bed.database).await;
    let _worker = bed.work_with(deaf, 4);
    let run = bed.start(&id, json!({})).await;
    crate::wait_for_requests(&bed, "/orders/IL1", 1).await;
    onward_engine::cancel(&bed.engine, run).await.expect("it can be cancelled");
    assert_eq!(bed.ended(run).await.0, "canceled");
}
