//! A delay that is the same for everybody who asks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// At least zero and less than `max`, in whole milliseconds; fixed by the trigger and the instant it is for.
pub(super) fn jitter(workflow: &str, trigger_id: &str, nominal_at: DateTime<Utc>, max: Duration) -> Duration {
    let range = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
    if range == 0 {
        return Duration::ZERO;
    }
    // Neither id holds a NUL, so that two different triggers never hash alike.
    let hash = Sha256::new()
        .chain_update(workflow)
        .chain_update([0])
        .chain_update(trigger_id)
        .chain_update([0])
        .chain_update(nominal_at.timestamp_millis().to_be_bytes())
        .finalize();
    let drawn = u64::from_be_bytes(*hash.first_chunk().expect("the hash has 32 bytes"));
    Duration::from_millis(drawn % range)
}
