use std::time::Duration;

use onward_testkit::standin::{Options, StandIn};
use onward_testkit::{TestDatabase, wait_until};

use super::{assert_checkpoints_stood, count, deploy, two_effects, watch_checkpoints, with_shop};
use crate::place::{DEADLINE, Place, example};

const RUNS: usize = 5;
const ORDERS: usize = 30;
const LIVE: &str = "select count(*) from onward.job";

/// A charge that is not safe to repeat: what became of it is for a person to find out.
const CHARGE: &str = "version: 1
name: charge
steps:
  - id: charge
    type: http.request
    config: { method: POST, url: http://shop.test/confirmations, query: { fault: hang, times: 1 }, body: { order: 1 } }
    timeout: 1m
";

async fn place_of(database: &TestDatabase, shop: &StandIn) -> Place {
    let mut place = Place::new(with_shop(shop));
    place.variables.push(("DATABASE_URL", database.url()));
    place.make_key().await;
    place
}

/// The effect has taken place and its answer never comes: the worst moment for a worker to die.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_inside_a_step_leaves_it_to_another() {
    let (database, shop) = (TestDatabase::new().await, StandIn::start().await.expect("the shop opens"));
    let (place, pool) = (place_of(&database, &shop).await, database.pool().await);
    watch_checkpoints(&pool).await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    let mut victim = place.serve(&["worker"]).await;
    deploy(&place, "two.yaml", &two_effects("100ms", "{ fault: hang, times: 1 }")).await;
    deploy(&place, "charge.yaml", CHARGE).await;
    for _ in 0..RUNS {
        place.ask(&["trigger", "two"]).await;
    }
    place.ask(&["run", "charge", "--detach"]).await;
    wait_until(DEADLINE, "all to be inside their step", async || shop.totals().effects == RUNS as u64 + 1).await;
    victim.kill9();

    let _survivor = place.serve(&["worker"]).await;
    wait_until(DEADLINE, "all but the charge to be over", async || place.count_runs("succeeded").await == RUNS).await;
    let totals = shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (2 * RUNS as u64 + 1, 0), "{totals:?}");
    assert_eq!(totals.repeated, RUNS as u64, "the second try had the key of the first");

    wait_until(DEADLINE, "the charge to be put aside", async || place.count_runs("waiting").await == 1).await;
    let charge = shop.requests().iter().filter(|request| request.path == "/confirmations").count();
    assert_eq!(charge, 1, "it is not sent again");
    assert_eq!(count(&pool, LIVE).await, 1);
    assert_checkpoints_stood(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_steps_is_not_missed() {
    let (database, shop) = (TestDatabase::new().await, StandIn::start().await.expect("the shop opens"));
    let (place, pool) = (place_of(&database, &shop).await, database.pool().await);
    watch_checkpoints(&pool).await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    let mut victim = place.serve(&["worker"]).await;
    deploy(&place, "two.yaml", &two_effects("1h", "{}")).await;
    for _ in 0..RUNS {
        place.ask(&["trigger", "two"]).await;
    }
    wait_until(DEADLINE, "all to pause", async || place.count_runs("waiting").await == RUNS).await;
    victim.kill9();

    let _survivor = place.serve(&["worker"]).await;
    database.move_clock(Duration::from_hours(1)).await;
    wait_until(DEADLINE, "all to be over", async || place.count_runs("succeeded").await == RUNS).await;
    let totals = shop.totals();
    assert_eq!((totals.requests, totals.effects), (2 * RUNS as u64, 2 * RUNS as u64), "nothing was sent twice");
    assert_checkpoints_stood(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_any_moment_loses_and_doubles_nothing() {
    let delay = Duration::from_millis(50);
    let shop = StandIn::start_with(Options { delay, ..Options::default() }).await.expect("the shop opens");
    let database = TestDatabase::new().await;
    let (place, pool) = (place_of(&database, &shop).await, database.pool().await);
    watch_checkpoints(&pool).await;
    let _server = place.serve(&["serve", "--no-worker"]).await;
    let mut victim = place.serve(&["worker", "--seats", "4"]).await;
    let _survivor = place.serve(&["worker", "--seats", "4"]).await;
    place.ask(&["deploy", "--yes", &example("order-confirmation.json")]).await;
    for order in 0..ORDERS {
        let order = format!("{{\"order_id\":\"{}\"}}", 300_000 + order);
        place.ask(&["trigger", "order-confirmations", "-d", &order]).await;
    }
    wait_until(DEADLINE, "some orders to be confirmed", async || shop.totals().effects >= 5).await;
    victim.kill9();
    wait_until(DEADLINE, "all orders to be over", async || count(&pool, LIVE).await == 0).await;
    assert_eq!(place.count_runs("succeeded").await, ORDERS);
    let totals = shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (ORDERS as u64, 0), "{totals:?}");
    assert_checkpoints_stood(&pool).await;
}
