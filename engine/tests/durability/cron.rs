//! One fire for each nominal instant, whoever fires.

use std::time::Duration;

use onward_engine::fire_due;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Bed, engine_on};

const EVERY_MINUTE: &str = "version: 1\nname: ticks\ntriggers: [{ type: cron, config: { schedule: '* * * * *' } }]\nsteps: [{ id: a, type: log, config: { message: tick } }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_fire_each_instant_once() {
    let bed = Bed::new().await;
    bed.deploy(EVERY_MINUTE).await;
    let other = engine_on(&bed.database).await;
    for _ in 0..20 {
        bed.database.move_clock(Duration::from_mins(1)).await;
        // Nothing carries the runs here; the previous one must be over for the next to start.
        bed.execute("delete from onward.job").await;
        let (left, right) = tokio::join!(fire_due(&bed.engine), fire_due(&other));
        assert_eq!(left.unwrap().started + right.unwrap().started, 1);
    }
    assert_eq!(bed.count("select count(*) from onward.run").await, 20);
    assert_eq!(bed.count("select count(distinct nominal_at) from onward.fire where result = 'started'").await, 20);
    assert_eq!(bed.count("select count(*) from onward.fire where extract(second from nominal_at) <> 0").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_while_firing_leaves_the_fire_to_another() {
    let bed = Bed::new().await;
    bed.deploy(EVERY_MINUTE).await;
    bed.database.move_clock(Duration::from_mins(1)).await;
    let mut dying = PgConnection::connect_with(&bed.database.options()).await.unwrap();
    dying.execute("begin").await.unwrap();
    dying.execute("select id from onward.trigger for update").await.unwrap();
    assert_eq!(fire_due(&bed.engine).await.unwrap().started, 0, "it is being fired");
    drop(dying);
    onward_testkit::wait_until(crate::support::DEADLINE, "the trigger to be free again", async || {
        fire_due(&bed.engine).await.unwrap().started == 1
    })
    .await;
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_missed_the_newest_fires_and_only_within_a_day() {
    let bed = Bed::new().await;
    bed.deploy(EVERY_MINUTE).await;
    bed.database.move_clock(Duration::from_hours(3)).await;
    assert_eq!(fire_due(&bed.engine).await.unwrap().started, 1);
    assert_eq!(
        bed.count("select count(*) from onward.fire where nominal_at > onward.now() - interval '1 minute'").await,
        1
    );
    assert_eq!(bed.count("select count(*) from onward.trigger where next_at > onward.now()").await, 1);
    assert_eq!(fire_due(&bed.engine).await.unwrap().started, 0);

    let yearly = EVERY_MINUTE.replace("ticks", "yearly").replace("* * * * *", "0 0 1 1 *");
    bed.deploy(&yearly).await;
    sqlx::query("update onward.trigger set next_at = onward.now() - interval '25 hours' where workflow = 'yearly'")
        .execute(bed.engine.pool())
        .await
        .unwrap();
    fire_due(&bed.engine).await.unwrap();
    assert_eq!(bed.count("select count(*) from onward.fire where workflow = 'yearly' and result = 'skipped' and reason like 'missed%'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fire_is_skipped_while_the_previous_run_is_active() {
    let bed = Bed::new().await;
    bed.deploy(EVERY_MINUTE).await;
    for _ in 0..2 {
        bed.database.move_clock(Duration::from_mins(1)).await;
        fire_due(&bed.engine).await.unwrap();
    }
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_eq!(
        bed.count("select count(*) from onward.fire where result = 'skipped' and reason like 'overlap%'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_moves_the_next_time_only_when_the_schedule_changes() {
    let bed = Bed::new().await;
    bed.deploy(EVERY_MINUTE).await;
    bed.execute("update onward.trigger set next_at = next_at + interval '7 minutes'").await;
    let next = "select extract(epoch from next_at)::bigint from onward.trigger where workflow = 'ticks'";
    let before = bed.count(next).await;
    bed.deploy(&EVERY_MINUTE.replace("message: tick", "message: tock")).await;
    assert_eq!(bed.count(next).await, before);
    bed.deploy(&EVERY_MINUTE.replace("* * * * *", "*/2 * * * *")).await;
    assert_ne!(bed.count(next).await, before);
}
