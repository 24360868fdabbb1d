//! How many a second, and how many of them more than once.

use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::runtime::Runtime;

use crate::Extent;
use crate::contestant::Contestant;
use crate::tasks::{Counted, count_runs, forget_runs};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// For a queue that comes to a standstill.
const ROUND_MAX: Duration = Duration::from_mins(3);

struct Round {
    enqueued: f64,
    carried_out: f64,
    again: usize,
    missing: usize,
}

pub fn measure(server: &PgConnectOptions, extent: Extent) -> anyhow::Result<()> {
    let (rounds, tasks) = if extent.quick { (1, 500) } else { (5, 5_000) };
    println!("{tasks} tasks a round, {rounds} rounds, medians, and the spread in brackets\n");
    println!("| tasks | queue | enqueued/s | carried out/s | run more than once | never run |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (what, millis) in [("that do nothing", 0), ("of 1 ms", 1)] {
        let mut medians = Vec::new();
        // In turns, so that a slow minute of the machine is everybody's.
        let mut all = [const { Vec::new() }; Contestant::ALL.len()];
        for _ in 0..rounds {
            for (place, contestant) in Contestant::ALL.into_iter().enumerate() {
                all[place].push(round(contestant, server, tasks, (millis, extent.workers))?);
            }
        }
        for (contestant, rounds) in Contestant::ALL.into_iter().zip(&all) {
            let rate = shown(rounds.iter().map(|round| round.carried_out));
            let enqueued = shown(rounds.iter().map(|round| round.enqueued));
            let again: Vec<usize> = rounds.iter().map(|round| round.again).collect();
            let missing: usize = rounds.iter().map(|round| round.missing).sum();
            println!("| {what} | {} | {} | {} | {again:?} | {missing} |", contestant.name(), enqueued.1, rate.1);
            medians.push(rate.0);
        }
        let [removes, keeps, onward] = medians[..] else { unreachable!("one of each") };
        println!("| {what} | factor, to the faster fang | | {:.1} | | |", onward / f64::max(removes, keeps));
    }
    println!();
    Ok(())
}

fn round(
    contestant: Contestant,
    server: &PgConnectOptions,
    tasks: u32,
    (millis, workers): (u64, u32),
) -> anyhow::Result<Round> {
    let count = usize::try_from(tasks)?;
    forget_runs(count);
    // Its own runtime: fang's workers end with it and not before.
    let runtime = Runtime::new()?;
    let round = runtime.block_on(async {
        let url = contestant.database(server).await?;
        let list: Vec<Counted> = (0..count).map(|number| Counted { number, millis }).collect();
        let began = Instant::now();
        contestant.enqueue(&url, &list).await?;
        let enqueued = f64::from(tasks) / began.elapsed().as_secs_f64();
        let mut connection = PgConnection::connect_with(&server.clone().database(contestant.database_name())).await?;
        let began = Instant::now();
        contestant.work(&url, workers).await?;
        while began.elapsed() < ROUND_MAX
            && sqlx::query_scalar::<_, bool>(contestant.is_left()).fetch_one(&mut connection).await?
        {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let carried_out = f64::from(tasks) / began.elapsed().as_secs_f64();
        let (run, again) = count_runs();
        anyhow::Ok(Round { enqueued, carried_out, again, missing: count - run })
    });
    runtime.shutdown_background();
    round
}

/// The median, and all of it for people.
fn shown(values: impl Iterator<Item = f64>) -> (f64, String) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    (median, format!("{median:.0} ({:.0} to {:.0})", values[0], values[values.len() - 1]))
}
