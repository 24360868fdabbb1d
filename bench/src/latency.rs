//! One run at a time on an idle system: from accepted to its first step, and from step to step.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::bed::Bed;
use crate::report::{Report, median, percentile};

const SEATS: usize = 20;
const LONE_STEPS: usize = 100;
/// Lets a registered worker come to rest before anything is measured.
const SETTLE: Duration = Duration::from_millis(500);

pub async fn measure(bed: &Bed, report: &mut Report, rounds: usize, runs: usize) -> anyhow::Result<()> {
    let single = bed.rows(1).await?;
    let lone = bed.rows(LONE_STEPS).await?;
    let worker = bed.work(SEATS);
    tokio::time::sleep(SETTLE).await;
    let (mut half, mut nearly_all, mut step) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut latencies = Vec::with_capacity(runs);
        for _ in 0..runs {
            let start = bed.prepare(&single)?;
            let (run, accepted_at) = (start.run, start.created_at);
            bed.engine.start(start).await?;
            bed.ended(run).await?;
            let instants = instants(bed, run.0).await?;
            let started_at = instants.first().context("the run has a checkpoint")?.0;
            latencies.push(millis(started_at - accepted_at));
        }
        half.push(median(&latencies));
        nearly_all.push(percentile(&latencies, 99));

        let start = bed.prepare(&lone)?;
        let run = start.run;
        bed.engine.start(start).await?;
        bed.ended(run).await?;
        let instants = instants(bed, run.0).await?;
        let between: Vec<f64> = instants.windows(2).map(|pair| millis(pair[1].0 - pair[0].0)).collect();
        step.push(median(&between));
    }
    worker.stop().await?;
    report.add("accepted to first step, idle, p50", half, "ms");
    report.add("accepted to first step, idle, p99", nearly_all, "ms");
    report.add("step to step of a lone run, p50", step, "ms");
    Ok(())
}

async fn instants(bed: &Bed, run: sqlx::types::Uuid) -> anyhow::Result<Vec<(DateTime<Utc>,)>> {
    let statement = "select started_at from onward.checkpoint where run_id = $1 order by started_at";
    Ok(sqlx::query_as(statement).bind(run).fetch_all(bed.engine.pool()).await?)
}

fn millis(between: chrono::TimeDelta) -> f64 {
    between.as_seconds_f64() * 1_000.0
}
