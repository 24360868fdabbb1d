//! Saying that we are alive, and looking at the database's clock while we are at it.

use onward_engine::{Engine, HEARTBEAT_EVERY, Lease, heartbeat};

/// Beats until the lease is lost.
pub(crate) async fn beat(engine: Engine, lease: Lease) {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    loop {
        ticks.tick().await;
        match heartbeat(engine.pool(), &lease).await {
            Ok(Ok(())) => {}
            Ok(Err(_lost)) => return,
            Err(error) => tracing::warn!(error = %error, "a heartbeat was not stored"),
        }
        if let Err(error) = engine.clock().synchronise(engine.pool()).await {
            tracing::debug!(error = %error, "the database's clock could not be read");
        }
    }
}
