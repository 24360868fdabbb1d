//! When a failed attempt is repeated, and how long the pause is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::{Backoff, Retry, StepError};

/// No pause is longer than the longest run.
const PAUSE_MAX: Duration = Duration::from_hours(366 * 24);

/// The pause after attempt `attempt` of the step that `key` names. What the other side asked for wins when it is longer.
pub(super) fn pause(retry: &Retry, key: &str, attempt: u32, error: &StepError) -> Duration {
    let factor = match retry.backoff {
        Backoff::Constant => 1,
        Backoff::Linear => attempt,
        Backoff::Exponential => 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX),
    };
    let mut pause = retry.delay.saturating_mul(factor).min(retry.max_delay);
    if retry.jitter {
        pause = pause.mul_f64(fraction(key, attempt));
    }
    pause.max(Duration::from_millis(error.retry_after_ms.unwrap_or(0))).min(PAUSE_MAX)
}

/// Between 0 and 1, from a hash: every process draws the same one, and different runs draw different ones.
fn fraction(key: &str, attempt: u32) -> f64 {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(attempt.to_be_bytes());
    let digest = hash.finalize();
    let bits = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(bits) / f64::from(u32::MAX)
}

/// Whether the repetition that is due at `due_at` still falls into the time that the step may take in all.
pub(super) fn is_within(retry: &Retry, first_started_at: DateTime<Utc>, due_at: DateTime<Utc>) -> bool {
    retry.within.is_none_or(|within| due_at <= first_started_at + within)
}
