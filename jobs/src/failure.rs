//! What a failed attempt is worth: the task's own `max_retries` and `backoff`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fang::AsyncRunnable;
use onward_workflows::{ErrorKind, StepError};

/// Fang's default is two to this power, in 32 bits.
const BACKOFF_ATTEMPT_MAX: u32 = 31;
/// After a task whose `backoff` panics.
const PAUSE_UNKNOWN: Duration = Duration::from_mins(1);

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// `run` returned an error.
    Error,
    Panic,
    /// It took longer than the step's `timeout`.
    Timeout,
}

/// `attempt` is counted from one, as the engine does; fang counts the failures before it.
pub(crate) fn failure(task: &dyn AsyncRunnable, attempt: u32, cause: Cause, message: String) -> StepError {
    let (kind, code) = match cause {
        Cause::Error => (ErrorKind::Fail, "task_failed"),
        Cause::Panic => (ErrorKind::Fail, "task_panicked"),
        Cause::Timeout => (ErrorKind::Timeout, "task_timeout"),
    };
    let mut error = StepError::new(kind, message);
    error.code = Some(code.to_owned());
    let retries = attempt.saturating_sub(1);
    if retries < max_retries(task) {
        error = error.retryable();
        error.retry_after_ms = u64::try_from(pause(task, retries).as_millis()).ok();
    }
    error
}

/// One whose kind or fields this program does not know. Another attempt would not change that.
pub(crate) fn undecodable(message: String) -> StepError {
    let mut error = StepError::new(ErrorKind::Config, message);
    error.code = Some("task_unreadable".to_owned());
    error
}

fn max_retries(task: &dyn AsyncRunnable) -> u32 {
    let max = catch_unwind(AssertUnwindSafe(|| task.max_retries())).unwrap_or_default();
    u32::try_from(max).unwrap_or_default()
}

fn pause(task: &dyn AsyncRunnable, retries: u32) -> Duration {
    let seconds = catch_unwind(AssertUnwindSafe(|| task.backoff(retries.min(BACKOFF_ATTEMPT_MAX))));
    seconds.map_or(PAUSE_UNKNOWN, |seconds| Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use fang::{AsyncQueueable, FangError, async_trait, typetag};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Plain;

    #[async_trait]
    #[typetag::serde]
    impl AsyncRunnable for Plain {
        async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
            Ok(())
        }

        fn max_retries(&self) -> i32 {
            40
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Rude;

    #[async_trait]
    #[typetag::serde]
    impl AsyncRunnable for Rude {
        async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
            Ok(())
        }

        fn backoff(&self, _: u32) -> u32 {
            panic!("no idea")
        }
    }

    fn after(task: &dyn AsyncRunnable, attempt: u32) -> Option<u64> {
        let error = failure(task, attempt, Cause::Error, "no".to_owned());
        assert_eq!(error.retryable, error.retry_after_ms.is_some());
        error.retry_after_ms.map(|millis| millis / 1_000)
    }

    #[test]
    fn a_task_is_retried_as_often_and_as_late_as_it_says() {
        assert_eq!([after(&Plain, 1), after(&Plain, 2), after(&Plain, 5)], [Some(1), Some(2), Some(16)]);
        assert_eq!([after(&Plain, 40), after(&Plain, 41)], [Some(1 << 31), None], "40 retries, then the end");
    }

    #[test]
    fn pauses_that_do_not_fit_into_32_bits_stay_at_the_longest_that_does() {
        assert_eq!([after(&Plain, 32), after(&Plain, 33), after(&Plain, 34)], [Some(1 << 31); 3]);
    }

    #[test]
    fn a_backoff_that_panics_is_a_minute() {
        assert_eq!(after(&Rude, 1), Some(60));
    }
}
