use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Asks until the answer is yes; panics with `what` when `deadline` has passed.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, condition: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    // Outside the async part, where the caller is still known.
    let caller = std::panic::Location::caller();
    poll(deadline, what, condition, caller)
}

async fn poll(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
    caller: &std::panic::Location<'_>,
) {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    while !condition().await {
        assert!(began.elapsed() < deadline, "waited {deadline:?} in vain: {what} ({caller})");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
