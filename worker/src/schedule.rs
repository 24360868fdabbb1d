//! The loop that fires cron triggers; any number of processes may run it.

use std::time::Duration;

use onward_engine::{Engine, fire_due};
use tokio_util::sync::CancellationToken;

/// Another process may deploy an earlier schedule at any time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub async fn fire_schedules(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match fire_due(&engine).await {
            Ok(fired) if fired.started + fired.skipped + fired.waiting > 0 => {
                let (started, skipped, waiting) = (fired.started, fired.skipped, fired.waiting);
                tracing::info!(started, skipped, waiting, "schedules fired");
                Duration::ZERO
            }
            Ok(fired) => fired
                .next_at
                .and_then(|next| (next - engine.clock().now()).to_std().ok())
                .map_or(LOOK_EVERY, |until| until.min(LOOK_EVERY)),
            Err(error) => {
                tracing::warn!(error = %error, "schedules could not be fired");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
