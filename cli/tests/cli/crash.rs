//! Real processes, killed as a power cut would: what was accepted is carried out, and each effect takes place once.

use std::time::Duration;

use onward_testkit::standin::{Options, StandIn};
use onward_testkit::{TestDatabase, wait_until};
use sqlx::PgPool;

use crate::place::{DEADLINE, Place, example};

const ORDERS: usize = 30;

/// Every checkpoint, in one text each.
async fn checkpoints(pool: &PgPool) -> Vec<String> {
    let statement = "select concat_ws(' ', run_id, path, attempt, status, md5(output::text), error, started_at, finished_at) from onward.checkpoint order by 1";
    sqlx::query_scalar(statement).fetch_all(pool).await.expect("read the checkpoints")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_loses_and_doubles_nothing() {
    let database = TestDatabase::new().await;
    let delay = Duration::from_millis(50);
    let shop = StandIn::start_with(Options { delay, ..Options::default() }).await.expect("the shop opens");
    let mut place = Place::new(vec![
        ("DATABASE_URL", database.url()),
        ("ONWARD_HTTP_HOSTS", format!("shop.test={}", shop.address())),
        ("ONWARD_ALLOW_HTTP_HOSTS", "1".to_owned()),
    ]);
    place.make_key().await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    let mut victim = place.serve(&["worker", "--seats", "4"]).await;
    let _survivor = place.serve(&["worker", "--seats", "4"]).await;
    place.ask(&["deploy", "--yes", &example("order-confirmation.json")]).await;
    for order in 0..ORDERS {
        let order = format!("{{\"order_id\":\"{}\"}}", 300_000 + order);
        place.ask(&["trigger", "orders", "-d", &order]).await;
    }
    let pool = database.pool().await;
    wait_until(DEADLINE, "some orders to be confirmed", async || shop.totals().effects >= 5).await;
    victim.kill9();
    let before = checkpoints(&pool).await;
    wait_until(DEADLINE, "all orders to be over", async || {
        let left = "select count(*) from onward.job";
        sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await.expect("count the jobs") == 0
    })
    .await;
    assert_eq!(place.count_runs("succeeded").await, ORDERS);
    let totals = shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (ORDERS as u64, 0), "{totals:?}");
    let after = checkpoints(&pool).await;
    assert!(before.iter().all(|row| after.contains(row)), "a stored checkpoint never changes");
    let twice = "select count(*) from (select from onward.checkpoint where status = 'succeeded' group by run_id, path having count(*) > 1) t";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(twice).fetch_one(&pool).await.expect("count"),
        0,
        "a success never runs again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_runs_survive_the_server_and_its_postgres() {
    let mut place = Place::new(vec![]);
    let document = "version: 1\nname: slow\ntriggers: [{ type: webhook, config: { endpoint: slow } }]\nsteps:\n  - { id: before, type: log, config: { message: before } }\n  - { id: pause, type: wait, config: { for: 3s } }\n  - { id: after, type: log, config: { message: after } }\n";
    std::fs::write(place.folder.path().join("slow.yaml"), document).expect("write the document");
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    place.ask(&["deploy", "--yes", "slow.yaml"]).await;
    for _ in 0..5 {
        place.ask(&["trigger", "slow"]).await;
    }
    // Its private Postgres goes with it.
    server.kill9();
    let _again = place.serve(&["serve"]).await;
    wait_until(DEADLINE, "the accepted runs to succeed", async || place.count_runs("succeeded").await == 5).await;
    assert_eq!(place.count_runs("failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_sent_again_after_a_crash_start_nothing_twice() {
    let mut place = Place::new(vec![]);
    let document = "version: 1\nname: note\ntriggers: [{ type: webhook, config: { endpoint: note } }]\nsteps: [{ id: note, type: log, config: { message: noted } }]\n";
    std::fs::write(place.folder.path().join("note.yaml"), document).expect("write the document");
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    place.ask(&["deploy", "--yes", "note.yaml"]).await;
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let mut accepted = 0;
    for (number, key) in keys.iter().enumerate() {
        if number == keys.len() / 2 {
            server.kill9();
        }
        accepted += usize::from(place.run(&["trigger", "note", "--idempotency-key", key]).await.status.success());
    }
    assert!((10..keys.len()).contains(&accepted), "some were accepted, some were not: {accepted}");
    let _again = place.serve(&["serve"]).await;
    for key in &keys {
        place.ask(&["trigger", "note", "--idempotency-key", key]).await;
    }
    wait_until(DEADLINE, "all to succeed", async || place.count_runs("succeeded").await == keys.len()).await;
}
