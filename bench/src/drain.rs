//! Runs of one step: accepted first, then drained.

use std::time::Instant;

use crate::bed::Bed;
use crate::report::Report;

/// Seats of the draining worker.
const SEATS: usize = 500;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub async fn measure(bed: &Bed, report: &mut Report, rounds: usize, runs: usize) -> anyhow::Result<()> {
    let version = bed.rows(1).await?;
    let (mut accepted, mut drained, mut wal) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        bed.start(&version, runs).await?;
        accepted.push(runs as f64 / began.elapsed().as_secs_f64());
        let (before, began) = (bed.wal().await?, Instant::now());
        let worker = bed.work(SEATS);
        bed.drained().await?;
        drained.push(runs as f64 / began.elapsed().as_secs_f64());
        wal.push((bed.wal().await? - before) as f64 / runs as f64);
        worker.stop().await?;
    }
    report.add("single-step runs accepted, in process", accepted, "runs/s");
    report.add("single-step runs drained", drained, "runs/s");
    report.add("WAL of a drained run", wal, "bytes");
    Ok(())
}
