//! A server, two workers and a shop; two hundred orders, and a worker killed in the middle of them; then an evening of a
//! visa agency whose services have a bad day.
//!
//! Everything is done from outside: the programs are started as anybody would, the API is called with curl, and the
//! shop keeps its own books, with which the server's are compared at the end.

mod agency;
mod books;
mod cast;
mod curl;

use std::time::{Duration, Instant};

use anyhow::Context;

use books::Books;
use cast::Cast;

const ORDERS: usize = 200;
/// The worker is killed when the shop has seen this many confirmations.
const KILL_AFTER: u64 = 60;
const DEADLINE: Duration = Duration::from_secs(55);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// True when the books balance.
pub async fn show() -> anyhow::Result<bool> {
    let began = Instant::now();
    say(began, "starting the shop, a server on its own Postgres, and two workers");
    let mut cast = Cast::start().await?;
    say(began, &format!("serving   {}", cast.server.base));

    for line in cast.deploy().await? {
        say(began, &format!("deployed  {line}"));
    }

    let reply = cast.server.trigger("order-confirmations", "100001", "demo-100001").await?;
    anyhow::ensure!(reply.status == 202, "the webhook answered {}: {}", reply.status, reply.body);
    say(
        began,
        &format!("webhook   POST /api/v1/triggers/order-confirmations → {} {}", reply.status, reply.body["run_id"]),
    );

    say(began, &format!("starting  {ORDERS} more orders"));
    let accepted = 1 + cast.server.trigger_orders(200_000, ORDERS).await?;
    say(began, &format!("accepted  {accepted} runs"));

    let deadline = began + DEADLINE;
    let mut killed = false;
    loop {
        let confirmed = cast.shop_ledger("/confirmations").await?.effects;
        let ended = cast.server.count_runs("order-confirmation", &["succeeded", "failed", "canceled"]).await?;
        if !killed && confirmed >= KILL_AFTER {
            let worker = cast.kill_a_worker()?;
            killed = true;
            say(began, &format!("kill -9   worker {worker}, with {} orders unfinished", accepted - ended));
        }
        let beats = cast.server.count_runs("heartbeat", &["succeeded"]).await?;
        if ended == accepted && killed && beats > 0 {
            say(began, &format!("finished  {ended} orders; the schedule has fired {beats} times"));
            break;
        }
        if Instant::now() > deadline {
            say(began, &format!("gave up   {ended} of {accepted} orders ended, {beats} heartbeats, killed: {killed}"));
            break;
        }
        progress(began, ended, accepted, confirmed);
        tokio::time::sleep(LOOK_EVERY).await;
    }

    say(began, "evening   deliveries by PDF and WhatsApp, ten sagas; one request in five to each service goes wrong");
    let agency = agency::play(&cast).await.context("the evening")?;
    say(began, &format!("finished  {} delivered, {} orders shipped", agency.delivered, agency.shipped));

    let books = Books::read(&cast, accepted, agency).await.context("read the books")?;
    books.print(killed);
    cast.end().await;
    Ok(killed && books.balance())
}

fn say(began: Instant, text: &str) {
    println!("{:5.1} s  {text}", began.elapsed().as_secs_f64());
}

/// One line a second while there is nothing else to say.
fn progress(began: Instant, ended: u64, accepted: u64, confirmed: u64) {
    if began.elapsed().subsec_millis() < 250 {
        say(began, &format!("          {ended:3} of {accepted} ended, {confirmed:3} confirmations at the shop"));
    }
}
