//! What has to be done now and then, by whichever process comes first.

use std::time::Duration;

use onward_engine::{
    Engine, dispatch_left_over, forget_cached, forget_expired_keys, forget_files, forget_rates,
    forget_whatsapp_reports, keep_partitions, look_at_depths, settle_reported, tidy_slots, wake_callers,
};
use tokio_util::sync::CancellationToken;

const PARTITIONS_EVERY: Duration = Duration::from_hours(1);
const EXPIRY_EVERY: Duration = Duration::from_mins(1);
/// What a process may have left half done.
const LEFT_OVER_EVERY: Duration = Duration::from_secs(5);

/// Keeps the partitions ahead and forgets expired keys, until stopped. Any number of processes may run it.
pub async fn keep_house(engine: Engine, stop: CancellationToken) {
    let mut partitions = tokio::time::interval(PARTITIONS_EVERY);
    let mut expiry = tokio::time::interval(EXPIRY_EVERY);
    let mut left_over = tokio::time::interval(LEFT_OVER_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = partitions.tick() => {
                if let Err(error) = keep_partitions(engine.pool()).await {
                    tracing::error!(error = %error, "partitions for the coming weeks could not be made");
                }
            }
            _ = expiry.tick() => forget(&engine).await,
            _ = left_over.tick() => finish(&engine).await,
        }
    }
}

async fn finish(engine: &Engine) {
    if let Err(error) = look_at_depths(engine).await {
        tracing::warn!(error = %error, "the depth of the queues could not be looked at");
    }
    if let Err(error) = tidy_slots(engine).await {
        tracing::warn!(error = %error, "slots could not be tidied up");
    }
    match settle_reported(engine).await {
        Ok(0) => {}
        Ok(settled) => {
            tracing::info!(settled, "sends without an answer were settled by what has been reported of them");
        }
        Err(error) => tracing::warn!(error = %error, "sends without an answer could not be looked at"),
    }
    match wake_callers(engine).await {
        Ok(0) => {}
        Ok(woken) => tracing::info!(woken, "callers whose wake-up was lost were woken"),
        Err(error) => tracing::warn!(error = %error, "callers of ended runs could not be looked for"),
    }
    match dispatch_left_over(engine).await {
        Ok(0) => {}
        Ok(events) => tracing::info!(events, "events that were left half done were finished"),
        Err(error) => tracing::warn!(error = %error, "events that were left half done could not be finished"),
    }
}

async fn forget(engine: &Engine) {
    if let Err(error) = forget_cached(engine).await {
        tracing::warn!(error = %error, "outputs that are too old could not be deleted");
    }
    if let Err(error) = forget_files(engine).await {
        tracing::warn!(error = %error, "files that nobody can fetch any more could not be deleted");
    }
    if let Err(error) = forget_whatsapp_reports(engine).await {
        tracing::warn!(error = %error, "old reports of WhatsApp messages could not be deleted");
    }
    if let Err(error) = forget_rates(engine).await {
        tracing::warn!(error = %error, "rates that nobody uses could not be deleted");
    }
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
