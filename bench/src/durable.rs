//! Runs of ten checkpointed steps, 200 at once: each step is stored before the next begins.

use std::time::Instant;

use crate::bed::Bed;
use crate::report::Report;

const CONCURRENT: usize = 200;
const STEPS: usize = 10;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub async fn measure(bed: &Bed, report: &mut Report, rounds: usize, runs: usize) -> anyhow::Result<()> {
    let version = bed.rows(STEPS).await?;
    let (mut rates, mut wal) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bed.start(&version, runs).await?;
        let (before, began) = (bed.wal().await?, Instant::now());
        let worker = bed.work(CONCURRENT);
        bed.drained().await?;
        let steps = (runs * STEPS) as f64;
        rates.push(steps / began.elapsed().as_secs_f64());
        wal.push((bed.wal().await? - before) as f64 / steps);
        worker.stop().await?;
    }
    report.add("durable steps, 10-step runs, 200 at once", rates, "steps/s");
    report.add("WAL of a durable step", wal, "bytes");
    Ok(())
}
