//! Waiting for one's turn at a provider whose limit is shared.

use onward_workflows::{ErrorKind, Outcome, StepError};
use tokio::time::{Instant, sleep_until};

use crate::backing::{Backing, Bound};

/// For the second and later requests of an attempt: its first one was let through before it began.
pub(crate) async fn take_turn(
    backing: &dyn Backing,
    bound: &Bound,
    service: &str,
    deadline: Instant,
) -> Result<(), Outcome> {
    let wait = backing
        .reserve(bound)
        .await
        .map_err(|error| Outcome::Failed(StepError::new(ErrorKind::Internal, error.to_string()).retryable()))?;
    let until = Instant::now() + wait;
    if until >= deadline {
        let text = format!("{service}: more requests wait for their turn than fit into the attempt's timeout");
        let mut error = StepError::new(ErrorKind::Limit, text);
        error.retry_after_ms = u64::try_from(wait.as_millis()).ok();
        return Err(Outcome::Failed(error.retryable()));
    }
    sleep_until(until).await;
    Ok(())
}
