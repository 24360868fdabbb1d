//! Tasks that enqueue others, and are repeated.

use std::time::Duration;

use fang::{AsyncQueueable, FangTaskState};
use onward_jobs::WorkSettings;
use onward_testkit::wait_until;

use crate::bed::{Bed, DEADLINE, settings};
use crate::tasks::Family;

const NOTES: &str = "select count(*) from onward.run where workflow = 'job_note'";

fn family(bed: &Bed, names: &[&str], unique: bool, fails: bool) -> Family {
    Family { book: bed.book.clone(), names: names.iter().map(|name| (*name).to_owned()).collect(), unique, fails }
}

async fn all_end(bed: &Bed) {
    wait_until(DEADLINE, "an end of every run", async || bed.count("select count(*) from onward.job").await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_task_enqueues_nothing_twice() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    // Two that are equal are two.
    let task = family(&bed, &["a", "b", "a"], false, true);
    let task = bed.jobs.insert_task(&task).await.expect("enqueue");
    let done = bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!(done.retries, 1, "it failed after it had enqueued");
    all_end(&bed).await;
    assert_eq!(bed.count(NOTES).await, 3);
    let mut lines = bed.lines();
    lines.sort();
    assert_eq!(lines, ["a", "a", "b", "enqueued", "enqueued"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_child_that_has_ended_meanwhile_is_not_enqueued_again_by_the_same_task() {
    let bed = Bed::new().await;
    let first = bed.work_with(WorkSettings { drain_max: Duration::ZERO, ..settings() }).await;
    let task = bed.jobs.insert_task(&family(&bed, &["a"], true, false)).await.expect("enqueue");
    wait_until(DEADLINE, "the child to end", async || {
        bed.count("select count(*) from onward.run where workflow = 'job_note' and status = 'succeeded'").await == 1
    })
    .await;
    wait_until(DEADLINE, "the parent to hang", async || bed.lines().contains(&"enqueued".to_owned())).await;
    first.stop().await;
    let _second = bed.work().await;
    bed.until_state(&task, FangTaskState::Finished).await;
    all_end(&bed).await;
    assert_eq!(bed.count(NOTES).await, 1);
    let again = bed.jobs.insert_task(&family(&bed, &["a"], true, false)).await.expect("enqueue");
    bed.until_state(&again, FangTaskState::Finished).await;
    all_end(&bed).await;
    assert_eq!(bed.count(NOTES).await, 2, "another task may");
}
