//! What tasks of killed processes have written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often each task has been carried out.
pub fn read(ledger: &Path) -> BTreeMap<usize, u32> {
    let mut runs = BTreeMap::new();
    for number in std::fs::read_to_string(ledger).unwrap_or_default().lines().filter_map(|line| line.parse().ok()) {
        *runs.entry(number).or_default() += 1;
    }
    runs
}

/// Waits until so many tasks are there, or until nothing has been written for `patience`.
pub fn wait(ledger: &Path, tasks: usize, patience: Duration) {
    let (mut size, mut grown_at) = (0, Instant::now());
    loop {
        let now = std::fs::metadata(ledger).map_or(0, |data| data.len());
        if now != size {
            (size, grown_at) = (now, Instant::now());
            if read(ledger).len() >= tasks {
                return;
            }
        }
        if grown_at.elapsed() > patience {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
