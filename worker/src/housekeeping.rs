//! What has to be done now and then, by whichever process comes first.

use std::time::Duration;

use onward_engine::{Engine, forget_expired_keys, keep_partitions};
use tokio_util::sync::CancellationToken;

const PARTITIONS_EVERY: Duration = Duration::from_hours(1);
const EXPIRY_EVERY: Duration = Duration::from_mins(1);

/// Keeps the partitions ahead and forgets expired keys, until stopped. Any number of processes may run it.
pub async fn keep_house(engine: Engine, stop: CancellationToken) {
    let mut partitions = tokio::time::interval(PARTITIONS_EVERY);
    let mut expiry = tokio::time::interval(EXPIRY_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = partitions.tick() => {
                if let Err(error) = keep_partitions(engine.pool()).await {
                    tracing::error!(error = %error, "partitions for the coming weeks could not be made");
                }
            }
            _ = expiry.tick() => forget(&engine).await,
        }
    }
}

async fn forget(engine: &Engine) {
    loop {
        match forget_expired_keys(engine.pool()).await {
            Ok(forgotten) if forgotten.more => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = %error, "expired keys could not be deleted");
                return;
            }
        }
    }
}
